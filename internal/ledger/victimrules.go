package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// queued is what the rules between queues need to know of a unit; only while queues are configured.
type queued struct {
	// Frees is how much it frees of each bound that the taker exceeds (LacksOf).
	Frees []int64
}

// mayTake reports whether the rules allow the taker to preempt this unit, and why.
func (l *Ledger) mayTake(t Taker, u *Unit, _ []*corev1.Pod, _ time.Time) (gang.PreemptReason, bool) {
	return gang.PreemptInQueue, !u.protected && u.Priority < t.Priority
}

// MayTakeAll reports whether the rules between queues allow the taker to preempt these units together.
func (l *Ledger) MayTakeAll(_ Taker, _ []*Unit) bool { return true }

// LacksOf returns how much has to be freed of each bound that the taker exceeds.
func (l *Ledger) LacksOf(_ Taker) []int64 { return nil }

// MayPreempt reports whether the taker might preempt anything at all. It is cheap.
func (l *Ledger) MayPreempt(t Taker) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.Priority > l.lowest
}

// sharesOf returns the shares of the queues of both before and after a reclaim, or nil.
func (l *Ledger) sharesOf(_ Taker, _ *Unit) *gang.SharesWhy { return nil }
