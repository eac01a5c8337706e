package gang

import (
	"slices"
	"time"
)

const (
	// queuedTime is how long the representative is taken to be in the scheduling queue's backoff, where priorities do not count.
	queuedTime = time.Second
	// idleTime is how long a representative may be in the scheduling queue without being popped before another one is tried too.
	idleTime = 5 * time.Second
)

// Verdict is the answer to a member that asks to go on.
type Verdict int

// The verdicts.
const (
	// Refuse: the member is parked. It is the zero value: an answer that nobody gave lets nobody go on.
	Refuse Verdict = iota
	// Go: the member may go on by itself.
	Go
	// Plan: the member's gang is to be planned, and the outcome reported by Commit, Unfit or GiveUp.
	Plan
)

// cycle is the gang's way through the scheduling queue and its gang cycle. One member represents the gang in the queue.
type cycle struct {
	// representative is the member that is in the scheduling queue for all; queuedAt is when it was put there, zero once it was popped.
	representative *member
	queuedAt       time.Time
	// overtaken says that the representative was popped while a gang that goes first was still in the queue.
	overtaken bool
	// planner is the representative while the gang cycle runs, nil else; stale says that members changed since it began.
	planner *member
	stale   bool
	// attempts counts the gang cycles that made a plan; attemptsBefore are those until the gang last started.
	attempts, attemptsBefore int
}

// Enter answers a member that wants to be in the scheduling queue.
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
	case g.Alone(uid) || phase == Running:
		verdict = Go
	case phase == Ready && g.mayRepresent(m, now) && !g.isParked():
		if g.queuedAt.IsZero() { // else it was in the queue already
			g.queuedAt = now
		}
		verdict = Go
	}
	g.park(m, verdict == Refuse)
	return verdict
}

// represents says whether the member represents the gang; it does from now on if nobody else can.
func (g *Gang) represents(m *member) bool {
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(m)
	}
	return g.representative == m
}

// mayRepresent says whether the member represents the gang, and the gang may be tried.
func (g *Gang) mayRepresent(m *member, now time.Time) bool { return !g.rests(now) && g.represents(m) }

// appoint makes a member, or none, the representative.
func (c *cycle) appoint(m *member) { c.representative, c.queuedAt = m, time.Time{} }

// Refused records that a pod which is new to the gang is parked already.
func (g *Gang) Refused(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	g.park(m, true)
	return g.settle(true, now)
}

// Begin answers a member that was popped from the scheduling queue. The representative of a gang that is ready begins a gang cycle, if
// no gang that goes first is still in the queue.
func (g *Gang) Begin(uid string, first bool, now time.Time) Verdict {
	m, known := g.members[uid]
	if !known {
		return Refuse
	}
	if m.Node != "" {
		return Go
	}
	if m == g.representative {
		g.queuedAt, g.overtaken = time.Time{}, false
	}
	g.planner = nil
	verdict := Refuse
	switch phase := g.Phase(); {
	case !g.mayEnter(m):
	case phase == Running || g.Alone(uid):
		verdict = Go
	case phase == Ready && g.mayRepresent(m, now):
		if g.overtaken = !first; first {
			g.planner, g.stale, g.retryAt = m, false, time.Time{}
			g.attempts++
			verdict = Plan
		}
	}
	g.park(m, verdict == Refuse)
	return verdict
}

// Overtaken says whether the gang was refused only because one that goes first was still in the queue.
func (g *Gang) Overtaken() bool { return g.overtaken }

