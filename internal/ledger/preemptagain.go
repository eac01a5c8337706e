package ledger

import (
	"cmp"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// A gang, or a pod without one, that does not fit although it may preempt others is tried again in two cases. Something runs now that it
// might preempt: what starts where capacity freed up may be of a lower priority than what ran before. Or capacity freed up, which is not
// enough alone, but may be together with victims.

// preemptions is what the ledger knows about who could preempt whom.
type preemptions struct {
	// lowest is a lower bound on the priority of the running pods that may be preempted. A pod that starts lowers it; a search over all
	// running pods raises it. So a gang that could preempt nothing is not planned a second time.
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
	// tried has the gangs, and pods without one, that were tried.
	tried map[gang.Key]trial
}

// trial is a plan to preempt others that failed, or that was carried out.
type trial struct {
	priority int32
	// starts is the number of pods that were started by then, and freed the number of changes that may have freed capacity.
	starts, freed uint64
	// again is true if it is to be planned next time, whatever its last plan lacked: what changed is not enough without victims.
	again bool
	// pod is the pod without a gang.
	pod gang.Ref
}

func newPreemptions() preemptions {
	p := preemptions{lowest: math.MaxInt32, tried: map[gang.Key]trial{}, holds: map[gang.Key][]*corev1.Pod{}}
	p.starts.last = map[int32]uint64{}
	return p
}

// noteStart records that a pod of this priority starts.
func (p *preemptions) noteStart(priority int32) {
	p.lowest = min(p.lowest, priority)
	p.starts.count++
	p.starts.last[priority] = p.starts.count
}

// startedSince reports whether a pod was started since whose priority is one of those.
func (p *preemptions) startedSince(since uint64, yes func(priority int32) bool) bool {
	if p.starts.count == since {
		return false
	}
	for priority, last := range p.starts.last {
		if last > since && yes(priority) {
			return true
		}
	}
	return false
}

// noteTried records that the taker is planned.
func (l *Ledger) noteTried(t Taker) {
	if t.supposed {
		return
	}
	now := trial{priority: t.Priority, starts: l.starts.count, freed: l.snapshotFreed}
	if t.Key.Convention == "" {
		now.pod = refOf(t.pod)
		if a := l.alone[t.pod.UID]; a != nil {
			now.freed = a.freed
		}
	}
	l.tried[t.Key] = now
}

// mayFitNow reports whether the taker of a trial may fit now, with victims. Between queues, the priority does not decide.
func (l *Ledger) mayFitNow(t trial) bool {
	switch {
	case t.again || l.freed.Load() != t.freed:
		return l.tree != nil || l.lowest < t.priority
	case l.tree != nil:
		return l.starts.count > t.starts
	}
	return l.startedSince(t.starts, func(of int32) bool { return of < t.priority })
}

// PreemptAgain retries one parked gang, or one pod without a gang, for which preemption may succeed now. It selects the one whose last
// attempt is the oldest; the queue order breaks ties. It returns the key of that gang or pod, the zero key if there is none.
func (l *Ledger) PreemptAgain(now time.Time) (gang.Key, []gang.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, found := l.nextTried()
	for g, s := range l.standings {
		if s.waits && l.goes(g.Key, l.tried[g.Key], next, found) && g.Phase() == gang.Ready && l.beyond(s) {
			next, found = g.Key, true
		}
	}
	if !found {
		return gang.Key{}, nil
	}
	return next, l.tryAgain(next, now)
}

// nextTried returns the gang, or the pod without a gang, to retry first. It removes entries that are no longer pending.
func (l *Ledger) nextTried() (next gang.Key, found bool) {
	for key, t := range l.tried {
		g := l.gangs[key]
		switch {
		case key.Convention != "" && g == nil:
			delete(l.tried, key)
		case !l.goes(key, t, next, found): // most of them, so that is found out first
		case key.Convention == "":
			next, found = key, true
		case g.Phase() == gang.Running:
			delete(l.tried, key)
		case g.Unplaced() && l.mayStart(g.Key):
			next, found = key, true
		}
	}
	return next, found
}

// goes reports whether a retry may succeed now, and comes before the one selected so far.
func (l *Ledger) goes(key gang.Key, t trial, next gang.Key, found bool) bool {
	return l.mayFitNow(t) && (!found || l.compareTried(key, next) < 0)
}

// tryAgain does that.
func (l *Ledger) tryAgain(key gang.Key, now time.Time) []gang.Decision {
	g, t := l.gangs[key], l.tried[key]
	if g == nil {
		delete(l.tried, key) // a plan for it adds it again
		return []gang.Decision{gang.Activate{Members: []gang.Ref{t.pod}}}
	}
	t.starts, t.freed = l.starts.count, l.freed.Load()
	mayStart := l.mayStart(g.Key)
	t.again = mayStart
	l.tried[key] = t
	if mayStart {
		return l.after(g, g.Retry(now))
	}
	ref, ready := g.Turn(now)
	if !ready {
		return nil
	}
	l.making = g
	return l.after(g, []gang.Decision{gang.Activate{Members: []gang.Ref{ref}}})
}

// plansAgain reports whether the gang is to be planned whatever its last plan lacked, once.
func (l *Ledger) plansAgain(g *gang.Gang) bool {
	of, known := l.tried[g.Key]
	if !known || !of.again {
		return false
	}
	of.again = false
	l.tried[g.Key] = of
	return true
}

// Starts numbers the pods that were started.
func (l *Ledger) Starts() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.starts.count
}

