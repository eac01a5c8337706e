package gang

import (
	"fmt"
	"maps"
)

// Looks returns the number of members visited by loops over all members since the last call.
func (g *Gang) Looks() int {
	looks := g.looks
	g.looks = 0
	return looks
}

// Derived returns the values derived from the members as text. With fresh, it discards the cached values first.
func (g *Gang) Derived(fresh bool) string {
	if fresh {
		g.ranked, g.counted, g.lines = false, false, nil
	}
	return fmt.Sprint(g.Priority(), g.Age().UTC(), g.timeout(), g.reservationTimeout(), g.restarts, g.partial, g.firstScheduled.UTC(),
		g.shape().All(), g.done, maps.Clone(g.doneOf), g.creator, g.owner(), g.placement(), g.claims(), g.lines.owners, g.contradictions(),
		g.ExpectedRuntime())
}

// Tally returns the counts of members as text. With fresh, it counts the members again.
func (g *Gang) Tally(fresh bool) string {
	t := g.tally
	if fresh {
		t = newRoster().tally
		for _, m := range g.members {
			t.count(m, 1)
		}
	}
	text := fmt.Sprintln(t.eligible, t.started, t.binding, t.gated, t.apart, t.unnamed, t.parked, t.standby, t.endless,
		t.roles, t.startedRoles, t.sharing, counted(t.claims), counted(t.startedClaims))
	for a := range aspects {
		all, started := t.shares[a], t.startedShares[a]
		text += fmt.Sprintln(all.values, counted(all.statements), started.values, counted(started.statements))
	}
	return text
}

// counted returns the counts without the ages, which remember members that are gone.
func counted[V comparable](all statements[V]) map[statement[V]][3]int {
	counts := map[statement[V]][3]int{}
	for key, made := range all {
		counts[key] = [...]int{made.members, made.eligible, made.started}
	}
	return counts
}

// State returns what a gang remembers besides its members, as text.
func (g *Gang) State() string {
	e, planner, representative := g.eviction, "", ""
	if g.planner != nil {
		planner = g.planner.UID
	}
	if g.representative != nil {
		representative = g.representative.UID
	}
	return fmt.Sprintln(g.Phase(), g.clock.IsZero(), g.since.UTC(), g.changed.UTC(), g.notifiedAt.UTC(), g.completeSince.UTC(), g.ran,
		planner, representative, g.queuedAt.UTC(), g.overtaken, g.stale, g.attempts,
		g.failure != nil, g.failedAt.UTC(), g.failures, g.retryAt.UTC(), g.starts != nil, g.unbound, g.refusedAt.UTC(), g.begunWith,
		len(g.held), g.until.UTC(), g.whole, g.shortSince.UTC(), g.evicting, g.stays, e.at.UTC(), e.asked, e.inVain, e.because, e.orphaned,
		len(g.avoided), g.counting.next.UTC(), g.counting.asked, len(g.past.gone), g.Tally(false))
}
