package gang

import "time"

// Verdict is the answer to a member that asks to go on.
type Verdict int

// The verdicts.
const (
	// Refuse: the member has to stay, or go back, to the queue. It is what a verdict says that nobody gave.
	Refuse Verdict = iota
	// Go: the member may go on.
	Go
	// Wait: the member holds its room and waits for its siblings.
	Wait
	// Plan: the member is to find a node for itself and its siblings, and to report by Planned or Unfit.
	Plan
)

// Enter answers a member that wants into the scheduling queue's active part.
func (g *Gang) Enter(uid string, now time.Time) Verdict {
	m, known := g.members[uid]
	if !known {
		return Refuse
	}
	if m.Node != "" {
		return Go
	}
	verdict := Refuse
	switch phase := g.Phase(); {
	case !g.mayEnter(m):
	case g.Alone(uid):
		verdict = Go
	case phase == Placing || phase == Running:
		if g.admits(m) {
			verdict = Go
		}
	case phase == Ready:
		if g.mayStand(m, now) && !g.liesStill() {
			if g.sinceIdle.IsZero() { // else it stood there already
				g.sinceIdle = now
			}
			verdict = Go
		}
	}
	g.refuse(m, verdict == Refuse)
	if m.refused && g.failure != nil && g.failure.Kind == KindStalled {
		g.retryAt = now // this may be the member that did not come
	}
	return verdict
}

// stands says whether the member represents the gang; it does from now on if nobody else can.
func (g *Gang) stands(m *member) bool {
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(m)
	}
	return g.representative == m
}

// mayStand says whether the member represents the gang, and the gang may be tried.
func (g *Gang) mayStand(m *member, now time.Time) bool { return !g.rests(now) && g.stands(m) }

// Refused records that a member which is new to the gang lies in the queue because it was refused before.
func (g *Gang) Refused(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	g.refuse(m, true)
	return g.settle(true, now)
}

// Begin answers a member that was popped from the queue. The first of a gang that is ready begins an attempt by planning it,
// if it is the gang's turn: no other gang is being placed or comes first.
func (g *Gang) Begin(uid string, turn bool, now time.Time) Verdict {
	m, known := g.members[uid]
	if !known {
		return Refuse
	}
	if m.Node != "" {
		return Go
	}
	if m == g.representative {
		g.sinceIdle = time.Time{}
	}
	m.again = false
	verdict := Refuse
	switch phase := g.Phase(); {
	case !g.mayEnter(m):
	case phase == Running || g.Alone(uid):
		verdict = Go
	case phase == Placing:
		switch {
		case m.pin != "":
			verdict = Go
		case g.attempt.planner == m || g.plannedTooFew():
			g.attempt.planner = m
			verdict = Plan
		}
	case phase == Ready && g.mayStand(m, now):
		if !turn || g.tally.holding > 0 { // what the last attempt held is still being given back
			g.awaitsTurn = true
			break
		}
		g.attempt = &attempt{progress: now, planner: m, replans: 1}
		g.awaitsTurn, g.retryAt = false, time.Time{}
		g.Attempts++
		verdict = Plan
	}
	g.refuse(m, verdict == Refuse)
	g.beginCycle(m, verdict, now)
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
	g.EndCycle(uid, now)
	if g.attempt != nil {
		g.attempt.progress = now
	}
}

// Unreserve records that a member's room was given back: it was rejected, or could not be bound.
func (g *Gang) Unreserve(uid string, seen uint64, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	if m.reservedOn == "" && !m.released {
		return nil // recorded already
	}
	wasHolding, wasRunning := m.holding(), g.tally.started > 0
	g.update(m, func() { m.reservedOn, m.released = "", false })
	g.giveBack(m)
	g.membersChanged(wasRunning, now)
	if !wasHolding { // it could not be bound: its gang may have nothing left that runs
		g.noteNotBound(m, now)
		return g.settle(true, now)
	}
	activated := m == g.representative && !g.sinceIdle.IsZero() // in vain: it was not in the queue
	g.refuse(m, true)
	if g.attempt != nil {
		g.lacks(Lack{Anything: true}, seen)
		return g.fail(g.unplaced(m.Name, "its room was given back before the others had theirs"), now)
	}
	return g.settle(activated, now)
}

// Permit answers a member that has room. The one that completes min-available releases all.
func (g *Gang) Permit(uid string, now time.Time) (Verdict, []Decision) {
	m, known := g.members[uid]
	if !known || m.Terminating {
		return Refuse, nil
	}
	switch phase := g.Phase(); {
	case m.released: // with the others
		return Go, nil
	case g.Alone(uid) || phase == Running && !g.awaitsRestart(m) && !g.awaitsBind():
		g.update(m, func() { m.released = true })
		return Go, nil
	case phase == Placing && g.allHold():
		return Go, g.release(m, now)
	case phase == Placing:
		return Wait, g.settle(false, now)
	}
	return Refuse, nil
}

// release lets every member that holds room start. last is not waiting in Permit but asking there.
func (g *Gang) release(last *member, now time.Time) []Decision {
	holding := g.where(func(m *member) bool { return m.holding() && !m.Terminating })
	waiting := make([]*member, 0, len(holding))
	for _, m := range holding {
		g.update(m, func() { m.released = true })
		if m != last {
			waiting = append(waiting, m)
		}
	}
	told := Explanation{
		Kind: KindReleased, Gang: g.Key, Have: len(holding), Need: g.Need(), Waited: now.Sub(g.since),
		Declared: g.Places(), Holds: g.reservationTimeout(), Attempts: g.Attempts - g.attemptsBefore,
	}
	if !g.completeSince.IsZero() {
		told.Complete = now.Sub(g.completeSince)
	}
	var decisions []Decision
	if g.releasing != nil { // the creator of the last attempt could not be bound, while others still are being bound
		decisions = g.ended(false)
	}
	g.refusedAt, g.releasing = time.Time{}, &Tell{Members: g.refs([]*member{last}), Explanation: told}
	g.attempt, g.failure, g.retryAt, g.stalls, g.fails = nil, nil, time.Time{}, 0, 0
	g.begunWith = max(g.begunWith, g.Need())
	if len(waiting) > 0 {
		decisions = append(decisions, Allow{Gang: g.Key, Members: g.refs(waiting)})
	}
	return append(decisions, g.settle(false, now)...)
}

func (g *Gang) unplaced(culprit, detail string) Explanation {
	e := g.explanation(KindUnplaced)
	e.Fit, e.Culprit, e.Detail = g.tally.holding, culprit, detail
	return e
}

// ended is the end of an attempt.
func (g *Gang) ended(started bool) []Decision {
	return []Decision{Ended{Gang: g.Key, Started: started}}
}

// fail ends the attempt and gives back everything that it holds.
func (g *Gang) fail(why Explanation, now time.Time) []Decision {
	g.attempt, g.failure, g.failedAt = nil, &why, now
	g.free(anyPlace)
	g.fails++
	g.changed = now
	for _, m := range g.each() {
		if m.pin != "" {
			g.update(m, func() { m.pin = "" })
		}
	}
	decisions := g.ended(false)
	if holding := g.where((*member).holding); len(holding) > 0 {
		decisions = append(decisions, Reject{Members: g.refs(holding), Because: why})
	}
	return decisions
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
