package gang

import (
	"fmt"
	"time"
)

// Verdict is the answer to a member that asks to go on.
type Verdict int

// The verdicts.
const (
	// Go: the member may go on.
	Go Verdict = iota
	// Wait: the member holds its room and waits for its siblings.
	Wait
	// Refuse: the member has to stay, or go back, to the queue.
	Refuse
)

// Enter answers a member that wants into the scheduling queue's active part.
func (g *Gang) Enter(uid string, now time.Time) Verdict {
	m, known := g.members[uid]
	if !known || m.Node != "" {
		return Go
	}
	verdict := Refuse
	switch phase := g.Phase(); {
	case !g.mayEnter(m):
	case phase == Placing || phase == Running:
		verdict = Go
	case phase == Ready:
		if g.representative == nil || !g.representative.eligible() {
			g.representative = m
		}
		if g.representative == m {
			g.sinceIdle = now
			verdict = Go
		}
	}
	m.refused = verdict == Refuse
	if m.refused && g.failure != nil && g.failure.Kind == KindStalled {
		g.retryAt = now // this may be the member that did not come
	}
	return verdict
}

// Refused records that a member which is new to the gang lies in the queue because it was refused before.
func (g *Gang) Refused(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	m.refused = true
	return g.settle(true, now)
}

// Begin answers a member that was popped from the queue. The first of a gang that is ready begins an attempt, if it is
// the gang's turn: no other gang is being placed or comes first.
func (g *Gang) Begin(uid string, turn bool, now time.Time) Verdict {
	m, known := g.members[uid]
	if !known || m.Node != "" {
		return Go
	}
	if m == g.representative {
		g.sinceIdle = time.Time{}
	}
	verdict := Refuse
	switch phase := g.Phase(); {
	case !g.mayEnter(m):
	case phase == Placing || phase == Running:
		verdict = Go
	case phase == Ready:
		if g.representative == nil || !g.representative.eligible() {
			g.representative = m
		}
		if g.representative != m {
			break
		}
		if !turn {
			g.awaitsTurn = true
			break
		}
		g.attempt = &attempt{progress: now}
		g.awaitsTurn, g.retryAt = false, time.Time{}
		g.Attempts++
		verdict = Go
	}
	m.refused = verdict == Refuse
	return verdict
}

