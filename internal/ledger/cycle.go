package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Answer is the ledger's answer to a pod that asks to proceed.
type Answer struct {
	Verdict gang.Verdict
	// Gang is true if the pod belongs to a gang, or is meant to.
	Gang bool
	// Why explains a refusal.
	Why gang.Explanation
	// Task is what to plan if the verdict is Plan. If the gang was parked, Scout is the shortage to check first.
	Task  gang.Task
	Scout *Parked
	// Near is what to plan for a pod that is scheduled alone, nil if no topology applies to it.
	Near *gang.Task
	// Beyond is true if the gang is beyond a limit of its queues, and is only to make room within it.
	Beyond bool
	// Slot is the node of the slot that the pod takes if the verdict is Go. Without a slot, Avoid are the nodes not to use.
	Slot  string
	Avoid []string
	// Decisions must be carried out by the caller.
	Decisions []gang.Decision
}

// asks records the pod that asks to proceed. It returns the pod's gang, or nil if the answer is complete without one.
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

// Enter decides whether a pod may enter the scheduling queue, and freezes the pod's sort key if it does.
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

// Order returns the sort key of a gang's member in the scheduling queue, and whether the pod is one. The key stays the same until
// the pod enters the queue again.
func (l *Ledger) Order(uid types.UID) (queue.SortKey, bool) {
	stored, _ := l.order.Load(uid)
	key, ok := stored.(queue.SortKey)
	return key, ok
}

// Member reports whether the observed pod belongs to a gang, or is meant to.
func (l *Ledger) Member(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && !r.plain()
}

// Begin returns the answer for a pod that was popped from the scheduling queue. Call it before taking the snapshot of the cluster.
func (l *Ledger) Begin(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.snapshot, l.snapshotFreed, l.popped = l.changes.count, l.freed.Load(), ""
	g, a := l.asks(pod)
	if g == nil {
		return a
	}
	now := l.clock.Now()
	var first *gang.Gang
	if g.Phase() == gang.Ready {
		first = l.first(g)
	}
	scouts := l.scouts(g)
	a.Verdict = g.Begin(string(pod.UID), first == nil, now)
	switch a.Verdict {
	case gang.Refuse:
		a.Why = g.Explain()
	case gang.Plan:
		a.Task = g.Task(now)
		if l.tree != nil && !l.keepsWithin(g, pod.UID, &a) {
			break
		}
		again := l.plansAgain(g)
		if lacked, seen, failed := g.Shortage(); scouts && failed && !again {
			found := l.parked(g, lacked, seen)
			a.Scout = &found
		}
	case gang.Go:
		l.popped = pod.UID
	}
	a.Decisions = l.after(g, a.Decisions)
	if scouts && a.Verdict != gang.Plan {
		a.Decisions = append(a.Decisions, l.ended()...) // another gang checks the changes
	}
	if first != nil && g.Overtaken() {
		l.overtaken[g] = struct{}{}
		a.Decisions = append(a.Decisions, first.Hurry()...)
	}
	return a
}

// Single returns the answer for a pod in a scheduling cycle of its own. It refuses a gang's member unless Begin returned Go for it.
func (l *Ledger) Single(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, a := l.asks(pod)
	if g == nil {
		if t := TopologyOf(pod); t.Any() && a.Verdict == gang.Go {
			a.Near = &gang.Task{Gang: PodKey(pod), Members: []gang.Ref{refOf(pod)}, Need: 1, Topology: t}
		}
		return a
	}
	if l.popped == pod.UID {
		a.Verdict, a.Slot, a.Avoid = gang.Go, g.SlotNode(string(pod.UID)), g.Avoided(l.clock.Now())
		if task, near := g.Near(string(pod.UID)); near && a.Slot == "" {
			task.Avoid = a.Avoid
			a.Near = &task
		}
		return a
	}
	a.Why = g.Explain()
	return a
}

// Near reports whether the pod is scheduled alone, and within a topology domain.
func (l *Ledger) Near(pod *corev1.Pod) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[pod.UID]
	switch {
	case r == nil || r.plain():
		t := TopologyOf(pod)
		return t.Any()
	case r.gang == nil:
		return false
	}
	return r.gang.PlacedNear(string(pod.UID)) && r.gang.Phase() == gang.Running
}

// Commit starts binding all members of a plan, after their capacity was reserved. uid is the representative. It returns false if
// the gang changed in the meantime.
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

// Unfit records that no plan was found for the gang that the pod represents.
func (l *Ledger) Unfit(uid types.UID, found gang.Finding) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return Answer{Gang: true, Verdict: gang.Refuse, Why: r.whyLeft(), Decisions: l.ended()}
	}
	a := Answer{Gang: true, Verdict: gang.Refuse}
	a.Decisions = l.after(r.gang, r.gang.Unfit(string(uid), found, l.snapshot, l.clock.Now()))
	l.noteTooLarge(r.gang)
	l.noteUnfit(r.gang)
	a.Decisions = append(a.Decisions, l.ended()...)
	a.Why = r.gang.Explain()
	return a
}

// ended is called at the end of a gang cycle. It checks at once which parked gangs the latest changes may help.
func (l *Ledger) ended() []gang.Decision {
	l.looked = time.Time{}
	return l.look(l.clock.Now())
}

// Permit decides whether a pod that has reserved capacity on a node may be bound.
func (l *Ledger) Permit(uid types.UID, node string) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	_, gone := l.gone[uid]
	switch {
	case gone || r != nil && r.problem != nil: // the pod may have been a member when it was popped
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

// Unreserve records that a pod's reserved capacity was released.
func (l *Ledger) Unreserve(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.Unreserve(string(uid), l.clock.Now()))
}

// NotBound records why a pod could not be bound. It reports whether the pod's gang waits for that reason, in which case the gang
// notifies its members.
func (l *Ledger) NotBound(uid types.UID, why string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return false
	}
	l.touch(r.gang)
	return r.gang.NotBound(string(uid), why)
}

// Misfit records that a pod fits on no node in its own scheduling cycle. It reports whether the pod is a member of a gang that
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

// Siblings reports whether both pods belong to the same gang.
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

// Notifies reports whether the ledger itself reports on the pod why it waits: its gang waits, or its annotations are invalid. A member
// that joins a running gang waits on its own.
func (l *Ledger) Notifies(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && !r.plain() && (r.gang == nil || !r.gang.Joins(string(uid)))
}

// Stays returns what happens to a popped pod that could not be scheduled. Refuse: it is parked until the ledger activates it; Plan:
// it must be popped again; Go: the queue decides.
func (l *Ledger) Stays(uid types.UID) gang.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	switch {
	case r == nil || r.plain():
		l.noteFailed(uid)
		return gang.Go
	case r.gang == nil:
		return gang.Refuse
	}
	stays := r.gang.Stays(string(uid))
	if stays == gang.Go {
		l.noteFailed(uid)
	}
	return stays
}
