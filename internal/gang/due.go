package gang

import "time"

// Due returns when Tick may have an effect again if nothing else changes the gang before, as it is after a Tick at now: zero if it never
// will. So whoever ticks many gangs need not tick those that only wait.
//
// Each step of Tick acts at a time that one of these names. A time that has passed is not due again: what it allowed was done at now.
func (g *Gang) Due(now time.Time) time.Time {
	var due time.Time
	for _, at := range [...]time.Time{
		g.dueNotice(now), g.dueWarning(), g.dueEviction(), g.dueAvoided(), g.dueBinding(), g.duePast(),
		g.until, g.counting.next, g.retryAt, g.dueIdle(),
	} {
		if at.After(now) && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due
}

// dueNotice is when notify writes what the gang waits for.
func (g *Gang) dueNotice(now time.Time) time.Time {
	if g.changed.IsZero() {
		return time.Time{}
	}
	at := g.changed.Add(settleTime)
	if restless := g.clock.Add(restlessTime); !g.clock.IsZero() && restless.Before(at) {
		at = restless
	}
	if !at.After(now) {
		at = g.notifiedAt.Add(refreshTime) // only the numbers are new
	}
	return at
}

// dueWarning is when expire warns that the gang waits for too long.
func (g *Gang) dueWarning() time.Time {
	if timeout := g.timeout(); timeout != 0 && !g.clock.IsZero() {
		return g.clock.Add(timeout)
	}
	return time.Time{}
}

// dueEviction is when restart evicts members, or asks again.
func (g *Gang) dueEviction() time.Time {
	switch {
	case g.evicting == KindPreempted && !g.eviction.orphaned:
		return time.Time{}
	case g.evicting != "":
		return g.eviction.at.Add(g.eviction.pause())
	case !g.shortSince.IsZero():
		return g.shortSince.Add(lossTime)
	}
	return time.Time{}
}

// dueAvoided is when forgetAvoided lets members use a node again.
func (g *Gang) dueAvoided() time.Time {
	var first time.Time
	for _, until := range g.avoided {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	return first
}

// dueBinding is when follow lets rejected members be tried again.
func (g *Gang) dueBinding() time.Time {
	if g.refusedAt.IsZero() {
		return time.Time{}
	}
	return g.refusedAt.Add(backoff(g.unbound + 1))
}

// duePast is when dropPast forgets the succeeded members of a gang that has no others.
func (g *Gang) duePast() time.Time {
	if len(g.members)+len(g.finished) > 0 || len(g.past.gone) == 0 {
		return time.Time{}
	}
	return g.past.since.Add(keepSuccesses)
}

// dueIdle is when nudge tries another representative.
func (g *Gang) dueIdle() time.Time {
	if g.queuedAt.IsZero() {
		return time.Time{}
	}
	return g.queuedAt.Add(idleTime)
}