// Turn tells the gang that it may be placed now.
func (g *Gang) Turn(now time.Time) []Decision {
	if !g.awaitsTurn {
		return nil
	}
	g.awaitsTurn = false
	if g.Phase() != Ready || g.representative == nil {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// Stands says whether the gang's representative was let into the queue a moment ago and not popped yet: it may be in
// the queue's backoff, which knows no priorities.
func (g *Gang) Stands(now time.Time) bool {
	return !g.sinceIdle.IsZero() && now.Sub(g.sinceIdle) < freshTime && g.Phase() == Ready &&
		g.representative != nil && g.representative.eligible()
}

// Hurry brings the representative of a gang that stands to where it is popped next.
func (g *Gang) Hurry() []Decision {
	return []Decision{Activate{Members: g.refs([]*member{g.representative})}}
}

// AwaitsTurn says whether the gang was refused only because another gang is being placed, or comes first.
func (g *Gang) AwaitsTurn() bool { return g.awaitsTurn }

// Reserve records that a member holds room on a node.
func (g *Gang) Reserve(uid, node string, now time.Time) {
	m, known := g.members[uid]
	if !known {
		return
	}
	g.update(m, func() { m.reservedOn, m.since = node, now })
	if g.attempt != nil {
		g.attempt.progress = now
	}
}

// Unreserve records that a member's room was given back: it was rejected, or could not be bound.
func (g *Gang) Unreserve(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	wasHolding := m.holding()
	g.update(m, func() { m.reservedOn, m.released = "", false })
	g.changed = now
	if !wasHolding {
		return g.settle(true, now) // it could not be bound: its gang may have nothing left that runs
	}
	m.refused = true
	if g.attempt != nil {
		return g.fail(g.unplaced(m.Name, "its room was given back before the others had theirs"), now)
	}
	return g.settle(false, now)
}

// Permit answers a member that has room. The one that completes min-available releases all.
func (g *Gang) Permit(uid string, now time.Time) (Verdict, []Decision) {
	m, known := g.members[uid]
	if !known {
		return Go, nil
	}
	switch g.Phase() {
	case Running:
		g.update(m, func() { m.released = true })
		return Go, nil
	case Placing:
		if g.tally.holding >= g.need() {
			return Go, g.release(m, now)
		}
		return Wait, g.settle(false, now)
	case Incomplete, Disagreeing, Ready:
	}
	return Refuse, nil
}

// release lets every member that holds room start. last is not waiting in Permit but asking there.
func (g *Gang) release(last *member, now time.Time) []Decision {
	holding := g.where((*member).holding)
	waiting := make([]*member, 0, len(holding))
	for _, m := range holding {
		g.update(m, func() { m.released = true })
		if m != last {
			waiting = append(waiting, m)
		}
	}
	for _, m := range g.members {
		m.told, m.toldTimeout = "", ""
	}
	told := Explanation{
		Kind: KindReleased, Gang: g.Key, Have: len(holding), Need: g.need(), Waited: now.Sub(g.since),
	}
	g.attempt, g.failure, g.retryAt = nil, nil, time.Time{}
	var decisions []Decision
	if len(waiting) > 0 {
		decisions = append(decisions, Allow{Gang: g.Key, Members: g.refs(waiting)})
	}
	decisions = append(decisions, Tell{Members: g.refs([]*member{last}), Explanation: told})
	return append(decisions, g.settle(false, now)...)
}

// NoNodes records that the representative was popped while there was no node: the attempt ended before it began.
func (g *Gang) NoNodes(uid string, now time.Time) {
	m, known := g.members[uid]
	if !known || m != g.representative || g.Phase() != Ready {
		return
	}
	why := g.unplaced(m.Name, "the cluster has no node")
	g.sinceIdle, g.failure, g.failedAt, g.changed = time.Time{}, &why, now, now
}

// Unplaced records that a member found no node; detail says why. While the gang is being placed, that ends the attempt.
func (g *Gang) Unplaced(uid, detail string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.attempt == nil {
		return nil
	}
	m.refused = true
	return g.fail(g.unplaced(m.Name, detail), now)
}

func (g *Gang) unplaced(culprit, detail string) Explanation {
	e := g.explanation(KindUnplaced)
	e.Fit, e.Culprit, e.Detail = g.tally.holding, culprit, detail
	return e
}

// fail ends the attempt and gives back everything that it holds.
func (g *Gang) fail(why Explanation, now time.Time) []Decision {
	g.attempt, g.failure, g.failedAt = nil, &why, now
	g.Failures++
	g.changed = now
	holding := g.where((*member).holding)
	if len(holding) == 0 {
		return nil
	}
	return []Decision{Reject{Members: g.refs(holding), Because: why}}
}

// GaveBack says whether the room of a member that went away is only what its attempt held, not what it ran on, and
// since when it was held.
func (g *Gang) GaveBack(uid string) (since time.Time, gaveBack bool) {
	m, known := g.members[uid]
	if !known || m.Node != "" || m.released {
		return time.Time{}, false
	}
	return m.since, true
}

// FailedAt returns when the last attempt failed.
func (g *Gang) FailedAt() time.Time { return g.failedAt }

// Represents says whether the member stands for the whole gang, or for itself in a gang that runs or is being placed.
func (g *Gang) Represents(uid string) bool {
	m, known := g.members[uid]
	return known && (g.representative == m || g.Phase() == Running || g.Phase() == Placing)
}

// Tick answers the passing of time: timeouts, stalls, retries, and telling members what their gang lacks.
func (g *Gang) Tick(now time.Time) []Decision {
	var decisions []Decision
	if g.attempt != nil && now.Sub(g.attempt.progress) >= stallTime {
		e := g.explanation(KindStalled)
		e.Fit = g.tally.holding
		decisions = append(decisions, g.fail(e, now)...)
		g.retryAt = now.Add(stallRetry)
	}
	if g.attempt == nil && g.tally.holding > 0 {
		// A rejection that came before the pod stood in Permit was lost: say it again.
		decisions = append(decisions, Reject{Members: g.refs(g.where((*member).holding)), Because: g.explainWaiting()})
	}
	decisions = append(decisions, g.expire(now)...)
	if g.Phase() == Ready {
		decisions = append(decisions, g.nudge(now)...)
	}
	return append(decisions, g.tell(now)...)
}

// nudge tries a ready gang again whose time has come, or by another member if the representative does not get its turn.
func (g *Gang) nudge(now time.Time) []Decision {
	if !g.retryAt.IsZero() && !now.Before(g.retryAt) && g.representative != nil {
		g.retryAt = time.Time{}
		return g.activate([]*member{g.representative}, now)
	}
	if g.sinceIdle.IsZero() || now.Sub(g.sinceIdle) < idleTime {
		return nil
	}
	next := g.oldestRefused(g.representative)
	if next == nil {
		return nil
	}
	g.representative = next
	return g.activate([]*member{next}, now)
}

// expire tells the members that the gang's timeout passed, and starts the clock again. It does not cut an attempt short:
// one that places a member now and then ends soon, and one that does not stalls. A large gang may take its time.
func (g *Gang) expire(now time.Time) []Decision {
	phase := g.Phase()
	if phase == Running {
		g.clock = now
	}
	if phase == Running || g.attempt != nil {
		return nil
	}
	timeout := g.timeout()
	if timeout == 0 || now.Sub(g.clock) < timeout {
		return nil
	}
	g.clock = now
	cause := g.explainWaiting()
	timedOut := cause
	timedOut.Kind, timedOut.Cause = KindTimedOut, cause.Kind
	timedOut.Waited = max(timeout, now.Sub(g.since).Truncate(timeout))
	g.Failures++
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

// tell writes on each pending member why the gang waits: when the gang has settled and the kind of reason is new to the
// member, and now and then when only numbers changed.
func (g *Gang) tell(now time.Time) []Decision {
	settled := now.Sub(g.changed) >= settleTime || now.Sub(g.clock) >= restlessTime
	if g.changed.IsZero() || !settled {
		return nil
	}
	why := g.explainWaiting()
	if why.Kind == "" || why.Kind == KindUntried {
		g.changed = time.Time{}
		return nil
	}
	kind, numbers := why.signature(), why.numbers()
	waits := func(m *member) bool { return m.pending() && !g.joins(m) }
	news := g.where(func(m *member) bool { return waits(m) && m.told != kind })
	stale := g.where(func(m *member) bool { return waits(m) && m.told == kind && m.toldNumbers != numbers })
	var decisions []Decision
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
		m.told, m.toldNumbers = kind, numbers
		g.toldAt = now
	}
	return decisions
}

// joins: the member joins a gang that runs, so what the gang waits for is not its concern.
func (g *Gang) joins(m *member) bool { return g.tally.started > 0 && g.mayEnter(m) }

// Joins says whether the member joins a gang that runs.
func (g *Gang) Joins(uid string) bool {
	m, known := g.members[uid]
	return known && g.joins(m)
}
