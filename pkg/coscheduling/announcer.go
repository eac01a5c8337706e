package coscheduling

import (
	"context"
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
	kubeevents "k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

const (
	// announcers is how many events are written at the same time when no pod is being bound.
	announcers = 16
	// whileBinding is after how long at most each of them goes on beside pods that are being bound: so that events come,
	// slowly, also where binding never ends.
	whileBinding = 4 * time.Second
	// maxAnnouncements is how many events may wait. Beyond that they are written as fast as it goes.
	maxAnnouncements = 20_000
	// goodbye is how long the events that are left are written for when the process ends.
	goodbye = 5 * time.Second
)

// announcer writes the event "Scheduled" of pods that were bound. Writing one costs the API server about as much as the bind
// itself. So binding comes first: events wait until no pod is being bound, for a bounded time and in a bounded number, and
// every one is written in the end.
type announcer struct {
	plugins  *Plugins
	instance string

	mu    sync.Mutex
	queue []announcement
	more  *sync.Cond
	ended bool
}

// announcement is an event with little more than what differs between pods.
type announcement struct {
	pod        corev1.ObjectReference
	controller string
	at         time.Time
	action     string
	note       string
}

// LateEvents wraps the recorders of the scheduler's profiles, so that the event of a pod that was bound is written when no
// other pod is being bound. Wrapping is optional.
func (p *Plugins) LateEvents(ctx context.Context, recorders profile.RecorderFactory) profile.RecorderFactory {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // as good as the real one: events name it for people
	}
	a := &announcer{plugins: p, instance: host}
	a.more = sync.NewCond(&a.mu)
	context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ended = true
		a.more.Broadcast()
	})
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(goodbye, stop) })
	for range announcers {
		p.announcing.Go(func() { a.run(writing) })
	}
	return func(name string) kubeevents.EventRecorderLogger {
		return &lateRecorder{EventRecorderLogger: recorders(name), announcer: a, controller: name}
	}
}

// Goodbye waits until the events that are left when the context ends are written.
func (p *Plugins) Goodbye() { p.announcing.Wait() }

// lateRecorder leaves the events of pods that were bound to the announcer.
type lateRecorder struct {
	kubeevents.EventRecorderLogger
	announcer  *announcer
	controller string
}

// Eventf records an event.
func (r *lateRecorder) Eventf(about, related runtime.Object, kind, reason, action, note string, args ...any) {
	pod, ok := about.(*corev1.Pod)
	if !ok || reason != "Scheduled" || related != nil || kind != corev1.EventTypeNormal {
		r.EventRecorderLogger.Eventf(about, related, kind, reason, action, note, args...)
		return
	}
	r.announcer.add(announcement{
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
		EventRecorderLogger: r.EventRecorderLogger.WithLogger(logger), announcer: r.announcer, controller: r.controller,
	}
}

func (a *announcer) add(n announcement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queue = append(a.queue, n)
	a.more.Signal()
}

// next waits for an announcement; ok is false once the process ends and none is left.
func (a *announcer) next() (n announcement, crowded, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) == 0 {
		if a.ended {
			return announcement{}, false, false
		}
		a.more.Wait()
	}
	n, crowded = a.queue[0], len(a.queue) > maxAnnouncements || a.ended
	a.queue = a.queue[1:]
	return n, crowded, true
}

func (a *announcer) run(ctx context.Context) {
	for {
		n, crowded, ok := a.next()
		if !ok {
			return
		}
		if !crowded {
			a.plugins.line.await(ctx, whileBinding)
		}
		a.write(ctx, n)
	}
}

// write creates the event, and tries again if the API server is busy.
func (a *announcer) write(ctx context.Context, n announcement) {
	event := a.event(n)
	client := a.plugins.performer.handle.ClientSet().EventsV1().RESTClient()
	err := wait.ExponentialBackoffWithContext(ctx, wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6},
		func(ctx context.Context) (bool, error) {
			// Not the typed client's Create: nobody needs the answer decoded.
			err := client.Post().Namespace(n.pod.Namespace).Resource("events").Body(event).Do(ctx).Error()
			if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err) {
				return false, nil
			}
			return true, err
		})
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) { // the namespace goes away
		a.plugins.performer.logger.V(2).Info("Cannot write that a pod was scheduled", "pod", n.pod.Name, "err", err)
	}
}

func (a *announcer) event(n announcement) *eventsv1.Event {
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
