package ledger

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// standing is the place of a gang in the tree of queues.
type standing struct {
	id     queue.ID
	stated string
	key    queue.SortKey
	// waits is true while the gang has an entry in the tree.
	waits bool
	// fresh is true if the gang is to be planned whatever its last plan lacked, because it was offered.
	fresh bool
}

// loner is a pod that goes on its own and waits: one without a gang, or one that joins a gang that runs.
type loner struct {
	pod *corev1.Pod
	// ready is true while the pod waits for its turn, false while it is in its scheduling cycle or the scheduling queue has it.
	ready bool
	// failed is true while the pod is in the line of those that did not fit.
	failed bool
	// freed is the count of changes that may have freed capacity when the pod was last popped.
	freed uint64
	// again is true while the pod is tried once more because capacity freed up during its last attempt.
	again bool
	// told is what the pod's last notice said.
	told gang.Kind
}

func (a *loner) compare(b *loner) int {
	return cmp.Or(a.pod.CreationTimestamp.Compare(b.pod.CreationTimestamp.Time), cmp.Compare(a.pod.UID, b.pod.UID))
}

func refOf(pod *corev1.Pod) gang.Ref {
	return gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

func idOf(uid types.UID) queue.ID { return queue.ID("pod " + uid) }

// Offer makes a pod that may be scheduled wait for its turn. It returns false if the pod need not: no queues are configured, or its gang
// refuses it.
func (l *Ledger) Offer(pod *corev1.Pod) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, gone := l.gone[pod.UID]; gone || l.tree == nil || l.profiles[pod.Spec.SchedulerName] == nil {
		return false
	}
	r := l.records[pod.UID]
	switch {
	case r == nil || r.plain():
	case r.problem != nil:
		return false
	case r.gang == l.making:
		return false // it goes at once, to make room
	case r.gang.Offer(string(pod.UID)):
		l.leave(pod.UID) // it may have waited to join the gang when that ran
		l.after(r.gang, nil)
		l.offer(r.gang)
		return true
	case !r.gang.Joins(string(pod.UID)):
		return false
	}
	l.wait(pod, true)
	return true
}

// offer makes a gang ready for its turn.
func (l *Ledger) offer(g *gang.Gang) {
	if s := l.standings[g]; s != nil && s.waits {
		s.fresh = true
		l.tree.Wait(l.entryOf(g, s, true))
		l.toExplain(s.id, gangSettles)
	}
}

// wait adds a pod that goes on its own.
func (l *Ledger) wait(pod *corev1.Pod, ready bool) {
	a := &loner{pod: pod, ready: ready}
	if before := l.alone[pod.UID]; before != nil {
		a.told, a.failed, a.freed, a.again = before.told, before.failed, before.freed, before.again
	}
	l.alone[pod.UID] = a
	e := l.entryOfPod(pod, ready)
	l.tree.Wait(e)
	l.toExplain(e.ID, podSettles)
}

// entryOfPod returns the entry of a pod that goes on its own.
func (l *Ledger) entryOfPod(pod *corev1.Pod, ready bool) queue.Entry {
	share := stated(pod)
	e := queue.Entry{
		ID: idOf(pod.UID), Ask: l.vectorOf(pod), Ready: ready,
		Guaranteed: share.Preemptible == gang.NeverPreempted, Leaf: l.queueOf(pod),
		Key: queue.SortKey{
			Priority: corev1helpers.PodPriority(pod), Age: pod.CreationTimestamp.Time,
			Gang: gang.Key{Namespace: pod.Namespace, Name: pod.Name},
		},
	}
	if r := l.records[pod.UID]; r != nil && r.gang != nil {
		e.Guaranteed = r.gang.NonPreemptible()
		e.Key = sortKey(r.gang)
		e.Key.Ahead = r.gang.Late(string(pod.UID))
	}
	if l.strict {
		e.Pool = l.pools.of(pod)
	}
	return e
}

// leave removes a pod that went on its own.
func (l *Ledger) leave(uid types.UID) {
	if l.alone[uid] != nil {
		delete(l.alone, uid)
		l.tree.Remove(idOf(uid))
	}
}

