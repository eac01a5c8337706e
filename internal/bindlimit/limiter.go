// Package bindlimit bounds how many pods are bound at the same time, and says when none is.
package bindlimit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// InFlight is how many pods are bound at the same time. Upstream binds each on a goroutine of its own: a gang of a
// thousand that is released would put a thousand requests at once to the API server, which then does less, not more. It is
// just below the 25 connections that client-go keeps open between requests (idleConnsPerHost in its package transport).
const InFlight = 24

// Limiter lets so many pods through to be bound, in the order in which they come, which is that of their gangs.
type Limiter struct {
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
const maxUnbound = 2 * InFlight

// Pause is how long no pod must have been bound before nobody is likely to be any more.
const Pause = 50 * time.Millisecond

// New returns a limiter that lets InFlight pods through.
func New() *Limiter {
	return &Limiter{slots: make(chan struct{}, InFlight), shorter: make(chan struct{}, 1)}
}

// Enter returns when the pod may be bound.
func (l *Limiter) Enter(ctx context.Context, uid types.UID) *fwk.Status {
	select {
	case l.slots <- struct{}{}:
		l.holders.Store(uid, nil)
		return nil
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
}

// Leave lets another pod be bound.
func (l *Limiter) Leave(uid types.UID) {
	if _, held := l.holders.LoadAndDelete(uid); held {
		<-l.slots
	}
}

// Reserved counts a pod that has a node now.
func (l *Limiter) Reserved(uid types.UID) {
	if _, counted := l.pods.LoadOrStore(uid, nil); !counted {
		l.unbound.Add(1)
	}
}

// Done counts a pod that is bound, or will not be.
func (l *Limiter) Done(uid types.UID) {
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

// AwaitShorter returns when few enough pods wait to be bound, or after so long.
func (l *Limiter) AwaitShorter(atMost time.Duration) {
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

// Idle says whether no pod has a node and waits to be bound.
func (l *Limiter) Idle() bool { return l.unbound.Load() <= 0 }

// Await returns when no pod is being bound, or after so long.
func (l *Limiter) Await(ctx context.Context, atMost time.Duration) {
	idle := func() bool { return l.unbound.Load() == 0 && time.Since(time.Unix(0, l.left.Load())) >= Pause }
	if idle() {
		return
	}
	tick := time.NewTicker(Pause / 2)
	defer tick.Stop()
	for deadline := time.Now().Add(atMost); !idle() && time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
