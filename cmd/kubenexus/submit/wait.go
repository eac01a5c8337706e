package submit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// How often the pods are looked at if they change all the time, and how often the objects.
const (
	podsEvery    = 200 * time.Millisecond
	objectsEvery = 3 * time.Second
)

// waiter waits until gangs run.
type waiter struct {
	options *options
	objects *cluster.Objects
	made    []created
	gangs   []awaited
	// since is when the first of the objects was created, by the API server's clock, and started when this process began to wait.
	since, started time.Time
	pods           listers.PodLister
	changed        chan struct{}
	ended          ended
	said           map[string]string
}

// await waits until the gangs of what was created run, and says how far they are.
func (o *options) await(
	ctx context.Context, client kubernetes.Interface, objects *cluster.Objects, asked *manifest, made []created,
) error {
	w := &waiter{
		options: o, objects: objects, made: made, started: time.Now(), changed: make(chan struct{}, 1), ended: ended{},
		said: map[string]string{},
	}
	if err := w.find(asked); err != nil {
		return err
	}
	namespaces := map[string]bool{}
	for _, g := range w.gangs {
		namespaces[g.namespace] = true
	}
	namespace := metav1.NamespaceAll
	if len(namespaces) == 1 {
		namespace = w.gangs[0].namespace
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods()
	w.pods = pods.Lister()
	signal := func() {
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
	_, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(any, any) { signal() }, DeleteFunc: func(any) { signal() },
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	defer factory.Shutdown()
	defer cancel() // before Shutdown, which waits for the informers
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.Informer().HasSynced) {
		return context.Cause(ctx)
	}
	return w.loop(ctx)
}

// find finds out the gangs from the objects as they were created: with generateName they have names only now.
func (w *waiter) find(asked *manifest) error {
	for _, object := range w.made {
		if at := object.GetCreationTimestamp().Time; w.since.IsZero() || at.Before(w.since) {
			w.since = at
		}
	}
	var list []any
	for i := range asked.objects {
		object, err := unstructuredOf(&asked.objects[i])
		if err != nil {
			return err
		}
		object.SetName(w.made[i].GetName())
		object.SetNamespace(w.made[i].GetNamespace())
		list = append(list, object.Object)
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": list})
	if err != nil {
		return fmt.Errorf("reading what was created: %w", err)
	}
	objects, err := workload.Parse(text, metav1.NamespaceDefault)
	if err != nil {
		return fmt.Errorf("reading what was created: %w", err)
	}
	w.gangs, err = check(objects, w.options.schedulers(), time.Now())
	return err
}

// loop looks at the pods when they change, and at the objects from time to time.
func (w *waiter) loop(ctx context.Context) error {
	look, check := time.NewTicker(podsEvery), time.NewTicker(objectsEvery)
	defer look.Stop()
	defer check.Stop()
	for {
		done, err := w.look()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-check.C:
			if over, err := w.over(ctx); over || err != nil {
				return err
			}
		case <-w.changed:
			select { // not more often than that
			case <-ctx.Done():
			case <-look.C:
			}
		}
	}
}

// look says how far the gangs are, if that has changed, and reports whether all run.
func (w *waiter) look() (done bool, err error) {
	pods, err := w.pods.List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("listing pods: %w", err)
	}
	pods = w.ended.with(pods)
	done = true
	for _, g := range w.gangs {
		p := progressOf(g, pods, w.since)
		w.say(&p)
		done = done && p.done()
	}
	return done, nil
}

func (w *waiter) say(p *progress) {
	key, text := p.namespace+"/"+p.name, p.String()
	if p.done() {
		text = fmt.Sprintf("gang %s runs", p.name)
	}
	if w.said[key] == text {
		return
	}
	w.said[key] = text
	fmt.Fprintf(w.options.progress, "%4s  %s\n", time.Since(w.started).Truncate(time.Second), oneLine(text))
}

// oneLine keeps what pods say from changing the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// over reports whether what was created has ended before it was seen to run; the error says that it failed, or was deleted.
func (w *waiter) over(ctx context.Context) (bool, error) {
	completed := true
	for _, object := range w.made {
		resource, _, err := w.objects.Of(object.GroupVersionKind(), object.GetNamespace())
		if err != nil {
			return false, err
		}
		now, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && now.GetUID() != object.GetUID():
			return false, fmt.Errorf("%s was deleted", object.id())
		case err != nil:
			return false, nil //nolint:nilerr // the next look may succeed; the pods are watched all the same
		}
		state, message := stateOf(now)
		if state == failed {
			return false, fmt.Errorf("%s failed: %s", object.id(), message)
		}
		completed = completed && (state == succeeded || object.GetKind() == "Service")
	}
	return completed, nil
}

// state is whether an object has ended.
type state int

const (
	goesOn state = iota
	failed
	succeeded
)

// stateOf reads what most kinds say of their end: the phase of a Pod, and the conditions of jobs.
func stateOf(object *unstructured.Unstructured) (state, string) {
	switch phase, _, _ := unstructured.NestedString(object.Object, "status", "phase"); {
	case object.GetKind() != "Pod":
	case phase == string(corev1.PodFailed):
		message, _, _ := unstructured.NestedString(object.Object, "status", "message")
		return failed, message
	case phase == string(corev1.PodSucceeded):
		return succeeded, ""
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		condition, is := entry.(map[string]any)
		if !is || condition["status"] != "True" {
			continue
		}
		switch message, _ := condition["message"].(string); condition["type"] {
		case "Failed":
			return failed, message
		case "Complete", "Completed", "Succeeded":
			return succeeded, ""
		}
	}
	return goesOn, ""
}
