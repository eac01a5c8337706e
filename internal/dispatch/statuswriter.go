package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	"golang.org/x/time/rate"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// writesPerSecond limits how many pods get an event or condition per second, because binding has priority.
	writesPerSecond = 100
	writeBurst      = 200
	// patience is how long each write waits at most for pods that are being bound.
	patience = 100 * time.Millisecond
	// crowd is how many writes may be queued before sweep drops those for deleted pods.
	crowd = 1000
)

// statusWriter writes events and conditions on pods, one after another. The number of existing pods bounds its queue: a newer event with
// the same reason replaces the older one, and sweep drops writes for deleted pods.
type statusWriter struct {
	dispatcher *Dispatcher
	limiter    *rate.Limiter

	mu    sync.Mutex
	order []writeKey
	say   map[writeKey]events.Event
	// sweepAt is the length of order at which sweep runs.
	sweepAt int
	more    chan struct{}
}

type writeKey struct {
	ref    gang.Ref
	reason string
}

func newStatusWriter(p *Dispatcher) *statusWriter {
	return &statusWriter{
		dispatcher: p,
		limiter:    rate.NewLimiter(writesPerSecond, writeBurst),
		say:        map[writeKey]events.Event{},
		sweepAt:    crowd,
		more:       make(chan struct{}, 1),
	}
}

func (w *statusWriter) enqueue(t gang.Notify) {
	event := events.For(t.Explanation)
	if t.Refresh {
		event.Type = "" // update only the condition
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
	w.sweep()
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// sweep drops writes for deleted pods. It runs only when the queue is twice as long as after the last sweep, so its cost per write is
// small.
func (w *statusWriter) sweep() {
	if len(w.order) < w.sweepAt {
		return
	}
	w.order = slices.DeleteFunc(w.order, func(key writeKey) bool {
		gone := w.addressee(key.ref) == nil
		if gone {
			delete(w.say, key)
		}
		return gone
	})
	w.sweepAt = max(crowd, 2*len(w.order))
}

func (w *statusWriter) next() (ref gang.Ref, event events.Event, ok bool) {
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

func (w *statusWriter) run(ctx context.Context) {
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
		if w.addressee(ref) == nil {
			continue // do not spend a token on it
		}
		if err := w.limiter.Wait(ctx); err != nil {
			return
		}
		w.dispatcher.limiter.Await(ctx, patience)
		w.write(ctx, ref, event)
	}
}

// addressee returns the pod to write to, or nil if it is deleted or belongs to another scheduler.
func (w *statusWriter) addressee(ref gang.Ref) *corev1.Pod {
	pod, err := w.dispatcher.Pod(ref)
	if err != nil || pod == nil {
		pod = w.dispatcher.finishedPod(ref)
	}
	if pod == nil || w.dispatcher.recorders[pod.Spec.SchedulerName] == nil {
		return nil
	}
	return pod
}

// write writes the event on the pod, and its message into the PodScheduled condition if the pod is still pending.
func (w *statusWriter) write(ctx context.Context, ref gang.Ref, event events.Event) {
	pod := w.addressee(ref)
	if pod == nil {
		return // the pod was deleted
	}
	if event.Type != "" {
		recorder := w.dispatcher.recorders[pod.Spec.SchedulerName].WithLogger(w.dispatcher.logger)
		recorder.Eventf(pod, nil, event.Type, event.Reason, "Scheduling", "%s", event.Note)
	}
	if event.ConditionReason == "" || pod.Spec.NodeName != "" || podutil.IsPodTerminal(pod) || w.dispatcher.ledger.Binding(pod.UID) {
		return // a pod that is being bound gets its condition from the API server, which this must not replace
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
	err := schedutil.PatchPodStatus(ctx, w.dispatcher.handle.ClientSet(), pod.Name, pod.Namespace, &pod.Status, status)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		w.dispatcher.logger.Error(err, "Failed to update the PodScheduled condition of a pod", "gang", ref.Namespace, "pod", ref.Name)
	}
}
