package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Answer is the ledger's to a pod that asks to go on.
type Answer struct {
	Verdict gang.Verdict
	// Gang says whether the pod belongs to a gang, or is meant to.
	Gang bool
	// Why explains a refusal.
	Why gang.Explanation
	// Task is what to plan if the verdict is Plan. Scout, then, is what to compare first: the gang was parked.
	Task  gang.Task
	Scout *Parked
	// Slot is the node of the slot that the pod takes, if the verdict is Go; without one, Avoid are nodes not to be tried.
	Slot  string
	Avoid []string
	// Decisions are the caller's to perform.
	Decisions []gang.Decision
}

// asks records the pod that asks to go on. It returns its gang, or nil if the answer is complete without one.
func (l *Ledger) asks(pod *corev1.Pod) (*gang.Gang, Answer) {
	a := Answer{Decisions: l.observe(pod)}
	r := l.records[pod.UID]
	switch {
	case r == nil || r.plain():
		l.order.Delete(pod.UID)
		a.Verdict = gang.Go
		return nil, a
	case r.problem != nil:
		a.Gang, a.Verdict = true, gang.Refuse
		a.Why = r.why()
		return nil, a
	}
	a.Gang = true
	return r.gang, a
}

// Enter answers a pod that wants to be in the scheduling queue, and freezes its place there.
func (l *Ledger) Enter(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, a := l.asks(pod)
	if g == nil {
		return a
	}
	a.Verdict = g.Enter(string(pod.UID), l.clock.Now())
	a.Decisions = l.after(g, a.Decisions)
	if a.Verdict == gang.Refuse {
		a.Why = g.Explain()
		return a
	}
	key := sortKey(g)
	key.Ahead = g.Late(string(pod.UID))
	l.order.Store(pod.UID, key)
	return a
}

// Order returns where a pod stands in the scheduling queue, if it is a gang's member. The answer stays the same until
// the pod enters the queue anew.
func (l *Ledger) Order(uid types.UID) (SortKey, bool) {
	stored, _ := l.order.Load(uid)
	key, ok := stored.(SortKey)
	return key, ok
}

// Member says whether the pod belongs to a gang, or is meant to, as far as it was observed.
func (l *Ledger) Member(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && !r.plain()
}

// Begin answers a pod that was popped from the scheduling queue. It is to be called before the snapshot of the cycle is taken.
func (l *Ledger) Begin(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snapshot, l.popped = l.changes.count, ""
	g, a := l.asks(pod)
	if g == nil {
		return a
	}
	now := l.clock.Now()
	var first *gang.Gang
	if g.Phase() == gang.Ready {
		first = l.first(g)
	}
	scouts := l.scout == g
	if scouts {
		l.scout = nil
	}
	a.Verdict = g.Begin(string(pod.UID), first == nil, now)
	switch a.Verdict {
	case gang.Refuse:
		a.Why = g.Explain()
	case gang.Plan:
		a.Task = g.Task(now)
		if lacked, seen, failed := g.Shortage(); scouts && failed {
			found := l.parked(g, lacked, seen)
			a.Scout = &found
		}
	case gang.Go:
		l.popped = pod.UID
	}
	a.Decisions = l.after(g, a.Decisions)
	if scouts && a.Verdict != gang.Plan {
		a.Decisions = append(a.Decisions, l.ended()...) // another gang compares what changed
	}
	if first != nil && g.Overtaken() {
		l.overtaken[g] = struct{}{}
		a.Decisions = append(a.Decisions, first.Hurry()...)
	}
	return a
}

// Single answers a pod that is in a scheduling cycle of its own. A gang's member is refused unless Begin let it go.
func (l *Ledger) Single(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, a := l.asks(pod)
	if g == nil {
		return a
	}
	if l.popped == pod.UID {
		a.Verdict, a.Slot, a.Avoid = gang.Go, g.SlotNode(string(pod.UID)), g.Avoided(l.clock.Now())
		return a
	}
	a.Why = g.Explain()
	return a
}