// stand keeps the entry of a gang in the tree as the gang is.
func (l *Ledger) stand(g *gang.Gang) {
	if l.tree == nil {
		return
	}
	s := l.standings[g]
	switch {
	case s == nil && g.Empty():
		return
	case s == nil:
		s = &standing{id: queue.ID("gang " + g.Key.Convention + " " + g.Key.String() + " " + g.Key.Instance), stated: g.Queue()}
		l.standings[g], l.gangOf[s.id] = s, g
	case s.stated != g.Queue():
		s.stated, s.waits = g.Queue(), false
		l.move(g)
	}
	phase := g.Phase()
	waits := phase == gang.Ready || phase == gang.Placing
	switch key := sortKey(g); {
	case !waits:
		l.tree.Remove(s.id)
	case !s.waits || s.key != key:
		s.key = key
		l.tree.Wait(l.entryOf(g, s, g.Overtaken()))
	}
	if s.waits = waits; g.Empty() {
		delete(l.standings, g)
		delete(l.gangOf, s.id)
	}
}

// move counts what a gang uses for the queue that it now names.
func (l *Ledger) move(g *gang.Gang) {
	leaf := l.leafOf(g.Key.Namespace, g.Queue())
	for _, ref := range g.Refs() {
		who := user{pod: types.UID(ref.UID)}
		if what, counted := l.uses[who]; counted {
			l.tree.UseAs(what.leaf, what.priority, what.amounts, -1)
			l.count(who, use{ref: what.ref, leaf: leaf, amounts: what.amounts, priority: what.priority})
		}
	}
}

// entryOf returns the entry of a gang.
func (l *Ledger) entryOf(g *gang.Gang, s *standing, ready bool) queue.Entry {
	e := queue.Entry{
		ID: s.id, Leaf: l.leafOf(g.Key.Namespace, s.stated), Key: s.key, Ready: ready, Guaranteed: g.NonPreemptible(),
		Hopeless: g.TooLarge(),
	}
	task := g.Task(l.clock.Now())
	e.Ask, _ = l.asksOf(task)
	if l.strict {
		e.Pool = l.poolOf(task)
	}
	return e
}

// poolOf returns the pool of a gang's members.
func (l *Ledger) poolOf(task gang.Task) int {
	var all []int
	for _, ref := range task.Members {
		if r := l.records[types.UID(ref.UID)]; r != nil {
			all = append(all, r.pool)
		}
	}
	for _, role := range task.Roles {
		if role.Declared > 0 {
			if pod, err := Declared(task.Gang.Namespace, role.Role); err == nil {
				all = append(all, l.pools.of(pod))
			}
		}
	}
	return l.pools.union(all)
}

// NextTurn returns the pod that goes next, and false if none may. The caller puts it into the scheduling queue, and calls Popped or Skip.
func (l *Ledger) NextTurn() (types.UID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.tree != nil {
		e, found := l.tree.Next()
		if !found {
			return "", false
		}
		uid, ok := l.give(e)
		if ok {
			l.turn.Store(&uid)
			return uid, true
		}
		l.tree.SetReady(e.ID, false)
	}
	return "", false
}

// scouts reports whether the gang, which was popped, is to compare what changed with the shortages of all parked gangs before it is
// planned.
func (l *Ledger) scouts(g *gang.Gang) bool {
	if l.tree != nil {
		s := l.standings[g]
		fresh := s == nil || s.fresh
		if s != nil {
			s.fresh = false
		}
		return !fresh
	}
	if l.scout != g {
		return false
	}
	l.scout = nil
	return true
}

// lookForAll makes all parked gangs ready for which something changed. The first of them in the order compares the changes with the
// shortages of all.
func (l *Ledger) lookForAll(now time.Time) []gang.Decision {
	found := false
	for _, g := range l.gangs {
		s := l.standings[g]
		if s == nil || !s.waits {
			continue
		}
		if l.helped(g, now) {
			l.tree.SetReady(s.id, true)
			found = true
		}
	}
	l.idle = l.changes.count
	if !found {
		return nil
	}
	return []gang.Decision{gang.Proceed{}}
}

// yields reports whether a gang that was popped no longer goes first.
func (l *Ledger) yields(g *gang.Gang) bool {
	s := l.standings[g]
	if l.tree == nil || s == nil {
		return false
	}
	l.tree.SetReady(s.id, true)
	next, _ := l.tree.Next()
	l.tree.SetReady(s.id, false)
	return next.ID != s.id
}