// HigherSince reports whether a pod with a higher priority was started since, or is being bound.
func (l *Ledger) HigherSince(priority int32, since uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pod := range l.binding {
		if corev1helpers.PodPriority(pod) > priority {
			return true
		}
	}
	return l.startedSince(since, func(of int32) bool { return of > priority })
}

// compareTried compares when two were tried, then their order.
func (l *Ledger) compareTried(a, b gang.Key) int {
	x, y := l.tried[a], l.tried[b]
	if when := cmp.Compare(x.starts+x.freed, y.starts+y.freed); when != 0 {
		return when
	}
	if g, h := l.gangs[a], l.gangs[b]; g != nil && h != nil {
		return compare(g, h)
	}
	return cmp.Or(cmp.Compare(y.priority, x.priority), a.Compare(b))
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

// Spared notes that pods are not preempted, or not any more. Those that still run can be preempted by others.
func (l *Ledger) Spared(pods []*corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pod := range pods {
		l.noteStart(corev1helpers.PodPriority(pod))
	}
}

// CountAny reports whether any of the pods still counts as using capacity of its queue: the ledger may know later than the cache of the
// scheduler that a pod is gone.
func (l *Ledger) CountAny(pods []*corev1.Pod) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { _, counted := l.uses[user{pod: pod.UID}]; return counted })
}

// Binding reports whether the pod has reserved capacity, and is not observed with a node yet.
func (l *Ledger) Binding(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.binding[uid] != nil
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
	return l.unuse(user{other: key}, nil)
}

// TryPreemptor has a gang, or a pod without one, scheduled whose victims are gone. It is ready for its turn in the same moment in which its
// members no longer count, so that nothing that comes later goes before it. It returns false, and does nothing, during the cycle of the
// gang, which may be the one that preempted them: the gang would be parked at its end.
func (l *Ledger) TryPreemptor(key gang.Key, member gang.Ref) (decisions []gang.Decision, tried bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	switch {
	case g != nil && g.Phase() == gang.Placing:
		return nil, false
	case g != nil && l.tree != nil:
		l.offer(g)
	case g != nil && g.Phase() == gang.Ready:
		t := l.tried[key]
		t.again = true
		l.tried[key] = t
		decisions = l.after(g, g.Retry(l.clock.Now()))
	case g == nil && l.alone[types.UID(member.UID)] != nil:
		a := l.alone[types.UID(member.UID)]
		a.failed, a.ready = false, true
		l.tree.SetReady(idOf(a.pod.UID), true)
	case g == nil:
		decisions = []gang.Decision{gang.Activate{Members: []gang.Ref{member}}}
	}
	return append(decisions, l.unhold(key)...), true
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
	l.count(user{other: key}, what)
}
