package coscheduling

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// bindsInFlight is how many pods are bound at the same time. Upstream binds each on a goroutine of its own: a gang of a
// thousand that is released would put a thousand requests at once to the API server, which then does less, not more. It is
// just below the 25 connections that client-go keeps open between requests (idleConnsPerHost in its package transport).
const bindsInFlight = 24

// bindLimiter lets so many pods through to be bound, in the order in which they come, which is that of their gangs.
type bindLimiter struct {
	slots chan struct{}
	// holders are the pods that have a slot.
	holders sync.Map
	// pods have a node and are not bound yet; unbound is how many. left is when the last one was bound, or failed to be, in
	// Unix nanoseconds.
	pods          sync.Map
	unbound, left atomic.Int64
	// shorter is sent to when a pod is done, if somebody waits for that.
	shorter chan struct{}
	waited  atomic.Bool
}

// maxUnbound is how many pods may have a node and wait to be bound before no further pod is scheduled. Deciding is faster
// than binding: without this, thousands would lie in the line, each on a goroutine of its own, and whoever is more important
// would come behind them.
const maxUnbound = 2 * bindsInFlight

// pause is how long no pod must have been bound before nobody is likely to be any more.
const pause = 50 * time.Millisecond

func newBindLimiter() *bindLimiter {
	return &bindLimiter{slots: make(chan struct{}, bindsInFlight), shorter: make(chan struct{}, 1)}
}

func (l *bindLimiter) enter(ctx context.Context, uid types.UID) *fwk.Status {
	select {
	case l.slots <- struct{}{}:
		l.holders.Store(uid, nil)
		return nil
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
}

func (l *bindLimiter) leave(uid types.UID) {
	if _, held := l.holders.LoadAndDelete(uid); held {
		<-l.slots
	}
}

// reserved counts a pod that has a node now.
func (l *bindLimiter) reserved(uid types.UID) {
	if _, counted := l.pods.LoadOrStore(uid, nil); !counted {
		l.unbound.Add(1)
	}
}

// done counts a pod that is bound, or will not be.
func (l *bindLimiter) done(uid types.UID) {
	if _, counted := l.pods.LoadAndDelete(uid); !counted {
		return
	}
	l.left.Store(time.Now().UnixNano())
	l.unbound.Add(-1)
	if l.waited.Load() {
		select {
		case l.shorter <- struct{}{}:
		default:
		}
	}
}

// awaitShorter returns when few enough pods wait to be bound, or after so long.
func (l *bindLimiter) awaitShorter(atMost time.Duration) {
	if l.unbound.Load() < maxUnbound {
		return
	}
	l.waited.Store(true)
	defer l.waited.Store(false)
	deadline := time.NewTimer(atMost)
	defer deadline.Stop()
	for l.unbound.Load() >= maxUnbound {
		select {
		case <-l.shorter:
		case <-deadline.C:
			return
		}
	}
}

// await returns when no pod is being bound, or after so long.
func (l *bindLimiter) await(ctx context.Context, atMost time.Duration) {
	idle := func() bool { return l.unbound.Load() == 0 && time.Since(time.Unix(0, l.left.Load())) >= pause }
	if idle() {
		return
	}
	tick := time.NewTicker(pause / 2)
	defer tick.Stop()
	for deadline := time.Now().Add(atMost); !idle() && time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

var (
	_ fwk.BindPlugin     = &Queue{}
	_ fwk.PostBindPlugin = &Queue{}
	_ fwk.ReservePlugin  = &Queue{}
)

// Bind waits until few enough other pods are being bound, and leaves the binding to the next plugin, but for leaders with a
// reservation. What takes long before a bind, such as volumes, is done by then.
func (q *Queue) Bind(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if status := q.line.enter(ctx, pod.UID); !status.IsSuccess() {
		return status
	}
	return q.reserve(ctx, pod, node)
}

// PostBind lets the next pod be bound.
func (q *Queue) PostBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.line.leave(pod.UID)
	q.line.done(pod.UID)
}

// Reserve counts a pod that is to be bound.
func (q *Queue) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	q.line.reserved(pod.UID)
	return nil
}

// Unreserve lets the next pod be bound if this one could not be.
func (q *Queue) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.line.leave(pod.UID)
	q.line.done(pod.UID)
}
