package gang

import (
	"fmt"
	"time"
)

const (
	// settleTime is how long a gang must stay unchanged before its reason to wait is written on its members. A gang whose pods are
	// still being created stays silent.
	settleTime = time.Second
	// restlessTime is the time after which the reason is also written for a gang that keeps changing.
	restlessTime = 5 * time.Second
	// refreshTime is the interval at which changed numbers are written again.
	refreshTime = 30 * time.Second
)

// notices tracks what was written on a gang's members.
type notices struct {
	// changed is when the gang last changed in a way that may need a notice; zero means that the notices are up to date.
	changed time.Time
	// notifiedAt is when a notice was last written.
	notifiedAt time.Time
}

// noticed is the last notice that was written on a member.
type noticed struct {
	// notified and notifiedNumbers are the signature and the numbers of the last explanation, notifiedTimeout the signature of the last
	// warning that the time passed.
	notified, notifiedNumbers, notifiedTimeout string
	// notifiedRefused is the kind of the last notice about a rejected eviction.
	notifiedRefused Kind
}

// Tick handles the passage of time: retries, timeouts, and notices. Due says when it is to be called next.
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
	return append(decisions, g.notify(now)...)
}

// expire warns the members that the gang's timeout passed, and restarts the clock. It does not interrupt an attempt: a gang cycle
// ends soon, and binding a large gang may take longer than the timeout.
func (g *Gang) expire(now time.Time) []Decision {
	if g.starts != nil || g.planner != nil {
		return nil
	}
	partial, waits := g.waitsForMembers()
	if !waits {
		g.clock = time.Time{}
		return nil
	}
	if g.clock.IsZero() {
		g.clock = now
	}
	timeout := g.timeout()
	if timeout == 0 || now.Sub(g.clock) < timeout {
		return nil
	}
	g.clock = now
	cause := g.Explain()
	timedOut := cause
	timedOut.Waited = max(timeout, now.Sub(g.since).Truncate(timeout))
	if partial {
		timedOut.Waited = timeout
		return g.expirePartial(timedOut, now)
	}
	timedOut.Kind, timedOut.Cause = KindTimedOut, cause.Kind
	signature := fmt.Sprintf("%s %d", cause.Kind, cause.Have)
	late := g.where(func(m *member) bool { return m.pending() && m.notifiedTimeout != signature })
	for _, m := range late {
		m.notifiedTimeout = signature
	}
	if len(late) == 0 {
		return nil
	}
	return []Decision{Notify{Members: g.refs(late), Explanation: timedOut}}
}

// waitsForMembers reports whether the timeout counts for the gang: it has not started, or it runs partially and the others do not fit.
func (g *Gang) waitsForMembers() (partial, waits bool) {
	switch g.Phase() { //nolint:exhaustive // in all others the gang has not started
	case Unbound:
		return false, false
	case Running:
		partial = g.Partial() && g.shortSince.IsZero() && g.evicting == ""
		return partial, partial
	}
	return false, true
}

// expirePartial warns all members that only a part of the gang could be bound, or evicts that part if OnPartial asks for it.
func (g *Gang) expirePartial(why Explanation, now time.Time) []Decision {
	if g.partial == EvictOnPartial && (!g.stays || now.Sub(g.eviction.at) >= g.eviction.pause()) {
		return g.evict(KindEvicted, now)
	}
	signature := why.signature() + why.numbers()
	unnotified := g.where(func(m *member) bool { return !m.Foreign && !m.Terminating && m.notifiedTimeout != signature })
	for _, m := range unnotified {
		m.notifiedTimeout = signature
	}
	if len(unnotified) == 0 {
		return nil
	}
	return []Decision{Notify{Members: g.refs(unnotified), Explanation: why}}
}

// tell notifies each pending member why the gang waits: when the gang has settled and the kind of reason is new to the member, and
// once per refreshTime when only numbers changed.
func (g *Gang) notify(now time.Time) []Decision {
	restless := !g.clock.IsZero() && now.Sub(g.clock) >= restlessTime
	settled := restless || now.Sub(g.changed) >= settleTime
	if g.changed.IsZero() || !settled {
		return nil
	}
	decisions := g.notifyCreators()
	why := g.Explain()
	if why.Kind == "" || why.Kind == KindUntried || why.Kind == KindPartial {
		g.changed = time.Time{}
		return decisions
	}
	news, stale := g.unnotified(why)
	if len(news) > 0 {
		decisions = append(decisions, Notify{Members: g.refs(news), Explanation: why})
	}
	if len(stale) > 0 {
		if now.Sub(g.notifiedAt) < refreshTime {
			stale = nil
		} else {
			decisions = append(decisions, Notify{Members: g.refs(stale), Explanation: why, Refresh: true})
		}
	} else {
		g.changed = time.Time{}
	}
	for _, m := range append(news, stale...) {
		m.notified, m.notifiedNumbers = why.signature(), why.numbers()
		g.notifiedAt = now
	}
	return decisions
}

// notifyCreators notifies creators that start on their own how to declare the pods that they create.
func (g *Gang) notifyCreators() []Decision {
	if g.tally.apart == 0 || g.Need() == 0 {
		return nil
	}
	creators := g.where(func(m *member) bool { return m.apart() && !m.Foreign && m.notified != string(KindUndeclared) })
	if len(creators) == 0 {
		return nil
	}
	for _, m := range creators {
		m.notified = string(KindUndeclared)
	}
	return []Decision{Notify{Members: g.refs(creators), Explanation: g.explanation(KindUndeclared)}}
}

// unnotified returns the members that have not been notified of this kind of explanation, and those that only have outdated numbers.
func (g *Gang) unnotified(why Explanation) (news, stale []*member) {
	kind, numbers := why.signature(), why.numbers()
	for _, m := range g.each() {
		switch {
		case !m.pending() || m.apart() || g.joins(m):
		case why.Kind.forCapacity() && m.Gated: // it needs no capacity yet
		case m.notified != kind:
			news = append(news, m)
		case m.notifiedNumbers != numbers:
			stale = append(stale, m)
		}
	}
	return news, stale
}

// joins: the member joins a running gang, so the gang's reason to wait does not apply to it.
func (g *Gang) joins(m *member) bool {
	return g.Alone(m.UID) || g.runs() && g.mayEnter(m)
}

// Alone reports whether the member starts on its own, like a pod without a gang.
func (g *Gang) Alone(uid string) bool {
	m, known := g.members[uid]
	return known && (m.apart() || g.leftAlone(m) || g.Phase() == Unbound || g.rejoins(m))
}

// Joins reports whether the member joins a running gang.
func (g *Gang) Joins(uid string) bool {
	m, known := g.members[uid]
	return known && g.joins(m)
}
