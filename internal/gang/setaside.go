package gang

import (
	"slices"
	"time"
)

// passedBy tracks how long the gang has been passed by, and the capacity that is set aside for it meanwhile.
type passedBy struct {
	// createdBy is when the members that it needs had been created, for the gang that is complete since forSince.
	createdBy, forSince time.Time
	// unfitSince is since when it has not fitted although its queue lets it start. It counts only while failure is set.
	unfitSince time.Time
	// setAside is what is set aside for it, or nil.
	setAside *SetAsideWhy
}

// SetAside records what capacity is set aside for the gang; nil means none.
func (g *Gang) SetAside(why *SetAsideWhy, now time.Time) {
	if why == nil && g.setAside == nil || why != nil && g.setAside != nil && *why == *g.setAside {
		return
	}
	g.setAside, g.changed = why, now
}

// PassedBy returns since when a complete gang has been passed by. waits is false if it does not wait for capacity. tried says that a plan
// failed, so that the gang is known not to fit.
//
// A gang is passed by from the moment when it is complete and does not fit. A process that observed that only before the time observed was
// just starting then, and takes the creation of the members instead.
func (g *Gang) PassedBy(observed time.Time) (since time.Time, tried, waits bool) {
	if phase := g.Phase(); phase != Ready && phase != Placing || g.completeSince.IsZero() {
		return time.Time{}, false, false
	}
	if f := g.failure; f != nil && f.Kind != KindUnplaced {
		return time.Time{}, false, false
	}
	since = g.completeSince
	if g.failure != nil && g.unfitSince.After(since) {
		since = g.unfitSince
	}
	if since.Before(observed) {
		if created := g.createdAll(); created.Before(since) {
			since = created
		}
	}
	return since, g.failure != nil, true
}

// WaitsForItsQueue records that the gang waits because its queue does not let it start: it is not passed by, and the time for which it was
// begins again.
func (g *Gang) WaitsForItsQueue(now time.Time) { g.unfitSince = now }

// createdAll returns when as many members had been created as the gang needs. It visits all members once while the gang stays complete.
func (g *Gang) createdAll() time.Time {
	if g.forSince.Equal(g.completeSince) {
		return g.createdBy
	}
	var created []time.Time
	for _, m := range g.each() {
		if m.eligible() && !m.Created.IsZero() {
			created = append(created, m.Created)
		}
	}
	g.forSince, g.createdBy = g.completeSince, g.completeSince
	if len(created) > 0 {
		slices.SortFunc(created, time.Time.Compare)
		g.createdBy = created[min(g.missing(), len(created))-1]
	}
	return g.createdBy
}

// Scheduler returns the schedulerName that the members agree on.
func (g *Gang) Scheduler() string {
	claim, _ := g.tally.agreed()
	return claim.Scheduler
}
