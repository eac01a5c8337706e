package ledger

import (
	"iter"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// lookInterval is how often at most the gangs that are parked are compared to what changed, unless an attempt just ended:
	// a job that ends frees its nodes pod by pod, and they are not to be compared for each.
	lookInterval = 20 * time.Millisecond
	// manyNodes is how many changed nodes are compared to what a gang lacks. With more it is simply tried.
	manyNodes = 1024
)

// changes remembers on which nodes there may be more room than before, and when something else changed.
type changes struct {
	// count numbers the changes.
	count uint64
	nodes map[string]change
	// log has the nodes in the order of their changes. Where a node has a later change, its entry is stale.
	log      []logged
	anything uint64
}

// change is the last change of a node.
type change struct {
	at uint64
	// giver is the gang that gave back room which it held since then without ever running there; nil for any other change.
	giver *gang.Gang
	since time.Time
	// plain is the last change of the node without a giver.
	plain uint64
}

type logged struct {
	node string
	at   uint64
}

func newChanges() changes { return changes{nodes: map[string]change{}} }

func (c *changes) add(node string, what change) {
	c.count++
	what.at, what.plain = c.count, c.nodes[node].plain
	if what.giver == nil {
		what.plain = what.at
	}
	c.nodes[node] = what
	c.log = append(c.log, logged{node: node, at: what.at})
	if len(c.log) > 2*len(c.nodes)+manyNodes {
		c.log = slices.DeleteFunc(c.log, func(l logged) bool { return c.nodes[l.node].at != l.at })
	}
}

// since returns the nodes that changed after the change that was the seen-th and that may help g, the last one first.
func (c *changes) since(seen uint64, g *gang.Gang) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, l := range slices.Backward(c.log) {
			if l.at <= seen {
				return
			}
			what := c.nodes[l.node]
			helps := what.plain > seen || what.giver != nil && what.giver != g && !what.since.After(g.FailedAt())
			if what.at == l.at && helps && !yield(l.node) {
				return
			}
		}
	}
}

// CapacityChanged says that a node came, or may have more room or fewer restrictions; or, if a pod is named, that the pod went
// away from there.
func (l *Ledger) CapacityChanged(node string, gone types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	what := change{}
	if r := l.records[gone]; r != nil && r.gang != nil {
		if since, gaveBack := r.gang.GaveBack(string(gone)); gaveBack {
			what.giver, what.since = r.gang, since
		}
	}
	l.changes.add(node, what)
	l.freed.Add(1)
	return l.lookAndTry(l.clock.Now())
}

// lookAndTry wakes what changed capacity may help: gangs, and pods without one. Both are woken at the same time, so that neither gets ahead
// of the order: if it is too early to look at the gangs again, the pods wait too.
func (l *Ledger) lookAndTry(now time.Time) []gang.Decision {
	if l.tree != nil && len(l.failed) > 0 && now.Sub(l.looked) < lookInterval {
		if l.later {
			return nil
		}
		l.later = true
		return []gang.Decision{gang.LookAgain{}}
	}
	return l.tryFailed(l.look(now))
}

// LookAgain does what was too early for CapacityChanged.
func (l *Ledger) LookAgain() []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.later = false
	return l.lookAndTry(l.clock.Now())
}

// NodeGone forgets a node.
func (l *Ledger) NodeGone(node string) []gang.Decision {
	l.mu.Lock()
	var decisions []gang.Decision
	delete(l.changes.nodes, node)
	for _, key := range slices.SortedFunc(maps.Keys(l.gangs), gang.Key.Compare) {
		if g := l.gangs[key]; g.Slots() > 0 {
			decisions = append(decisions, l.after(g, g.NodeGone(node, l.clock.Now()))...)
		}
	}
	l.mu.Unlock()
	l.freed.Add(1)
	l.AnythingChanged()
	return decisions
}

// AnythingChanged says that something changed that may help gangs which lack more than room. They are woken at the next tick:
// such changes come with every pod that is bound.
func (l *Ledger) AnythingChanged() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes.count++
	l.changes.anything = l.changes.count
}

// news says whether anything changed since that may help the gang.
func (l *Ledger) news(g *gang.Gang, lacked gang.Shortage, seen uint64) bool {
	if seen >= l.changes.count {
		return false
	}
	if lacked.Anything && l.changes.anything > seen {
		return true
	}
	for range l.changes.since(seen, g) {
		return true
	}
	return false
}