// notReady records that what changed is not enough for a gang.
func (l *Ledger) notReady(g *gang.Gang) {
	if s := l.standings[g]; s != nil && !s.fresh {
		l.tree.SetReady(s.id, false)
		l.touch(g)
	}
}

// noteTooLarge keeps whether a gang holds up others of a strict queue.
func (l *Ledger) noteTooLarge(g *gang.Gang) {
	s := l.standings[g]
	if s == nil || !s.waits {
		return
	}
	if e, waits := l.tree.Entry(s.id); waits && e.Hopeless != g.TooLarge() {
		e.Hopeless = g.TooLarge()
		l.tree.Wait(e)
	}
}

// keepsWithin keeps the task within the limits of the gang's queue. If they do not allow it, it ends the attempt and returns false, unless
// the gang is to make room within them.
func (l *Ledger) keepsWithin(g *gang.Gang, uid types.UID, a *Answer) bool {
	makes := l.making == g
	l.making = nil
	task, why, may := l.within(g, a.Task)
	if a.Task = task; may {
		return true
	}
	if makes {
		a.Beyond = true
		return true
	}
	l.refuseBeyond(g, uid, a, why)
	return false
}

// refuseBeyond ends the attempt of a gang because of a limit of its queues.
func (l *Ledger) refuseBeyond(g *gang.Gang, uid types.UID, a *Answer, why queue.Why) {
	g.GiveUp(string(uid))
	l.offer(g)
	a.Verdict, a.Why = gang.Refuse, g.Explain()
	a.Why.Kind, a.Why.Queue = kindOf(why), l.queueWhy(why)
}

// give returns the pod that stands for an entry in the scheduling queue.
func (l *Ledger) give(e queue.Entry) (types.UID, bool) {
	g := l.gangOf[e.ID]
	if g == nil {
		uid := types.UID(e.ID[len(idOf("")):])
		return uid, l.alone[uid] != nil
	}
	ref, ok := g.Turn(l.clock.Now())
	l.touch(g)
	return types.UID(ref.UID), ok
}

// entryID returns the entry that a pod stands for.
func (l *Ledger) entryID(uid types.UID) queue.ID {
	if l.alone[uid] != nil {
		return idOf(uid)
	}
	if r := l.records[uid]; r != nil && r.gang != nil && l.standings[r.gang] != nil && r.gang.Represents(string(uid)) {
		return l.standings[r.gang].id
	}
	return "" // it stood for itself, and its gang has to start again in the meantime
}

// Popped reports whether the pod, which was popped because it was its turn, still goes next. Otherwise it must be offered again.
func (l *Ledger) Popped(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn.Store(nil)
	if l.tree == nil {
		return true
	}
	id := l.entryID(uid)
	if next, found := l.tree.Next(); id != "" && (!found || next.ID != id) {
		return false // another goes first now, or what was started since used up what its queue may use
	}
	l.unready(uid, id)
	if a := l.alone[uid]; a != nil {
		a.freed = l.freed.Load()
	}
	return true
}

// Skip records that the pod cannot be scheduled now although it was its turn: another plugin keeps it out of the scheduling queue, or it is
// gone.
func (l *Ledger) Skip(uid types.UID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn.Store(nil)
	if l.tree != nil {
		l.unready(uid, l.entryID(uid))
	}
}

// unready records that an entry no longer waits for its turn.
func (l *Ledger) unready(uid types.UID, id queue.ID) {
	if a := l.alone[uid]; a != nil {
		a.ready = false
	}
	if g := l.gangOf[id]; g != nil {
		l.touch(g)
	}
	l.tree.SetReady(id, false)
}

// AwaitsTurn reports whether the pod, or the gang that it stands for, is ready and waits for its turn by the queues.
func (l *Ledger) AwaitsTurn(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree == nil {
		return false
	}
	e, waits := l.tree.Entry(l.entryID(uid))
	return waits && e.Ready
}

// Turn reports whether the pod was put into the scheduling queue because it goes next.
func (l *Ledger) Turn(uid types.UID) bool {
	turn := l.turn.Load()
	return turn != nil && *turn == uid
}
