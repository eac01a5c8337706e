// Package watch records when pods get their nodes and when their Scheduled events are written. It runs the same watches for every
// scheduler.
package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
)

// look is how often a condition is checked. The times themselves are taken when a change arrives.
const look = 5 * time.Millisecond

// Binds counts pods that got their nodes.
type Binds struct {
	Count       int
	First, Last time.Time
}

func (b *Binds) add(at time.Time) {
	if b.Count == 0 {
		b.First = at
	}
	b.Count++
	b.Last = at
}

// State is what was recorded of the current batch.
type State struct {
	// Live is the number of existing pods, of any batch.
	Live int
	// Bound counts the pods of the batch that got a node, including those deleted since.
	Bound Binds
	// Scheduled counts their Scheduled events.
	Scheduled Binds
	// Deleted is when a pod was last deleted.
	Deleted time.Time
	// Victims counts the deleted pods of other batches.
	Victims Binds
}

// Tracker watches the pods and events of the namespace.
type Tracker struct {
	mu     sync.Mutex
	prefix string
	state  State
	groups map[string]*Binds
	waits  map[string]Wait
}

// Wait is how a pod of the batch came to its node. The times are zero for what has not happened.
type Wait struct{ Created, Nominated, Bound time.Time }

// Start starts the watches. They run until the context is done.
func Start(ctx context.Context, client kubernetes.Interface) (*Tracker, error) {
	t := &Tracker{groups: map[string]*Binds{}, waits: map[string]Wait{}}
	pods := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(load.Namespace),
		informers.WithTransform(slimPod))
	events := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(load.Namespace),
		informers.WithTransform(slimEvent), informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = "reason=Scheduled"
		}))
	_, podErr := pods.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { t.podChanged(nil, obj) },
		UpdateFunc: t.podChanged,
		DeleteFunc: t.podDeleted,
	})
	_, eventErr := events.Core().V1().Events().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: t.eventAdded})
	if err := errors.Join(podErr, eventErr); err != nil {
		return nil, fmt.Errorf("watching pods and events: %w", err)
	}
	for _, factory := range []informers.SharedInformerFactory{pods, events} {
		factory.Start(ctx.Done())
		for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
			if !synced {
				return nil, fmt.Errorf("listing %v: %w", kind, context.Cause(ctx))
			}
		}
	}
	return t, nil
}

// slimPod keeps only the fields that are needed to count a pod.
func slimPod(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, ResourceVersion: pod.ResourceVersion, Labels: pod.Labels,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: corev1.PodStatus{NominatedNodeName: pod.Status.NominatedNodeName},
	}, nil
}

// slimEvent keeps only the fields that are needed to count an event.
func slimEvent(obj any) (any, error) {
	event, ok := obj.(*corev1.Event)
	if !ok {
		return obj, nil
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: event.Name, Namespace: event.Namespace, ResourceVersion: event.ResourceVersion},
		InvolvedObject: corev1.ObjectReference{
			Name: event.InvolvedObject.Name,
		},
	}, nil
}

// podChanged records a change of a pod; before is nil if the pod is new.
func (t *Tracker) podChanged(before, after any) {
	now := time.Now()
	old, _ := before.(*corev1.Pod)
	pod, ok := after.(*corev1.Pod)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old == nil {
		t.state.Live++
	}
	t.note(pod, now)
	was := old != nil && old.Spec.NodeName != ""
	if was || pod.Spec.NodeName == "" || load.Prefix(pod.Name) != t.prefix {
		return
	}
	t.state.Bound.add(now)
	name := pod.Labels[load.GroupLabel]
	group := t.groups[name]
	if group == nil {
		group = &Binds{}
		t.groups[name] = group
	}
	group.add(now)
}

// note records when a pod of the batch is created, nominated and bound.
func (t *Tracker) note(pod *corev1.Pod, now time.Time) {
	if load.Prefix(pod.Name) != t.prefix {
		return
	}
	w := t.waits[pod.Name]
	if w.Created.IsZero() {
		w.Created = now
	}
	if pod.Status.NominatedNodeName != "" && w.Nominated.IsZero() {
		w.Nominated = now
	}
	if pod.Spec.NodeName != "" && w.Bound.IsZero() {
		w.Bound = now
	}
	t.waits[pod.Name] = w
}

func (t *Tracker) podDeleted(obj any) {
	now := time.Now()
	name, err := cache.DeletionHandlingObjectToName(obj)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Live--
	t.state.Deleted = now
	if err == nil && load.Prefix(name.Name) != t.prefix {
		t.state.Victims.add(now)
	}
}

func (t *Tracker) eventAdded(obj any) {
	now := time.Now()
	event, ok := obj.(*corev1.Event)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if load.Prefix(event.InvolvedObject.Name) == t.prefix {
		t.state.Scheduled.add(now)
	}
}

// Follow starts counting another batch. None of its pods may exist yet.
func (t *Tracker) Follow(prefix string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prefix = prefix
	t.state = State{Live: t.state.Live}
	t.groups = map[string]*Binds{}
	t.waits = map[string]Wait{}
}

// Waits returns how each pod of the batch came to its node.
func (t *Tracker) Waits() []Wait {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.waits))
}

// State returns what was recorded until now.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// Groups returns the bindings of each group of the batch that has a bound pod.
func (t *Tracker) Groups() map[string]Binds {
	t.mu.Lock()
	defer t.mu.Unlock()
	groups := make(map[string]Binds, len(t.groups))
	for name, binds := range t.groups {
		groups[name] = *binds
	}
	return groups
}

// Await waits until the condition holds, and returns the state at that time.
func (t *Tracker) Await(ctx context.Context, condition func(State) bool) (State, error) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		state := t.State()
		if condition(state) {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return state, context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