// Commit begins the binding of all members of a plan that a pod stood for, for which capacity is reserved. It says no if the gang changed
// meanwhile.
func (l *Ledger) Commit(uid types.UID, plan gang.Planned) (bool, []gang.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return false, l.ended()
	}
	committed, decisions := r.gang.Commit(string(uid), plan, l.clock.Now())
	return committed, append(l.after(r.gang, decisions), l.ended()...)
}

// Unfit records that no plan was found for the gang that a pod stood for.
func (l *Ledger) Unfit(uid types.UID, found gang.Finding) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return Answer{Gang: true, Verdict: gang.Refuse, Why: r.whyLeft(), Decisions: l.ended()}
	}
	a := Answer{Gang: true, Verdict: gang.Refuse}
	a.Decisions = l.after(r.gang, r.gang.Unfit(string(uid), found, l.snapshot, l.clock.Now()))
	a.Decisions = append(a.Decisions, l.ended()...)
	a.Why = r.gang.Explain()
	return a
}

// ended is what follows from the end of a gang cycle: the gangs that are parked are compared to what changed, at once.
func (l *Ledger) ended() []gang.Decision {
	l.looked = time.Time{}
	return l.look(l.clock.Now())
}

// Permit answers a pod for which capacity is reserved on a node.
func (l *Ledger) Permit(uid types.UID, node string) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	_, gone := l.gone[uid]
	switch {
	case gone || r != nil && r.problem != nil: // it may have been a member when it was popped
		return Answer{Gang: true, Verdict: gang.Refuse, Why: r.whyLeft()}
	case r == nil || r.gang == nil:
		return Answer{Verdict: gang.Go}
	}
	a := Answer{Gang: true, Verdict: r.gang.Permit(string(uid), node, l.clock.Now())}
	if a.Verdict == gang.Refuse {
		a.Why = r.gang.Explain()
	}
	a.Decisions = l.after(r.gang, nil)
	return a
}

// Unreserve records that a pod's capacity was given back.
func (l *Ledger) Unreserve(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.Unreserve(string(uid), l.clock.Now()))
}

// NotBound records why a pod could not be bound, and says whether its gang waits because of that, and so writes it on its members.
func (l *Ledger) NotBound(uid types.UID, why string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && r.gang != nil && r.gang.NotBound(string(uid), why)
}

// Misfit records that a pod which was alone in its scheduling cycle fits nowhere. It says whether the pod is a member of a gang that
// starts together.
func (l *Ledger) Misfit(uid types.UID) ([]gang.Decision, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil, r != nil && !r.plain()
	}
	if r.gang.Alone(string(uid)) {
		return nil, false
	}
	return l.after(r.gang, r.gang.Misfit(string(uid))), true
}

// Why explains why the pod's gang waits.
func (l *Ledger) Why(uid types.UID) gang.Explanation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Explain()
	}
	return gang.Explanation{}
}

// Siblings says whether both pods are of one gang.
func (l *Ledger) Siblings(a, b types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, second := l.records[a], l.records[b]
	return first != nil && second != nil && first.gang != nil && first.gang == second.gang
}

// Convention returns the convention of the gang that the pod belongs to, or "".
func (l *Ledger) Convention(uid types.UID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Key.Convention
	}
	return ""
}

// Tells says whether the ledger itself writes on the pod why it waits: its gang does, or its annotations have a problem. A
// member that joins a gang that runs waits for itself.
func (l *Ledger) Tells(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && !r.plain() && (r.gang == nil || !r.gang.Joins(string(uid)))
}

// Stays says what becomes of a pod that was popped and could not be scheduled. Refuse: it is parked until the ledger wakes it; Plan: it
// is to be popped again; Go: the queue decides.
func (l *Ledger) Stays(uid types.UID) gang.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	switch {
	case r == nil || r.plain():
		return gang.Go
	case r.gang == nil:
		return gang.Refuse
	}
	return r.gang.Stays(string(uid))
}
