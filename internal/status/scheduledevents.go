// Package status writes Scheduled events for bound pods.
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
	// eventWriters is how many events are written at a time while no pod is being bound.
	eventWriters = 16
	// whileBinding is how long each writer waits at most for binding to pause. So events are written, slowly, even if binding never pauses.
	whileBinding = 4 * time.Second
	// maxScheduledEvents is how many events may be queued before writers stop waiting for binding.
	maxScheduledEvents = 20_000
	// goodbye is how long Finish waits for pods that are being bound and for the remaining events.
	goodbye = 5 * time.Second
)

// ScheduledEvents writes the event "Scheduled" for bound pods. Writing an event costs the API server about as much as a bind, so binding
// has priority: events wait until no pod is being bound, for a limited time and in a limited number. All of them are written, also when the
// process is asked to stop. Events are lost if the process is killed, loses its lease, or cannot reach an API server for some seconds.
type ScheduledEvents struct {
	client   kubernetes.Interface
	logger   klog.Logger
	limiter  *bindlimit.Limiter
	instance string
	// patient is done when events must not wait for binding any more; hurry cancels it.
	patient context.Context
	hurry   context.CancelFunc

	mu    sync.Mutex
	queue []scheduledEvent
	// left is how many events are not written yet: those in the queue, and those in progress.
	left int
	more *sync.Cond
}

// scheduledEvent keeps only what differs between pods.
type scheduledEvent struct {
	pod        corev1.ObjectReference
	controller string
	at         time.Time
	action     string
	note       string
}

// NewScheduledEvents starts the writers. They use this client and run until the context is done.
func NewScheduledEvents(ctx context.Context, client kubernetes.Interface, limiter *bindlimit.Limiter) *ScheduledEvents {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // good enough: the name is only informative
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

// Wrap wraps the recorders of the scheduler's profiles, so that their Scheduled events are queued here. Other events go to the recorders
// unchanged.
func (a *ScheduledEvents) Wrap(recorders profile.RecorderFactory) profile.RecorderFactory {
	return func(name string) kubeevents.EventRecorderLogger {
		return &lateRecorder{EventRecorderLogger: recorders(name), events: a, controller: name}
	}
}

// Finish is for a process that was asked to stop. It returns when no pod is being bound and all events are written, or after five seconds.
// Events no longer wait for binding.
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

// lateRecorder queues Scheduled events in ScheduledEvents.
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

// WithLogger returns a recorder with this logger.
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

// next waits for an event. crowded says that too many are queued to wait for binding; ok is false once the context is done.
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

// written reports whether every event is written.
func (a *ScheduledEvents) written() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left == 0
}

// write creates the event. It retries if the API server is busy or does not answer.
func (a *ScheduledEvents) write(ctx context.Context, n scheduledEvent) {
	event := a.event(n)
	client := a.client.EventsV1().RESTClient()
	err := wait.ExponentialBackoffWithContext(ctx, wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6},
		func(ctx context.Context) (bool, error) {
			// Not the typed client's Create, because nothing reads the decoded answer.
			err := client.Post().Namespace(n.pod.Namespace).Resource("events").Body(event).Do(ctx).Error()
			var answer apierrors.APIStatus
			switch {
			case apierrors.IsAlreadyExists(err):
				return true, nil // created earlier: that answer was lost
			case err != nil && !errors.As(err, &answer), apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err),
				apierrors.IsInternalError(err):
				return false, nil
			}
			return true, err
		})
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) { // the namespace is being deleted
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
