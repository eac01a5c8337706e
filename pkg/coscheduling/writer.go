package coscheduling

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	"golang.org/x/time/rate"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

const (
	// writesPerSecond bounds how many pods a second are told something: binding comes first, talking later.
	writesPerSecond = 100
	writeBurst      = 200
	// patience is how long at most each of these waits for pods that are being bound.
	patience = 100 * time.Millisecond
)

// writer writes events and conditions on pods, one after another. What waits to be written is bounded by the number of
// pods: a newer event of the same reason takes the older one's place.
type writer struct {
	performer *performer
	limiter   *rate.Limiter

	mu    sync.Mutex
	order []writeKey
	say   map[writeKey]events.Event
	more  chan struct{}
}

type writeKey struct {
	ref    gang.Ref
	reason string
}

func newWriter(p *performer) *writer {
	return &writer{
		performer: p,
		limiter:   rate.NewLimiter(writesPerSecond, writeBurst),
		say:       map[writeKey]events.Event{},
		more:      make(chan struct{}, 1),
	}
}

func (w *writer) enqueue(t gang.Tell) {
	event := events.For(t.Explanation)
	if t.Refresh {
		event.Type = "" // only the condition
	}
	w.mu.Lock()
	for _, ref := range t.Members {
		key := writeKey{ref: ref, reason: event.Reason}
		say := event
		if before, waiting := w.say[key]; !waiting {
			w.order = append(w.order, key)
		} else if say.Type == "" {
			say.Type = before.Type
		}
		w.say[key] = say
	}
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *writer) next() (ref gang.Ref, event events.Event, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.order) == 0 {
		return gang.Ref{}, events.Event{}, false
	}
	key := w.order[0]
	w.order = w.order[1:]
	event = w.say[key]
	delete(w.say, key)
	return key.ref, event, true
}

func (w *writer) run(ctx context.Context) {
	for {
		ref, event, ok := w.next()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-w.more:
			}
			continue
		}
		if err := w.limiter.Wait(ctx); err != nil {
			return
		}
		w.performer.line.await(ctx, patience)
		w.write(ctx, ref, event)
	}
}

// write puts the event on the pod, and the sentence into its PodScheduled condition if the pod is still pending.
func (w *writer) write(ctx context.Context, ref gang.Ref, event events.Event) {
	pod, err := w.performer.pod(ref)
	if err != nil || pod == nil {
		pod = w.performer.finishedPod(ref)
	}
	if pod == nil {
		return // gone: there is no one to tell
	}
	recorder, ok := w.performer.recorders[pod.Spec.SchedulerName]
	if !ok {
		return // another scheduler's pod
	}
	if event.Type != "" {
		recorder.WithLogger(w.performer.logger).Eventf(pod, nil, event.Type, event.Reason, "Scheduling", "%s", event.Note)
	}
	if event.ConditionReason == "" || pod.Spec.NodeName != "" {
		return
	}
	status := pod.Status.DeepCopy()
	if !podutil.UpdatePodCondition(status, &corev1.PodCondition{
		Type:               corev1.PodScheduled,
		ObservedGeneration: podutil.CalculatePodConditionObservedGeneration(status, pod.Generation, corev1.PodScheduled),
		Status:             corev1.ConditionFalse,
		Reason:             event.ConditionReason,
		Message:            event.Note,
	}) {
		return
	}
	err = schedutil.PatchPodStatus(ctx, w.performer.handle.ClientSet(), pod.Name, pod.Namespace, &pod.Status, status)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		w.performer.logger.Error(err, "Cannot write why a pod waits into its status", "gang", ref.Namespace, "pod", ref.Name)
	}
}
