package ledger

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// wakeUps are which gangs are in the scheduling queue, and what may help those that are parked.
type wakeUps struct {
	// queued are the gangs whose representative was put into the queue and not popped yet, overtaken those that were popped before one
	// of these that goes first.
	queued, overtaken map[*gang.Gang]struct{}
	// changes are those of the cluster that may help gangs that are parked.
	changes changes
	// looked is when the parked gangs were last compared to the changes, scout the gang that was woken to compare them.
	looked time.Time
	scout  *gang.Gang
	// idle is the number of changes that are known to help none of the parked gangs for now.
	idle uint64
	// snapshot is the number of changes that the current scheduling cycle knows of, popped the pod that is in a cycle of its own.
	snapshot uint64
	popped   types.UID
}

func newWakeUps() wakeUps {
	return wakeUps{queued: map[*gang.Gang]struct{}{}, overtaken: map[*gang.Gang]struct{}{}, changes: newChanges()}
}

// after keeps the record of gangs right once g changed. When g leaves the queue, those that it has overtaken are tried.
func (l *Ledger) after(g *gang.Gang, decisions []gang.Decision) []gang.Decision {
	_, was := l.queued[g]
	is := g.Queued(l.clock.Now())
	switch {
	case is:
		l.queued[g] = struct{}{}
	case was:
		delete(l.queued, g)
		if !g.Overtaken() { // else the one that goes first is still to come
			decisions = append(decisions, l.resume()...)
		}
		if l.scout == g {
			l.scout = nil
			decisions = append(decisions, l.ended()...)
		}
	}
	if g.Empty() {
		delete(l.gangs, g.Key)
		delete(l.overtaken, g)
	}
	return l.follow(g, decisions)
}

// resume wakes the gangs that were overtaken.
func (l *Ledger) resume() []gang.Decision {
	now := l.clock.Now()
	var decisions []gang.Decision
	for _, g := range slices.SortedFunc(maps.Keys(l.overtaken), compare) {
		decisions = append(decisions, l.after(g, g.Resume(now))...)
	}
	clear(l.overtaken)
	return decisions
}

// first returns a gang that goes before g and is in the queue behind it, or nil. What an event wakes goes through
// the queue's backoff, where priorities do not count.
func (l *Ledger) first(g *gang.Gang) *gang.Gang {
	var first *gang.Gang
	now := l.clock.Now()
	for queued := range l.queued {
		if queued != g && queued.Queued(now) && compare(queued, g) < 0 && (first == nil || compare(queued, first) < 0) {
			first = queued
		}
	}
	return first
}
