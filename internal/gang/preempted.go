package gang

import (
	"slices"
	"time"
)

// Split returns the running members as others may preempt them: those that the gang needs, which go together, and the surplus above
// min-available, in the order in which it is preempted: the last members first. ok is false if nothing of the gang can be preempted now,
// because members are being bound or none runs. Pods of other schedulers that name the gang do not protect it: anyone can create one.
func (g *Gang) Split() (needed, surplus []Ref, ok bool) {
	g.rank()
	var running []*member
	for _, m := range g.each() {
		switch {
		case m.Foreign || m.Terminating:
		case m.bindsTo != "":
			return nil, nil, false
		case m.Node != "":
			running = append(running, m)
		}
	}
	extra := g.extra()
	roles := map[string]int{}
	for _, r := range g.shape().All() {
		roles[r.Name] = g.tally.startedRoles[r.Name] + g.doneOf[r.Name] - int(r.Min)
	}
	refs := g.refs(running) // sorts them, the oldest first
	for i, m := range slices.Backward(running) {
		left, bounded := roles[m.Spec.Role]
		if extra <= 0 || m.otherRun || m.apart() || m.Spec.Creates || bounded && left <= 0 {
			needed = append(needed, refs[i])
			continue
		}
		extra--
		if bounded {
			roles[m.Spec.Role]--
		}
		surplus = append(surplus, refs[i])
	}
	return needed, surplus, len(running) > 0
}

// extra returns how many more members run than the gang needs. It is 0 while members disagree on how many that are.
func (g *Gang) extra() int {
	if g.Need() == 0 && g.shape() == nil {
		return 0
	}
	return g.tally.started + g.done - g.Need()
}

// Preempted records that all running members are being preempted, and for whom. Until they are gone no other member joins them, so that the
// pods which replace them start as a gang again. The caller has them end.
func (g *Gang) Preempted(by ByWhy, now time.Time) {
	if g.tally.started > 0 {
		g.evicting, g.eviction = KindPreempted, eviction{at: now, asked: 1, refused: map[string]bool{}, by: &by}
		g.changed = now
	}
}

// PreemptionEnded records that the caller has no more members end. After a while, the rest of the gang is evicted if some have ended, so
// that no part of it stays. Otherwise it goes on as if nothing had happened.
func (g *Gang) PreemptionEnded(now time.Time) {
	if g.evicting == KindPreempted && !g.eviction.orphaned {
		g.eviction.orphaned, g.eviction.at = true, now
	}
}

// endPreemption does that.
func (g *Gang) endPreemption(now time.Time) []Decision {
	if !g.eviction.orphaned || now.Sub(g.eviction.at) < g.eviction.pause() {
		return nil
	}
	if g.Short() || len(g.where(func(m *member) bool { return m.Terminating })) > 0 {
		return g.evictAgain(now)
	}
	g.evicting, g.eviction, g.changed = "", eviction{}, now
	return g.settle(true, now)
}
