package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// SortKey is where a gang's member stands in the scheduling queue.
type SortKey struct {
	// Ahead puts members of the gang that is being placed before everything else.
	Ahead    bool
	Priority int32
	// Short puts members of gangs that run with too few of them before others of their priority.
	Short bool
	Age   time.Time
	Gang  gang.Key
	// Rank is the member's place in the plan of its gang.
	Rank int
}

// Answer is what a plugin learns about a pod that asks to go on.
type Answer struct {
	Verdict gang.Verdict
	// Gang says whether the pod belongs to a gang, or wants to.
	Gang bool
	// Why explains a refusal.
	Why gang.Explanation
	// Key names the gang in Permit's answer; Holding is how many members hold room, Need is min-available.
	Key           gang.Key
	Holding, Need int
	// Task is what to plan if the verdict is Plan; Scout, then, what to compare first: the gang lay still.
	Task  gang.Task
	Scout *Lying
	// Pin is the node that the pod was planned for, if the verdict is Go; without it, Avoid are nodes not to be tried.
	Pin   string
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

// Enter answers a pod that wants into the scheduling queue's active part, and freezes its place there.
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
	key.Ahead, key.Rank = g == l.turn && g.Phase() == gang.Placing || g.Late(string(pod.UID)), g.Rank(string(pod.UID))
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

// Begin answers a pod that was popped from the queue.
func (l *Ledger) Begin(pod *corev1.Pod) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beginCycle(pod.UID)
	g, a := l.asks(pod)
	if g == nil {
		return a
	}
	var first *gang.Gang
	if g.Phase() == gang.Ready {
		first = l.first(g)
	}
	turn := (l.turn == nil || l.turn == g) && first == nil
	if !l.snapshots {
		l.snapshot = l.changes.count
	}
	scouts := l.scout == g
	if scouts {
		l.scout = nil
	}
	a.Verdict = g.Begin(string(pod.UID), turn, l.clock.Now())
	switch a.Verdict {
	case gang.Refuse:
		a.Why = g.Explain()
		if g.AwaitsTurn() {
			l.awaiting[g] = struct{}{}
		}
		if first != nil {
			a.Decisions = append(a.Decisions, first.Hurry()...)
		}
	case gang.Plan:
		l.turn, a.Task = g, g.Task(string(pod.UID), l.clock.Now())
		if lack, seen, failed := g.Lacked(); scouts && failed {
			lying := l.lying(g, lack, seen)
			a.Scout = &lying
		}
	case gang.Go:
		a.Pin, a.Avoid = g.Pin(string(pod.UID)), g.Avoided(l.clock.Now())
	case gang.Wait:
	}
	a.Decisions = l.after(g, a.Decisions)
	return a
}

// beginCycle notes that the pod's scheduling cycle begins: the one before it has ended.
func (l *Ledger) beginCycle(uid types.UID) {
	l.endCycle()
	l.inCycle = uid
}

func (l *Ledger) endCycle() {
	if r := l.records[l.inCycle]; r != nil && r.gang != nil {
		r.gang.EndCycle(string(l.inCycle), l.clock.Now())
	}
	l.inCycle = ""
}

// left refuses a pod that was popped as a member and belongs to no gang any more: it is gone, or its annotations changed in
// its scheduling cycle. To let it go on would start it alone.
func left(r *record) Answer {
	a := Answer{Gang: true, Verdict: gang.Refuse}
	if r != nil && r.problem != nil {
		a.Why = r.why()
	}
	return a
}

// Planned records the plan that a pod made for its gang. The answer says whether the pod itself goes on.
func (l *Ledger) Planned(uid types.UID, plan gang.Placed) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return left(r)
	}
	l.planned = l.snapshot
	a := Answer{Gang: true}
	a.Verdict, a.Decisions = r.gang.Planned(string(uid), plan, l.clock.Now())
	if a.Verdict == gang.Refuse {
		a.Why = r.gang.Explain()
	}
	a.Pin = r.gang.Pin(string(uid))
	a.Decisions = l.after(r.gang, a.Decisions)
	return a
}

