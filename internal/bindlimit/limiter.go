// Package bindlimit limits how many pods are bound at the same time, and reports when none is being bound.
package bindlimit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// InFlight is how many pods are bound at the same time. Upstream binds each pod on its own goroutine, so a gang of a thousand would send a
// thousand requests at once, which makes the API server slower. The limit is just below the 25 connections that client-go keeps open
// between requests (idleConnsPerHost in its package transport).
const InFlight = 24

// Limiter lets up to InFlight pods bind at the same time, first come first served. Pods come in the order of their gangs.
type Limiter struct {
	slots chan struct{}
	// holders are the pods that entered and have not left.
	holders sync.Map
	// pods are reserved and not bound yet; unbound is their number. left is when the last bind ended, successful or not, in Unix
	// nanoseconds.
	pods          sync.Map
	unbound, left atomic.Int64
	// shorter receives a value when a bind ends, if AwaitShorter waits.
	shorter chan struct{}
	waited  atomic.Bool
}

// maxUnbound is how many pods may be reserved and not bound before the next pod is popped. Scheduling is faster than binding: without this
// limit thousands of pods would wait to be bound, each on its own goroutine, and a pod with a higher priority would wait behind them.
const maxUnbound = 2 * InFlight

// Pause is how long no bind must have ended before binding counts as paused.
const Pause = 50 * time.Millisecond

// New returns a limiter for InFlight pods.
func New() *Limiter {
	return &Limiter{slots: make(chan struct{}, InFlight), shorter: make(chan struct{}, 1)}
}

// Enter waits until the pod may be bound. It fails if the context is done first.
func (l *Limiter) Enter(ctx context.Context, uid types.UID) *fwk.Status {
	select {
	case l.slots <- struct{}{}:
		l.holders.Store(uid, nil)
		return nil
	case <-ctx.Done():
		return fwk.AsStatus(context.Cause(ctx))
	}
}

// Leave lets another pod be bound in place of this one. It does nothing if the pod has not entered.
func (l *Limiter) Leave(uid types.UID) {
	if _, held := l.holders.LoadAndDelete(uid); held {
		<-l.slots
	}
}

// Reserved counts a reserved pod. A second call for the pod has no effect.
func (l *Limiter) Reserved(uid types.UID) {
	if _, counted := l.pods.LoadOrStore(uid, nil); !counted {
		l.unbound.Add(1)
	}
}

// Done counts a reserved pod as bound, or as one that will not be.
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

// AwaitShorter waits until fewer than maxUnbound pods wait to be bound, or for the given time.
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

// Idle reports whether no reserved pod waits to be bound.
func (l *Limiter) Idle() bool { return l.unbound.Load() <= 0 }

// Await waits until no pod is being bound, for the given time, or until the context is done.
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
