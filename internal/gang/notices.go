package gang

import (
	"fmt"
	"time"
)

const (
	// settleTime is how long a gang must stay unchanged before what it lacks is written on its members, so that a gang whose pods are just
	// being created stays silent.
	settleTime = time.Second
	// restlessTime is after how long it is written on the members of a gang that keeps changing.
	restlessTime = 5 * time.Second
	// refreshTime is how often numbers that changed are written again.
	refreshTime = 30 * time.Second
)

// notices are what was written on a gang's members.
type notices struct {
	// changed is when the gang last changed in a way that may have to be written; zero means it was.
	changed time.Time
	// toldAt is when something was last written.
	toldAt time.Time
}

// noticed is what was last written on a member.
type noticed struct {
	// told and toldNumbers are the kind and the numbers of the explanation, toldTimeout what the last warning said.
	told, toldNumbers, toldTimeout string
	// toldRefused is what was written of an eviction that was refused.
	toldRefused Kind
}

// Tick answers the passing of time: retries, times to warn after, and what is written on members.
func (g *Gang) Tick(now time.Time) []Decision {
	g.dropPast(now)
	decisions := g.follow(now)
	decisions = append(decisions, g.tendSlots(now)...)
	decisions = append(decisions, g.nextRun(now)...)
	decisions = append(decisions, g.forgetAvoided(now)...)
	decisions = append(decisions, g.restart(now)...)
	decisions = append(decisions, g.expire(now)...)
	decisions = append(decisions, g.count(now)...)
	if g.Phase() == Ready {
		decisions = append(decisions, g.nudge(now)...)
	}
	return append(decisions, g.tell(now)...)
}

// expire tells the members that the gang's timeout passed, and starts the clock again. It does not cut an attempt short:
// one that places a member now and then ends soon, and one that does not stalls. A large gang may take its time.
func (g *Gang) expire(now time.Time) []Decision {
	if g.starts != nil || g.planner != nil {
		return nil
	}
	phase := g.Phase()
	partial := phase == Running && g.Partial() && g.shortSince.IsZero() && g.evicting == ""
	if phase == Running && !partial || phase == Unbound {
		g.clock = now
		return nil
	}
	timeout := g.timeout()
	if timeout == 0 || now.Sub(g.clock) < timeout {
		return nil
	}
	g.clock = now
	cause := g.explainWaiting()
	timedOut := cause
	timedOut.Waited = max(timeout, now.Sub(g.since).Truncate(timeout))
	if partial {
		timedOut.Waited = timeout
		return g.expirePartial(timedOut, now)
	}
	timedOut.Kind, timedOut.Cause = KindTimedOut, cause.Kind
	signature := fmt.Sprintf("%s %d", cause.Kind, cause.Have)
	late := g.where(func(m *member) bool { return m.pending() && m.toldTimeout != signature })
	for _, m := range late {
		m.toldTimeout = signature
	}
	if len(late) == 0 {
		return nil
	}
	return []Decision{Tell{Members: g.refs(late), Explanation: timedOut}}
}

// expirePartial tells all members that only a part of the gang could be bound, and evicts that part if it is to be.
func (g *Gang) expirePartial(why Explanation, now time.Time) []Decision {
	if g.partial == EvictOnPartial && (!g.stays || now.Sub(g.eviction.at) >= g.eviction.pause()) {
		return g.evict(KindEvicted, now)
	}
	signature := why.signature() + why.numbers()
	untold := g.where(func(m *member) bool { return !m.Foreign && !m.Terminating && m.toldTimeout != signature })
	for _, m := range untold {
		m.toldTimeout = signature
	}
	if len(untold) == 0 {
		return nil
	}
	return []Decision{Tell{Members: g.refs(untold), Explanation: why}}
}

// tell writes on each pending member why the gang waits: when the gang has settled and the kind of reason is new to the
// member, and now and then when only numbers changed.
func (g *Gang) tell(now time.Time) []Decision {
	settled := now.Sub(g.changed) >= settleTime || now.Sub(g.clock) >= restlessTime
	if g.changed.IsZero() || !settled {
		return nil
	}
	decisions := g.tellCreators()
	why := g.explainWaiting()
	if why.Kind == "" || why.Kind == KindUntried || why.Kind == KindPartial {
		g.changed = time.Time{}
		return decisions
	}
	news, stale := g.untold(why)
	if len(news) > 0 {
		decisions = append(decisions, Tell{Members: g.refs(news), Explanation: why})
	}
	if len(stale) > 0 {
		if now.Sub(g.toldAt) < refreshTime {
			stale = nil
		} else {
			decisions = append(decisions, Tell{Members: g.refs(stale), Explanation: why, Refresh: true})
		}
	} else {
		g.changed = time.Time{}
	}
	for _, m := range append(news, stale...) {
		m.told, m.toldNumbers = why.signature(), why.numbers()
		g.toldAt = now
	}
	return decisions
}

// tellCreators tells those that start by themselves how to declare what they create.
func (g *Gang) tellCreators() []Decision {
	if g.tally.apart == 0 || g.Need() == 0 {
		return nil
	}
	creators := g.where(func(m *member) bool { return m.apart() && !m.Foreign && m.told != string(KindUndeclared) })
	if len(creators) == 0 {
		return nil
	}
	for _, m := range creators {
		m.told = string(KindUndeclared)
	}
	return []Decision{Tell{Members: g.refs(creators), Explanation: g.explanation(KindUndeclared)}}
}

// untold returns the members to which the kind of the explanation is news, and those to which only its numbers are.
func (g *Gang) untold(why Explanation) (news, stale []*member) {
	kind, numbers := why.signature(), why.numbers()
	lacksRoom := why.Kind == KindUnplaced || why.Kind == KindTooLarge
	for _, m := range g.each() {
		switch {
		case !m.pending() || m.apart() || g.joins(m):
		case lacksRoom && m.Gated: // it needs no room yet
		case m.told != kind:
			news = append(news, m)
		case m.toldNumbers != numbers:
			stale = append(stale, m)
		}
	}
	return news, stale
}

// joins: the member joins a gang that runs, so what the gang waits for is not its concern.
func (g *Gang) joins(m *member) bool {
	return g.Alone(m.UID) || g.runs() && g.mayEnter(m)
}

// Alone says whether the member starts by itself, as a pod of no gang does.
func (g *Gang) Alone(uid string) bool {
	m, known := g.members[uid]
	return known && (m.apart() || g.leftAlone(m) || g.Phase() == Unbound || g.rejoins(m))
}

// Joins says whether the member joins a gang that runs.
func (g *Gang) Joins(uid string) bool {
	m, known := g.members[uid]
	return known && g.joins(m)
}