// Unfit records that a pod found no plan for its gang.
func (l *Ledger) Unfit(uid types.UID, found gang.Finding) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return left(r)
	}
	a := Answer{Gang: true, Verdict: gang.Refuse}
	a.Decisions = l.after(r.gang, r.gang.Unfit(string(uid), found, l.snapshot, l.clock.Now()))
	a.Why = r.gang.Explain()
	return a
}

// Reserve records that a pod holds room on a node.
func (l *Ledger) Reserve(uid types.UID, node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		r.gang.Reserve(string(uid), node, l.clock.Now())
	}
}

// Unreserve records that a pod's room was given back.
func (l *Ledger) Unreserve(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.Unreserve(string(uid), l.changes.count, l.clock.Now()))
}

// NotBound records why a pod could not be bound, and says whether its gang waits because of that, and so tells it.
func (l *Ledger) NotBound(uid types.UID, why string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && r.gang != nil && r.gang.NotBound(string(uid), why)
}

// Permit answers a pod that holds room.
func (l *Ledger) Permit(uid types.UID) Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	_, gone := l.gone[uid]
	switch {
	case gone || r != nil && r.problem != nil:
		return left(r)
	case r == nil || r.gang == nil:
		return Answer{Verdict: gang.Go}
	}
	a := Answer{Gang: true}
	a.Verdict, a.Decisions = r.gang.Permit(string(uid), l.clock.Now())
	if a.Verdict == gang.Refuse {
		a.Why = r.gang.Explain()
	}
	a.Key, a.Holding, a.Need = r.gang.Key, r.gang.Holding(), r.gang.Need()
	a.Decisions = l.after(r.gang, a.Decisions)
	return a
}

// Pin returns the node that a pod was planned for, or "".
func (l *Ledger) Pin(uid types.UID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Pin(string(uid))
	}
	return ""
}

// Unplaced records that a pod does not fit on the node that it was planned for. It says whether the pod belongs to a gang that
// starts together. why is the reason, if the pod has a Pin.
func (l *Ledger) Unplaced(uid types.UID, why string) ([]gang.Decision, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil, r != nil && !r.plain()
	}
	if r.gang.Alone(string(uid)) {
		return nil, false
	}
	return l.after(r.gang, r.gang.Unplaced(string(uid), why, l.planned, l.clock.Now())), true
}

// Holding returns how many members of the gang that is being placed hold room and wait for the others.
func (l *Ledger) Holding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn == nil {
		return 0
	}
	return l.turn.Holding()
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

// NoNodes records that a pod was popped while the cluster had no node, so that no plugin was asked.
func (l *Ledger) NoNodes(uid types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		seen := l.changes.count
		if l.snapshots {
			seen = l.snapshot
		}
		r.gang.NoNodes(string(uid), seen, l.clock.Now())
	}
}

// Dialect returns the dialect of the gang that the pod belongs to, or "".
func (l *Ledger) Dialect(uid types.UID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Key.Dialect
	}
	return ""
}

// Tells says whether the ledger tells the pod itself why it waits: its gang does, or its annotations have a problem. A
// member that joins a gang that runs waits for itself.
func (l *Ledger) Tells(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && !r.plain() && (r.gang == nil || !r.gang.Joins(string(uid)))
}

// Stays says what becomes of a pod that was popped and could not be scheduled. Refuse: it has to wait until the ledger wakes
// it; Plan: it is to be popped again and to plan its gang; Go: that is for the queue to say.
func (l *Ledger) Stays(uid types.UID) gang.Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if uid == l.inCycle {
		l.endCycle()
	}
	r := l.records[uid]
	switch {
	case r == nil || r.plain():
		return gang.Go
	case r.gang == nil:
		return gang.Refuse
	}
	return r.gang.Stays(string(uid))
}

// Plans says whether a pod, if it is popped now, may have to plan its gang.
func (l *Ledger) Plans(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return r != nil && r.gang != nil && r.gang.Plans(string(uid))
}

// Commit records that all members of the plan that a pod made for its gang hold capacity. It says no if the gang changed meanwhile.
func (l *Ledger) Commit(uid types.UID, plan gang.Placed) (bool, []gang.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return false, nil
	}
	l.planned = l.snapshot
	committed, decisions := r.gang.Commit(string(uid), plan, l.clock.Now())
	return committed, l.after(r.gang, decisions)
}
