package ledger

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// wakeUps tracks which gangs are in the scheduling queue, and which changes may help parked gangs.
type wakeUps struct {
	// queued are the gangs whose representative is in the queue and has not been popped yet. overtaken are the gangs that were popped
	// while a queued gang that goes first was still in the queue.
	queued, overtaken map[*gang.Gang]struct{}
	// changes are the cluster changes that may help parked gangs.
	changes changes
	// looked is when the shortages of parked gangs were last compared with the changes, scout the gang that was activated to compare
	// them.
	looked time.Time
	scout  *gang.Gang
	// later is true if a look is due that was too early.
	later bool
	// idle is the number of changes that are known to help no parked gang for now, or for which all that they may help are ready for their
	// turn. idleUntil is when the first of those that wait for a while after a failure may be helped, zero if there are none.
	idle      uint64
	idleUntil time.Time
	// snapshot is the number of changes that the current scheduling cycle takes into account, snapshotFreed that of those that may have
	// freed capacity, popped the pod that is in a cycle of its own.
	snapshot, snapshotFreed uint64
	popped                  types.UID
}

func newWakeUps() wakeUps {
	return wakeUps{queued: map[*gang.Gang]struct{}{}, overtaken: map[*gang.Gang]struct{}{}, changes: newChanges()}
}

// after updates the sets of gangs after g changed. When g leaves the queue, it resumes the gangs that g made wait.
func (l *Ledger) after(g *gang.Gang, decisions []gang.Decision) []gang.Decision {
	_, was := l.queued[g]
	is := g.Queued(l.clock.Now())
	switch {
	case is:
		l.queued[g] = struct{}{}
	case was:
		delete(l.queued, g)
		if !g.Overtaken() { // otherwise the gang that goes first has not been popped yet
			decisions = append(decisions, l.resume()...)
		}
		if l.scout == g {
			l.scout = nil
			decisions = append(decisions, l.ended()...)
		}
	}
	l.stand(g)
	if g.Empty() {
		delete(l.gangs, g.Key)
		delete(l.overtaken, g)
		l.restless.drop(g)
		return l.follow(g, decisions)
	}
	l.touch(g)
	return l.follow(g, decisions)
}

// resume activates the overtaken gangs.
func (l *Ledger) resume() []gang.Decision {
	now := l.clock.Now()
	var decisions []gang.Decision
	for _, g := range slices.SortedFunc(maps.Keys(l.overtaken), compare) {
		decisions = append(decisions, l.after(g, g.Resume(now))...)
	}
	clear(l.overtaken)
	return decisions
}

// first returns the first gang that goes before g and is behind it in the queue, or nil. An activated pod may be in the queue's
// backoff, where priorities do not count.
func (l *Ledger) first(g *gang.Gang) *gang.Gang {
	if l.tree != nil {
		return nil // it is the gang's turn
	}
	var first *gang.Gang
	now := l.clock.Now()
	for queued := range l.queued {
		if queued != g && compare(queued, g) < 0 && (first == nil || compare(queued, first) < 0) && queued.Queued(now) {
			first = queued
		}
	}
	return first
}
