package ledger

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queued is what the rules between queues need to know of a unit; only while queues are configured.
type queued struct {
	victim queue.Victim
	// Frees is how much the unit frees of each bound that the taker exceeds (LacksOf).
	Frees []int64
}

// claim returns the rules between queues for a taker, or nil if no queues are configured. It is valid until the ledger is unlocked.
func (l *Ledger) claim(t Taker, now time.Time) *queue.Claim {
	if l.tree == nil {
		return nil
	}
	taker := queue.Taker{Leaf: l.leafOf(t.Namespace, t.queue), Priority: t.Priority, Guaranteed: t.guaranteed}
	if taker.Ask = t.ask; taker.Ask == nil {
		taker.Ask = l.askOf(t)
	}
	return l.tree.Claim(taker, now)
}

// askOf returns what a taker requests.
func (l *Ledger) askOf(t Taker) queue.Vector {
	if t.Key.Convention == "" {
		return l.vectorOf(t.pod)
	}
	ask, _ := l.asksOf(t.task)
	return ask
}

// mayTake reports whether the rules allow the taker to preempt this unit, and why. c is nil if no queues are configured.
func (l *Ledger) mayTake(t Taker, c *queue.Claim, u *Unit, pods []*corev1.Pod) (gang.PreemptReason, bool) {
	if c == nil {
		return gang.PreemptInQueue, !u.protected && u.Priority < t.Priority
	}
	u.victim = queue.Victim{Priority: u.Priority, Started: u.Started, Protected: u.protected, Gang: u.Whole()}
	for i, at := range u.Pods {
		what, counted := l.uses[user{pod: pods[at].UID}]
		if !counted {
			return "", false
		}
		if i == 0 {
			u.victim.Leaf = what.leaf
		}
		u.victim.Amounts.Add(what.amounts, 1)
	}
	reason, may := c.Eligible(&u.victim)
	u.Frees = c.Frees(&u.victim)
	if reason == queue.InQueue {
		return gang.PreemptInQueue, may
	}
	return gang.PreemptReclaim, may
}

// MayTakeAll reports whether the rules between queues allow the taker to preempt these units together.
func (l *Ledger) MayTakeAll(t Taker, units []*Unit, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.claim(t, now)
	return c == nil || l.takeAll(c, units)
}

// MostFreed bounds from above how much of each of these resources is free when units go that the rules between queues allow together. takes
// is how much each unit takes of them. The bound is the highest number for a resource of which the queues do not count all that units take.
func (l *Ledger) MostFreed(t Taker, units []Unit, names []string, takes [][]int64, now time.Time) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	most, counted := make([]int64, len(names)), make([]int, len(names))
	for d, name := range names {
		most[d], counted[d] = math.MaxInt64, -1
		if r, known := l.resources.Lookup(name); known {
			counted[d] = r
		}
	}
	c := l.claim(t, now)
	if c == nil {
		return most
	}
	for i := range units {
		of := &units[i].victim
		if of.Leaf == (queue.Leaf{}) || !l.tree.Has(of.Leaf) {
			return most
		}
		for d, r := range counted {
			if r >= 0 && takes[i][d] > of.Amounts.Get(r) {
				counted[d] = -1
			}
		}
	}
	freed := c.Most(func(yield func(*queue.Victim) bool) {
		for i := range units {
			if !yield(&units[i].victim) {
				return
			}
		}
	})
	for d, r := range counted {
		if r >= 0 {
			most[d] = freed.Get(r)
		}
	}
	return most
}

// takeAll takes units together. It returns false if the rules do not allow it, or the configuration has changed since they were found.
func (l *Ledger) takeAll(c *queue.Claim, units []*Unit) bool {
	for _, u := range units {
		if u.victim.Leaf == (queue.Leaf{}) || !l.tree.Has(u.victim.Leaf) || !c.Take(&u.victim) {
			return false
		}
	}
	return true
}

// LacksOf returns how much has to be freed of each bound of its queues that the taker exceeds.
func (l *Ledger) LacksOf(t Taker, now time.Time) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.claim(t, now); c != nil {
		return c.Lacks()
	}
	return nil
}

// MayPreempt reports whether the taker might preempt anything at all. It is cheap.
func (l *Ledger) MayPreempt(t Taker) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteTried(t) // it is tried again when something has started that it might preempt
	return l.tree != nil || t.Priority > l.lowest
}

// PreemptedFor returns the explanation for the victims of each unit: which gang or pod preempts them, and why.
func (l *Ledger) PreemptedFor(t Taker, units []*Unit, now time.Time) map[*Unit]gang.Explanation {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.claim(t, now)
	known := c != nil && l.takeAll(c, units)
	explained := make(map[*Unit]gang.Explanation, len(units))
	for _, u := range units {
		by := &gang.ByWhy{
			Taker: t.String(), Priority: t.Priority, Own: u.Priority, Reason: u.Reason, Whole: u.Whole(), Surplus: u.surplus(),
		}
		if known && u.Reason == gang.PreemptReclaim {
			s := c.Shares(&u.victim)
			by.Shares = &gang.SharesWhy{
				Taker: s.Taker, TakerBefore: s.TakerBefore, TakerAfter: s.TakerAfter,
				Giver: s.Giver, GiverBefore: s.GiverBefore, GiverAfter: s.GiverAfter,
			}
		}
		explained[u] = gang.Explanation{Kind: gang.KindPreempted, Gang: u.Gang, Pod: u.Gang == gang.Key{}, By: by}
	}
	return explained
}
