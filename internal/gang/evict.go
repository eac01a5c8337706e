package gang

import (
	"slices"
	"time"
)

const (
	// evictInterval is the time before members that still exist are evicted again. It doubles each time, up to evictMax.
	evictInterval = 5 * time.Second
	evictMax      = 2 * time.Minute
	// maxInVain is how many times in a row the API server may reject all evictions. A disruption budget may count the pods that wait
	// for the eviction as unhealthy; then it rejects until they run.
	maxInVain = 3
)

// eviction tracks the requests to evict a gang's members.
type eviction struct {
	// at is the time of the last request, asked the number of requests.
	at    time.Time
	asked int
	// refused are the members whose eviction was rejected since then, last is the last reason.
	refused map[string]bool
	last    string
	// because is why all evictions were rejected, empty if some were accepted. inVain counts how many times in a row all were
	// rejected.
	because string
	inVain  int
	// by is for whom the members are preempted, nil if they are not. orphaned is true if nobody has them end any more.
	by       *ByWhy
	orphaned bool
}

// pause is the time until the next request.
func (e *eviction) pause() time.Duration {
	return min(evictInterval<<min(max(e.asked-1, 0), maxDoublings), evictMax)
}

// restart evicts the rest of a gang whose restart policy is WholeGang, once a replacement for a lost member exists.
func (g *Gang) restart(now time.Time) []Decision {
	switch g.evicting {
	case "":
	case KindPreempted:
		return g.endPreemption(now)
	default:
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

// evict requests the eviction of the running members. Until they are gone no other member joins them.
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
	because := g.explanation(kind)
	because.By = g.eviction.by
	return []Decision{Evict{Members: g.refs(running), Because: because}}
}

// evictAgain repeats the request for members that still exist after a while.
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

// EvictionRefused records that the API server rejected the eviction of a member, and why, such as the disruption budget that does
// not allow it.
func (g *Gang) EvictionRefused(uid, why string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.evicting == "" || !m.started() {
		return nil
	}
	g.eviction.refused[uid], g.eviction.last = true, why
	if !g.allRefused() {
		return nil
	}
	if g.stays || g.eviction.inVain+1 >= maxInVain { // if g.stays, it was given up before; nobody waits for the answer
		return g.stay(now)
	}
	g.eviction.because = g.eviction.last
	return g.notifyRefused(KindEvictionRefused)
}

// allRefused reports whether the API server rejected the eviction of every running member.
func (g *Gang) allRefused() bool {
	if g.tally.started == 0 || len(g.eviction.refused) < g.tally.started {
		return false
	}
	return !slices.ContainsFunc(g.where((*member).started), func(m *member) bool { return !g.eviction.refused[m.UID] })
}

// stay gives up the eviction: the running members continue, and others join them.
func (g *Gang) stay(now time.Time) []Decision {
	decisions := g.notifyRefused(KindEvictionGivenUp)
	g.evicting, g.shortSince, g.stays, g.changed = "", time.Time{}, true, now
	return append(decisions, g.settle(true, now)...)
}

// noteRestored records that a gang whose eviction was rejected has all its members again, so the next loss starts a new eviction.
func (g *Gang) noteRestored() {
	if !g.stays || g.Short() {
		return
	}
	g.stays, g.eviction = false, eviction{}
	for _, m := range g.each() {
		m.notifiedRefused = ""
	}
}

// notifyRefused notifies each member once that the eviction was rejected.
func (g *Gang) notifyRefused(kind Kind) []Decision {
	why := g.explainEviction(kind)
	unnotified := g.where(func(m *member) bool { return !m.Foreign && !m.Terminating && m.notifiedRefused != kind })
	for _, m := range unnotified {
		m.notifiedRefused = kind
		if m.pending() {
			m.notified, m.notifiedNumbers = why.signature(), why.numbers()
		}
	}
	if len(unnotified) == 0 {
		return nil
	}
	return []Decision{Notify{Members: g.refs(unnotified), Explanation: why}}
}

// explainEviction explains what members wait for while others are to be evicted.
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
