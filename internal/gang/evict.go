package gang

import (
	"slices"
	"time"
)

const (
	// evictInterval is after how long members are evicted again that are still there. It doubles each time, up to evictMax.
	evictInterval = 5 * time.Second
	evictMax      = 2 * time.Minute
	// maxInVain is how many times in a row all evictions may be refused. A disruption budget may count the very pods that wait for
	// the eviction, and then it refuses until they run.
	maxInVain = 3
)

// eviction is what became of asking for the eviction of a gang's members.
type eviction struct {
	// at is when it was asked for last, asked how many times it was.
	at    time.Time
	asked int
	// refused are the members whose eviction was refused since, last is what was said the last time.
	refused map[string]bool
	last    string
	// because is why all were refused, empty if not all were. inVain counts how many times in a row that was so.
	because string
	inVain  int
}

// pause is how long to wait before it is asked for again.
func (e *eviction) pause() time.Duration {
	return min(evictInterval<<min(max(e.asked-1, 0), maxDoublings), evictMax)
}

// restart evicts what is left of a gang that is to start again as a whole, once a member came that replaces a lost one.
func (g *Gang) restart(now time.Time) []Decision {
	if g.evicting != "" {
		return g.evictAgain(now)
	}
	replaced := g.restartPolicy() == WholeGang && g.lost() && !g.stays &&
		slices.ContainsFunc(g.where((*member).eligible), g.replaces)
	switch {
	case !replaced:
		g.shortSince = time.Time{}
		return nil
	case g.shortSince.IsZero():
		g.shortSince = now
		return nil
	case now.Sub(g.shortSince) < lossTime:
		return nil
	}
	return g.evict(KindRestarted, now)
}

// evict asks for the eviction of the members that run. Until they are gone no other joins them.
func (g *Gang) evict(kind Kind, now time.Time) []Decision {
	if g.evicting == "" && !g.stays {
		g.eviction = eviction{}
	}
	g.evicting, g.eviction.at, g.eviction.refused = kind, now, map[string]bool{}
	g.eviction.asked++
	g.changed = now
	running := g.where(func(m *member) bool { return m.started() && m.Node != "" })
	if len(running) == 0 {
		return nil
	}
	return []Decision{Evict{Members: g.refs(running), Because: g.explanation(kind)}}
}

// evictAgain evicts those that are still there after a while.
func (g *Gang) evictAgain(now time.Time) []Decision {
	if now.Sub(g.eviction.at) < g.eviction.pause() {
		return nil
	}
	if g.allRefused() {
		g.eviction.inVain++
	} else {
		g.eviction.inVain, g.eviction.because = 0, ""
	}
	return g.evict(g.evicting, now)
}

// EvictionRefused records that the API refused to evict a member, and what it said, such as which disruption budget does not allow it.
func (g *Gang) EvictionRefused(uid, why string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.evicting == "" || !m.started() {
		return nil
	}
	g.eviction.refused[uid], g.eviction.last = true, why
	if !g.allRefused() {
		return nil
	}
	if g.stays || g.eviction.inVain+1 >= maxInVain { // if it stays it was so before, and others need not wait for another answer
		return g.stay(now)
	}
	g.eviction.because = g.eviction.last
	return g.tellRefused(KindEvictionRefused)
}

// allRefused says whether all members that run were to be evicted, and none could be.
func (g *Gang) allRefused() bool {
	if g.tally.started == 0 || len(g.eviction.refused) < g.tally.started {
		return false
	}
	return !slices.ContainsFunc(g.where((*member).started), func(m *member) bool { return !g.eviction.refused[m.UID] })
}

// stay ends the eviction: what runs goes on, and others join it.
func (g *Gang) stay(now time.Time) []Decision {
	decisions := g.tellRefused(KindEvictionGivenUp)
	g.evicting, g.shortSince, g.stays, g.changed = "", time.Time{}, true, now
	return append(decisions, g.settle(true, now)...)
}

// noteRestored notes that a gang whose eviction was refused has all members that it needs again: the next loss counts anew.
func (g *Gang) noteRestored() {
	if !g.stays || g.Short() {
		return
	}
	g.stays, g.eviction = false, eviction{}
	for _, m := range g.each() {
		m.toldRefused = ""
	}
}

// tellRefused tells all members that the eviction was refused, once each.
func (g *Gang) tellRefused(kind Kind) []Decision {
	why := g.explainEviction(kind)
	untold := g.where(func(m *member) bool { return !m.Foreign && !m.Terminating && m.toldRefused != kind })
	for _, m := range untold {
		m.toldRefused = kind
		if m.pending() {
			m.told, m.toldNumbers = why.signature(), why.numbers()
		}
	}
	if len(untold) == 0 {
		return nil
	}
	return []Decision{Tell{Members: g.refs(untold), Explanation: why}}
}

// explainEviction says what members wait for while others are to be evicted.
func (g *Gang) explainEviction(kind Kind) Explanation {
	e := g.explanation(kind)
	e.Cause, e.Detail, e.Attempts = g.evicting, g.eviction.last, g.eviction.asked
	if kind == KindRestarting {
		e.Detail = ""
	}
	if e.Cause == "" {
		e.Cause = KindRestarted
	}
	return e
}
