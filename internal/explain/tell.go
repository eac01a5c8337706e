package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

// ErrNone says that what a story was asked of does not exist.
var ErrNone = errors.New("there is none")

// Gang tells the story of a gang. The error wraps ErrNone if there is no such gang.
func (r Reader) Gang(ctx context.Context, name string) (Story, error) {
	found, err := r.cluster(ctx)
	if err != nil {
		return Story{}, err
	}
	now := time.Now()
	gangs := gangread.Among(found.pods, r.Schedulers, now)
	at := slices.IndexFunc(gangs.Items, func(g gangread.Gang) bool { return g.Key.Name == name })
	if at < 0 {
		return Story{}, missing{fmt.Sprintf("no gang %s runs or waits in namespace %s", name, r.Namespace)}
	}
	return r.finish(ctx, found, nil, &gangs.Items[at], now), nil
}

// Pod tells the story of a pod, and of its gang if it has one. The error wraps ErrNone if there is no such pod.
func (r Reader) Pod(ctx context.Context, name string) (Story, error) {
	pod, err := r.Client.CoreV1().Pods(r.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return Story{}, missing{fmt.Sprintf("there is no pod %s in namespace %s", name, r.Namespace)}
	case err != nil:
		return Story{}, fmt.Errorf("reading pod %s: %w", name, err)
	}
	found, err := r.cluster(ctx)
	if err != nil {
		return Story{}, err
	}
	now := time.Now()
	gangs := gangread.Among(found.pods, r.Schedulers, now)
	for i := range gangs.Items {
		for m := range gangs.Items[i].Members {
			if gangs.Items[i].Members[m].UID == string(pod.UID) {
				return r.finish(ctx, found, pod, &gangs.Items[i], now), nil
			}
		}
	}
	return r.finish(ctx, found, pod, nil, now), nil
}

// missing is the error for what does not exist.
type missing struct{ what string }

func (m missing) Error() string { return m.what }
func (missing) Unwrap() error   { return ErrNone }

// finish reads what the gang or the pod needs besides the cluster, asks the scheduler, and tells the story.
func (r Reader) finish(ctx context.Context, found read, pod *corev1.Pod, of *gangread.Gang, now time.Time) Story {
	pods, taker := []*corev1.Pod{pod}, ""
	if of != nil {
		pods, taker = membersOf(of, found.pods), takerOf(of.Key)
	}
	var others sync.WaitGroup
	if of != nil {
		others.Go(func() { found.inQueue(ctx, r.Scheduler, of, r.Schedulers, now) })
	}
	happened, leftOut := r.events(ctx, pods, taker)
	others.Wait()
	if found.queuesLeftOut != "" && found.uses == nil {
		found.leave(found.queuesLeftOut)
	}
	found.happened, found.leftOut = happened, slices.Concat(found.leftOut, leftOut, found.said.leftOut)
	return tell(found, pod, of, r.Schedulers, now)
}

// inQueue asks the scheduler about the gang. Its queue, and its position there, are what the scheduler says. If it does not answer, they
// are computed from the cluster, with the scheduler's rules: in a large cluster that takes a while.
func (f *read) inQueue(ctx context.Context, scheduler Scheduler, of *gangread.Gang, schedulers []string, now time.Time) {
	f.said = askAbout(ctx, scheduler, of.Key)
	if f.said.gang != nil && (f.said.gang.Queue == "" || f.said.queues != nil) {
		f.uses = f.said.queues
		of.Queue, of.Position = cmp.Or(f.said.gang.Queue, of.Queue), f.said.gang.Position
		return
	}
	if f.queues == nil || !f.allPods || !f.nodesKnown {
		return
	}
	standings := gangread.Stand(gangread.Cluster{Pods: f.everywhere, Nodes: f.nodes, Queues: *f.queues, Schedulers: schedulers}, now)
	f.uses = new(standings.Queues())
	if name, position := standings.Of(of.Key); name != "" {
		of.Queue, of.Position = name, position
	}
}
