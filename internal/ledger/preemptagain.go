package ledger

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// A gang that does not fit although it may preempt others is tried again when something has started since that it might preempt. Capacity
// that frees up alone would not wake it: what starts there may be of a lower priority than what ran before.

// preemptions is what the ledger knows about who could preempt whom.
type preemptions struct {
	// lowest is at most the lowest priority of what runs.
	lowest int32
	// count numbers the pods that were started, and last has, for each priority, the number of the last one.
	starts struct {
		count uint64
		last  map[int32]uint64
	}
	// making is the gang that is planned although it is beyond a limit of its queues, to make room within them; nil if there is none.
	making *gang.Gang
	// holds has the members of gangs for which pods were preempted.
	holds map[gang.Key][]*corev1.Pod
	// tried has the gangs that were tried, with the number of pods that were started by then.
	tried map[gang.Key]uint64
}

func newPreemptions() preemptions {
	p := preemptions{lowest: math.MaxInt32, tried: map[gang.Key]uint64{}, holds: map[gang.Key][]*corev1.Pod{}}
	p.starts.last = map[int32]uint64{}
	return p
}

// noteStart records that a pod of this priority starts.
func (p *preemptions) noteStart(priority int32) {
	p.lowest = min(p.lowest, priority)
	p.starts.count++
	p.starts.last[priority] = p.starts.count
}

// lowerSince reports whether anything with a lower priority has started since.
func (p *preemptions) lowerSince(priority int32, since uint64) bool {
	if p.starts.count == since {
		return false
	}
	for of, last := range p.starts.last {
		if of < priority && last > since {
			return true
		}
	}
	return false
}

// PreemptAgain puts a gang into the scheduling queue that waits and could preempt something that has started since it was tried: of those
// that were tried the longest ago, the first in order.
func (l *Ledger) PreemptAgain(now time.Time) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next *gang.Gang
	consider := func(g *gang.Gang) {
		if next != nil && (l.tried[g.Key] > l.tried[next.Key] || l.tried[g.Key] == l.tried[next.Key] && compare(next, g) < 0) {
			return
		}
		if l.tree == nil && l.lowerSince(g.Priority(), l.tried[g.Key]) || l.tree != nil && l.starts.count > l.tried[g.Key] {
			next = g
		}
	}
	for key := range l.tried {
		if g := l.gangs[key]; g == nil || g.Phase() == gang.Running {
			delete(l.tried, key)
		} else if g.Unplaced() && l.mayStart(g) {
			consider(g)
		}
	}
	for g, s := range l.standings {
		if s.waits && g.Phase() == gang.Ready && l.beyond(s) {
			consider(g)
		}
	}
	if next == nil {
		return nil
	}
	l.tried[next.Key] = l.starts.count
	if l.mayStart(next) {
		return l.after(next, next.Retry(now))
	}
	ref, ready := next.Turn(now)
	if !ready {
		return nil
	}
	l.making = next
	return l.after(next, []gang.Decision{gang.Activate{Members: []gang.Ref{ref}}})
}

// beyond reports whether a gang waits because of a limit, or guarantee, of its queues, and could start if others of its queues were gone.
func (l *Ledger) beyond(s *standing) bool {
	e, waits := l.tree.Entry(s.id)
	if !waits {
		return false
	}
	why, may := l.tree.May(e.Leaf, e.Ask, e.Guaranteed)
	return !may && !why.Never
}

// StaysBeyond ends the attempt of a gang that is beyond a limit of its queues and cannot make room within it.
func (l *Ledger) StaysBeyond(uid types.UID) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := Answer{Verdict: gang.Refuse}
	r := l.records[uid]
	if r == nil || r.gang == nil || l.tree == nil {
		return a
	}
	_, why, _ := l.within(r.gang, r.gang.Task(l.clock.Now()))
	l.refuseBeyond(r.gang, uid, &a, why)
	a.Decisions = l.after(r.gang, nil)
	return a
}

// Hold counts the members of a gang, or a pod without one, as using capacity of their queue while they wait for victims: so that others of
// the queue do not use up its limit in the meantime.
func (l *Ledger) Hold(key gang.Key, members []*corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds[key] = members
	l.useHold(key)
}

// Release no longer counts them.
func (l *Ledger) Release(key gang.Key) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unhold(key)
}

func (l *Ledger) unhold(key gang.Key) []gang.Decision {
	delete(l.holds, key)
	if l.tree == nil {
		return nil
	}
	return l.unuse(user{hold: key}, nil)
}

// TryPreemptor has a gang, or a pod without one, scheduled whose victims are gone. It is ready for its turn in the same moment in which its
// members no longer count, so that nothing that comes later goes before it.
func (l *Ledger) TryPreemptor(key gang.Key, member gang.Ref) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	var decisions []gang.Decision
	switch {
	case g != nil && l.tree != nil:
		l.offer(g)
	case g != nil && g.Phase() == gang.Ready:
		decisions = l.after(g, g.Retry(l.clock.Now()))
	case g == nil && l.alone[types.UID(member.UID)] != nil:
		a := l.alone[types.UID(member.UID)]
		a.failed, a.ready = false, true
		l.tree.SetReady(idOf(a.pod.UID), true)
	case g == nil:
		decisions = []gang.Decision{gang.Activate{Members: []gang.Ref{member}}}
	}
	return append(decisions, l.unhold(key)...)
}

func (l *Ledger) useHold(key gang.Key) {
	members := l.holds[key]
	if l.tree == nil || len(members) == 0 {
		return
	}
	what := use{leaf: l.queueOf(members[0]), priority: queue.NeverTaken}
	for _, pod := range members {
		what.amounts.Add(l.vectorOf(pod), 1)
	}
	l.count(user{hold: key}, what)
}