// Resume puts the representative of a gang that was overtaken back into the queue.
func (g *Gang) Resume(now time.Time) []Decision {
	if !g.overtaken {
		return nil
	}
	g.overtaken = false
	if g.Phase() != Ready || g.representative == nil {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// Queued says whether the gang's representative was put into the queue a moment ago and not popped yet: it may be in the queue's backoff.
func (g *Gang) Queued(now time.Time) bool {
	return !g.queuedAt.IsZero() && now.Sub(g.queuedAt) < queuedTime && g.Phase() == Ready &&
		g.representative != nil && g.representative.eligible()
}

// Hurry moves the representative of a gang that is queued to where it is popped next.
func (g *Gang) Hurry() []Decision {
	return []Decision{Activate{Members: g.refs([]*member{g.representative})}}
}

// represent makes sure that a member is in the queue for a gang that is ready and has something new to try.
func (g *Gang) represent(tryAgain bool, now time.Time) []Decision {
	if g.rests(now) || g.awaitsBind() {
		return nil
	}
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(g.oldestParked(nil))
		if g.representative == nil {
			return nil // the next member that enters becomes it
		}
		return g.activate([]*member{g.representative}, now)
	}
	if queued := !g.queuedAt.IsZero() || g.overtaken; queued || !tryAgain {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// oldestParked picks a representative: the oldest member that is parked, other than not.
func (g *Gang) oldestParked(not *member) *member {
	if g.tally.standby == 0 {
		return nil
	}
	return g.oldest(func(m *member) bool {
		return m != not && m.parked && !m.otherRun && g.mayEnter(m) && !g.Alone(m.UID)
	})
}

// Commit begins the binding of all members of a plan, for which capacity is reserved. It begins nothing, and says so, if the gang
// changed in the gang cycle so that the plan does not hold any more. Members that the plan has no node for join later.
func (g *Gang) Commit(uid string, plan Planned, now time.Time) (committed bool, decisions []Decision) {
	m, known := g.members[uid]
	if !known || g.planner != m || g.Phase() != Placing || !g.allEligible(plan.Pins) || !g.suffices(plan) {
		g.GiveUp(uid)
		return false, g.settle(true, now)
	}
	g.planner = nil
	g.park(m, true)
	for _, pin := range plan.Pins {
		planned := g.members[pin.UID]
		g.park(planned, false)
		g.update(planned, func() { planned.bindsTo, planned.reservedAt = pin.Node, now })
	}
	g.free(anySlot)
	g.hold(plan.Slots)
	decisions = g.beginBinding(plan, now)
	return true, append(decisions, g.settle(false, now)...)
}

func (g *Gang) allEligible(pins []Pin) bool {
	for _, pin := range pins {
		if m, known := g.members[pin.UID]; !known || !m.eligible() {
			return false
		}
	}
	return len(pins) > 0
}

// suffices says whether the plan has as many members as the gang needs now, in all and of each role.
func (g *Gang) suffices(plan Planned) bool {
	if len(plan.Pins)+len(plan.Slots) < g.missing() {
		return false
	}
	if g.shape() == nil {
		return true
	}
	planned := map[string]int{}
	for _, pin := range plan.Pins {
		planned[g.members[pin.UID].Spec.Role]++
	}
	for _, slot := range plan.Slots {
		planned[slot.Role]++
	}
	return !slices.ContainsFunc(g.shape().All(), func(r Role) bool {
		return planned[r.Name]+g.doneOf[r.Name]+g.tally.startedRoles[r.Name] < int(r.Min)
	})
}

// GiveUp ends a gang cycle without a finding: what the gang lacks is not there yet, or the plan does not hold any more.
func (g *Gang) GiveUp(uid string) {
	m, known := g.members[uid]
	if !known || g.planner != m {
		g.planner = nil
		return
	}
	g.planner = nil
	g.park(m, true)
	g.attempts--
}

// Unfit ends a gang cycle in which no plan was found, against a cluster of which seen changes were known. If the gang changed meanwhile,
// it is tried again at once.
func (g *Gang) Unfit(uid string, f Finding, seen uint64, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.planner != m {
		g.planner = nil
		return g.settle(true, now)
	}
	g.planner = nil
	g.park(m, true)
	why := g.explanation(KindUnplaced)
	if f.TooLarge {
		why.Kind, why.Most = KindTooLarge, f.Most
	}
	why.Fit, why.Short, why.Detail = g.tally.started+g.done+f.Fit, f.Short, f.Detail
	g.lacks(f.Shortage, seen)
	decisions := g.fail(why, now)
	if g.stale {
		decisions = append(decisions, g.settle(true, now)...)
	}
	return decisions
}

// fail parks the gang because an attempt failed.
func (g *Gang) fail(why Explanation, now time.Time) []Decision {
	g.failure, g.failedAt = &why, now
	g.failures++
	g.free(anySlot)
	g.changed = now
	return []Decision{Ended{Gang: g.Key}}
}

// Permit answers a member for which capacity is reserved on a node. Members of a plan go, since all of them have theirs; a member that
// comes alone goes if its gang runs.
func (g *Gang) Permit(uid, node string, now time.Time) Verdict {
	m, known := g.members[uid]
	switch {
	case !known || m.Terminating:
		return Refuse
	case m.bindsTo != "":
		return Go
	case g.Alone(uid) || g.Phase() == Running && !g.awaitsRestart(m) && !g.awaitsBind():
		g.update(m, func() { m.bindsTo, m.reservedAt = node, now })
		return Go
	}
	return Refuse
}

// Misfit records that a member which was alone in its scheduling cycle fits nowhere. If it was to take a slot, it is tried again without.
func (g *Gang) Misfit(uid string) []Decision {
	m, known := g.members[uid]
	if !known || m.slot == nil {
		return nil
	}
	m.misfit = true
	g.giveBack(m)
	return []Decision{Activate{Members: []Ref{g.ref(m)}}}
}

// Stays says what becomes of a member that was popped and could not be scheduled. Refuse: it is parked; Plan: it was activated meanwhile
// and is to be popped again; Go: it is on its own.
func (g *Gang) Stays(uid string) Verdict {
	m, known := g.members[uid]
	switch {
	case !known:
		return Go
	case m.parked:
		return Refuse
	case m == g.representative && !g.queuedAt.IsZero() && g.Phase() == Ready:
		return Plan
	}
	return Go
}

// mayWake says whether any member that is parked may be let on now: most changes of a gang let none on, and its members are not to be
// asked one by one for each.
func (g *Gang) mayWake(phase Phase) bool {
	switch {
	case g.tally.parked == 0:
		return false
	case phase == Unbound || g.tally.apart > 0 || len(g.tally.claims) > 1 || g.run.several():
		return true // some may start by themselves
	case g.awaitsBind() || g.tally.started > 0 && g.evicting != "":
		return false
	}
	return g.tally.standby > 0
}
