package cancel

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/cluster"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// finder finds what makes the pods of gangs.
type finder struct {
	client    kubernetes.Interface
	objects   *cluster.Objects
	namespace string
	// names are all that the user named.
	names []string
	// members are the pods of each gang's name, and gangOf the name of each pod's gang.
	members map[string][]*corev1.Pod
	gangOf  map[types.UID]string
	pods    []*corev1.Pod
	// tops are the objects that make pods in the end, by the UID of the pods' controllers.
	tops map[types.UID]target
}

func newFinder(client kubernetes.Interface, objects *cluster.Objects, namespace string, names []string) *finder {
	return &finder{
		client: client, objects: objects, namespace: namespace, names: names,
		members: map[string][]*corev1.Pod{}, gangOf: map[types.UID]string{}, tops: map[types.UID]target{},
	}
}

// sort notes which pods are members of which gangs.
func (f *finder) sort(pods []*corev1.Pod, gangs []gangread.Gang) {
	byUID := make(map[string]*corev1.Pod, len(pods))
	for _, pod := range pods {
		byUID[string(pod.UID)] = pod
	}
	for i := range gangs {
		name := gangs[i].Key.Name
		for _, m := range gangs[i].Members {
			if pod := byUID[m.UID]; pod != nil {
				f.members[name] = append(f.members[name], pod)
				f.gangOf[pod.UID] = name
				f.pods = append(f.pods, pod)
			}
		}
	}
}

// find returns what makes the pods of the gangs of a name, and the Job of the name.
func (f *finder) find(ctx context.Context, name string) ([]*target, error) {
	var targets []*target
	add := func(t target, pods int) {
		i := slices.IndexFunc(targets, func(known *target) bool { return known.uid == t.uid })
		if i < 0 {
			i = len(targets)
			targets = append(targets, &t)
		}
		targets[i].pods += pods
	}
	for _, pod := range f.members[name] {
		top, err := f.top(ctx, pod)
		if err != nil {
			return nil, fmt.Errorf("finding out what makes the pods of gang %s: %w; nothing of it was deleted", name, err)
		}
		add(top, 1)
	}
	found, err := f.jobs(ctx, name, len(targets) == 0)
	if err != nil && len(targets) == 0 {
		return nil, err
	}
	for _, job := range found {
		top, err := f.above(ctx, f.job(job), job)
		if err != nil {
			return nil, fmt.Errorf("finding out what made Job %s: %w; it was not deleted", job.Name, err)
		}
		add(top, 0)
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("there is no gang and no Job %s in namespace %s (kubenexus gangs -A shows all gangs)", name, f.namespace)
	}
	return targets, nil
}

// jobs returns the Job of a name, or, if there are no pods, the Jobs whose pods would be a gang of that name.
func (f *finder) jobs(ctx context.Context, name string, all bool) ([]*batchv1.Job, error) {
	job, err := f.client.BatchV1().Jobs(f.namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err == nil:
		return []*batchv1.Job{job}, nil
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading Job %s: %w", name, err)
	case !all:
		return nil, nil
	}
	list, err := f.client.BatchV1().Jobs(f.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing Jobs: %w", err)
	}
	return jobs.OfGang(list.Items, name), nil
}

func (f *finder) job(job *batchv1.Job) target {
	return target{
		kind: batchv1.SchemeGroupVersion.WithKind("Job"), resource: batchv1.SchemeGroupVersion.WithResource("jobs"),
		namespace: f.namespace, name: job.Name, uid: job.UID, controls: true,
	}
}

// top returns what makes a pod in the end, or the pod itself if nothing does.
func (f *finder) top(ctx context.Context, pod *corev1.Pod) (target, error) {
	owner := metav1.GetControllerOf(pod)
	if owner != nil {
		if known, cached := f.tops[owner.UID]; cached {
			return known, nil
		}
	}
	itself := target{
		kind: corev1.SchemeGroupVersion.WithKind("Pod"), resource: corev1.SchemeGroupVersion.WithResource("pods"),
		namespace: f.namespace, name: pod.Name, uid: pod.UID,
	}
	top, err := f.above(ctx, itself, pod)
	if err == nil && owner != nil && top.uid != pod.UID {
		f.tops[owner.UID] = top
	}
	return top, err
}

// maxOwners is how many objects may make each other: more than any operator needs.
const maxOwners = 8

// above returns what makes an object in the end, or the object itself. It stops below a CronJob, which makes other Jobs too.
func (f *finder) above(ctx context.Context, t target, object metav1.Object) (target, error) {
	for range maxOwners {
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.Kind == "CronJob" {
			return t, nil
		}
		kind := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind)
		resource, name, err := f.objects.Of(kind, f.namespace)
		if err != nil {
			return target{}, err
		}
		found, err := resource.Get(ctx, owner.Name, metav1.GetOptions{})
		above := target{
			kind: kind, resource: name, namespace: f.namespace, name: owner.Name, uid: owner.UID, controls: t.kind.Kind == "Pod",
		}
		switch {
		case apierrors.IsNotFound(err) || err == nil && found.GetUID() != owner.UID:
			return t, nil // the owner is gone
		case apierrors.IsForbidden(err):
			return above, nil // what made it cannot be seen
		case err != nil:
			return target{}, fmt.Errorf("reading %s: %w", &above, err)
		}
		t, object = above, found
	}
	return target{}, fmt.Errorf("more than %d objects make each other, up to %s", maxOwners, &t)
}

// others returns the gangs that the user did not name and whose pods the object makes too.
func (f *finder) others(ctx context.Context, t *target) []string {
	if t.kind.Kind == "Pod" {
		return nil
	}
	var others []string
	for _, pod := range f.pods {
		name := f.gangOf[pod.UID]
		owner := metav1.GetControllerOf(pod)
		if owner == nil || slices.Contains(f.names, name) || slices.Contains(others, name) {
			continue
		}
		made := owner.UID == t.uid
		if !made && !t.controls {
			top, err := f.top(ctx, pod)
			made = err == nil && top.uid == t.uid
		}
		if made {
			others = append(others, name)
		}
	}
	return others
}