// look wakes the gang that comes first among those that are parked and for which something changed: the scout. When it is
// popped, all are compared to the cluster with it, so that the changes of a moment cost one scheduling cycle.
func (l *Ledger) look(now time.Time) []gang.Decision {
	if l.scout != nil && l.scout.Queued(now) || now.Sub(l.looked) < lookInterval ||
		l.changes.count == l.idle {
		return nil
	}
	l.scout, l.looked, l.idleUntil = nil, now, time.Time{}
	if l.tree != nil {
		return l.lookForAll(now)
	}
	for _, g := range l.gangs {
		if l.helped(g, now) && (l.scout == nil || compare(g, l.scout) < 0) {
			l.scout = g
		}
	}
	if l.scout == nil {
		l.idle = l.changes.count
		return nil
	}
	return l.scout.Retry(now)
}

// helped reports whether something changed that may help a parked gang. If the gang waits for a while after a failure, it notes until when.
func (l *Ledger) helped(g *gang.Gang, now time.Time) bool {
	lacked, seen, failed := g.Shortage()
	if !failed || !l.news(g, lacked, seen) { // for most gangs nothing changed, and that is found out fast
		return false
	}
	_, _, from, seeks := g.SeeksFrom()
	if !seeks {
		return false
	}
	if now.Before(from) {
		if l.idleUntil.IsZero() || from.Before(l.idleUntil) {
			l.idleUntil = from
		}
		return false
	}
	return true
}

// lookAtAll makes the next look compare all parked gangs with what changed, if one of them may be helped that was not when all were last
// looked at: one of those that changed since, or are no longer ready, which are given, or one that no longer waits after a failure.
func (l *Ledger) lookAtAll(changed []*gang.Gang, now time.Time) {
	if l.idle != l.changes.count {
		return
	}
	again := !l.idleUntil.IsZero() && !now.Before(l.idleUntil)
	for _, g := range changed {
		again = l.helped(g, now) || again // each notes until when it waits
	}
	if again {
		l.idle = 0
	}
}

// Parked is a gang that is parked because a plan failed, and what changed since.
type Parked struct {
	Key      gang.Key
	Shortage gang.Shortage
	// Nodes are those that changed. Anything says that more did, so that they are not all that counts.
	Nodes    []string
	Anything bool
}

func (l *Ledger) parked(g *gang.Gang, lacked gang.Shortage, seen uint64) Parked {
	found := Parked{Key: g.Key, Shortage: lacked, Anything: lacked.Anything}
	for node := range l.changes.since(seen, g) {
		if found.Nodes = append(found.Nodes, node); len(found.Nodes) > manyNodes {
			found.Anything = true
			break
		}
	}
	return found
}

// SincePlan compares a gang that is parked to all that changed since its plan failed, not only since it was last looked at: others
// may have taken what was found. It returns false if that is the same.
func (l *Ledger) SincePlan(key gang.Key) (Parked, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil {
		return Parked{}, false
	}
	lacked, seen, changed := g.FirstShortage()
	if !changed {
		return Parked{}, false
	}
	return l.parked(g, lacked, seen), true
}

// Parked returns the gangs that are parked and for which something changed, in their order.
func (l *Ledger) Parked() []Parked {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	var gangs []*gang.Gang
	for _, g := range l.gangs {
		if l.helped(g, now) {
			gangs = append(gangs, g)
		}
	}
	slices.SortFunc(gangs, compare)
	all := make([]Parked, len(gangs))
	for i, g := range gangs {
		lacked, seen, _ := g.Seeks(now)
		all[i] = l.parked(g, lacked, seen)
	}
	return all
}

// Lacking is a gang that what changed is not enough for, but for so many members at most.
type Lacking struct {
	Key   gang.Key
	Found int
}

// Looked records, after the scout was popped, which gangs what changed is not enough for, and reports whether the scout is to be planned.
// If what changed is not enough for the scout, for which it has room for so many members, its attempt ends before it began, and the first
// of those that are left is woken. It ends too if another gang goes first now: the scout was chosen while those others counted.
func (l *Ledger) Looked(scout types.UID, enough bool, found int, lacking []Lacking) (goes bool, decisions []gang.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, still := range lacking {
		if g := l.gangs[still.Key]; g != nil {
			g.StillShort(l.snapshot, still.Found)
			l.notReady(g)
		}
	}
	r := l.records[scout]
	switch {
	case r == nil || r.gang == nil:
		return enough, nil
	case enough && !l.yields(r.gang):
		return true, nil
	}
	r.gang.GiveUp(string(scout))
	if enough {
		l.offer(r.gang)
		return false, l.after(r.gang, nil)
	}
	r.gang.StillShort(l.snapshot, found)
	return false, append(l.after(r.gang, nil), l.ended()...)
}
