// Package status writes what users see of pods that were bound.
package status

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/profile"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
)

const (
	// eventWriters is how many events are written at the same time when no pod is being bound.
	eventWriters = 16
	// whileBinding is after how long at most each of them goes on beside pods that are being bound: so that events come,
	// slowly, also where binding never ends.
	whileBinding = 4 * time.Second
	// maxScheduledEvents is how many events may wait. Beyond that they are written as fast as it goes.
	maxScheduledEvents = 20_000
	// goodbye is how long the pods that are being bound, and the events that are left, may take when the process is asked to stop.
	goodbye = 5 * time.Second
)

// ScheduledEvents writes the event "Scheduled" of pods that were bound. Writing one costs the API server about as much as the bind
// itself. So binding comes first: events wait until no pod is being bound, for a bounded time and in a bounded number, and
// are written in the end: also when the process is asked to stop, but not when it is killed, loses its lease, or finds no API server
// for some seconds.
type ScheduledEvents struct {
	client   kubernetes.Interface
	logger   klog.Logger
	limiter  *bindlimit.Limiter
	instance string
	// patient ends when events are not to wait for binding any more; hurry ends it.
	patient context.Context
	hurry   context.CancelFunc

	mu    sync.Mutex
	queue []scheduledEvent
	// left is how many events are not written yet: those in the queue, and those that are being written.
	left int
	more *sync.Cond
}

// scheduledEvent is an event with little more than what differs between pods.
type scheduledEvent struct {
	pod        corev1.ObjectReference
	controller string
	at         time.Time
	action     string
	note       string
}

// NewScheduledEvents returns what writes the events by this client, until the context ends.
func NewScheduledEvents(ctx context.Context, client kubernetes.Interface, limiter *bindlimit.Limiter) *ScheduledEvents {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // as good as the real one: events name it for people
	}
	a := &ScheduledEvents{client: client, logger: klog.FromContext(ctx), limiter: limiter, instance: host}
	a.patient, a.hurry = context.WithCancel(ctx)
	a.more = sync.NewCond(&a.mu)
	context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.more.Broadcast()
	})
	for range eventWriters {
		go a.run(ctx)
	}
	return a
}

// Wrap wraps the recorders of the scheduler's profiles, so that the event of a pod that was bound is written when no other pod is being
// bound.
func (a *ScheduledEvents) Wrap(recorders profile.RecorderFactory) profile.RecorderFactory {
	return func(name string) kubeevents.EventRecorderLogger {
		return &lateRecorder{EventRecorderLogger: recorders(name), events: a, controller: name}
	}
}

// Finish is for a process that was asked to stop: it returns when the pods that are being bound are, and their events are written, or
// after five seconds. Events do not wait any more.
func (a *ScheduledEvents) Finish() {
	a.hurry()
	tick := time.NewTicker(bindlimit.Pause / 2)
	defer tick.Stop()
	for deadline := time.Now().Add(goodbye); time.Now().Before(deadline); <-tick.C {
		if a.limiter.Idle() && a.written() {
			return
		}
	}
}

// lateRecorder leaves the events of pods that were bound to the ScheduledEvents.
type lateRecorder struct {
	kubeevents.EventRecorderLogger
	events     *ScheduledEvents
	controller string
}

// Eventf records an event.
func (r *lateRecorder) Eventf(about, related runtime.Object, kind, reason, action, note string, args ...any) {
	pod, ok := about.(*corev1.Pod)
	if !ok || reason != "Scheduled" || related != nil || kind != corev1.EventTypeNormal {
		r.EventRecorderLogger.Eventf(about, related, kind, reason, action, note, args...)
		return
	}
	r.events.add(scheduledEvent{
		pod: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			ResourceVersion: pod.ResourceVersion,
		},
		controller: r.controller, at: time.Now(), action: action, note: fmt.Sprintf(note, args...),
	})
}

// WithLogger returns a recorder that logs there.
func (r *lateRecorder) WithLogger(logger klog.Logger) kubeevents.EventRecorderLogger {
	return &lateRecorder{
		EventRecorderLogger: r.EventRecorderLogger.WithLogger(logger), events: r.events, controller: r.controller,
	}
}

func (a *ScheduledEvents) add(n scheduledEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = append(a.queue, n)
	a.left++
	a.more.Signal()
}

// next waits for an scheduledEvent; ok is false once the context ends.
func (a *ScheduledEvents) next(ctx context.Context) (n scheduledEvent, crowded, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 && ctx.Err() == nil {
		a.more.Wait()
	}
	if ctx.Err() != nil {
		return scheduledEvent{}, false, false
	}
	n, crowded = a.queue[0], len(a.queue) > maxScheduledEvents
	a.queue = a.queue[1:]
	return n, crowded, true
}

func (a *ScheduledEvents) run(ctx context.Context) {
	for {
		n, crowded, ok := a.next(ctx)
		if !ok {
			return
		}
		if !crowded {
			a.limiter.Await(a.patient, whileBinding)
		}
		a.write(ctx, n)
		a.mu.Lock()
		a.left--
		a.mu.Unlock()
	}
}

// written says whether every event is written.
func (a *ScheduledEvents) written() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left == 0
}

// write creates the event, and tries again if the API server is busy or does not answer.
func (a *ScheduledEvents) write(ctx context.Context, n scheduledEvent) {
	event := a.event(n)
	client := a.client.EventsV1().RESTClient()
	err := wait.ExponentialBackoffWithContext(ctx, wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6},
		func(ctx context.Context) (bool, error) {
			// Not the typed client's Create: nobody needs the answer decoded.
			err := client.Post().Namespace(n.pod.Namespace).Resource("events").Body(event).Do(ctx).Error()
			var answer apierrors.APIStatus
			switch {
			case apierrors.IsAlreadyExists(err):
				return true, nil // an answer was lost
			case err != nil && !errors.As(err, &answer), apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err),
				apierrors.IsInternalError(err):
				return false, nil
			}
			return true, err
		})
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) { // the namespace goes away
		a.logger.V(2).Info("Failed to write a Scheduled event", "pod", n.pod.Name, "err", err)
	}
}

func (a *ScheduledEvents) event(n scheduledEvent) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: util.GenerateEventName(n.pod.Name, n.at.UnixNano()), Namespace: n.pod.Namespace,
		},
		EventTime:           metav1.MicroTime{Time: n.at},
		ReportingController: n.controller,
		ReportingInstance:   n.controller + "-" + a.instance,
		Action:              n.action,
		Reason:              "Scheduled",
		Regarding:           n.pod,
		Note:                n.note,
		Type:                corev1.EventTypeNormal,
	}
}
