package gang

import (
	"slices"
	"time"
)

const (
	// queuedTime is how long the representative may be in the scheduling queue's backoff, where the queue ignores priorities.
	queuedTime = time.Second
	// idleTime is how long a representative may stay in the scheduling queue without being popped before the gang also tries another
	// one.
	idleTime = 5 * time.Second
)

// Verdict is the gang's answer to a member that asks to proceed.
type Verdict int

// The verdicts.
const (
	// Refuse: the member is parked. It is the zero value, so a missing answer lets no member proceed.
	Refuse Verdict = iota
	// Go: the member may proceed on its own.
	Go
	// Plan: the caller plans the member's gang and reports the outcome with Commit, Unfit or GiveUp.
	Plan
)

// cycle tracks the gang through the scheduling queue and its gang cycle. One member represents the gang in the queue.
type cycle struct {
	// representative is the member that is in the scheduling queue for the whole gang; queuedAt is when it was added, zero once it is
	// popped.
	representative *member
	queuedAt       time.Time
	// overtaken is true if the representative was popped while a gang that goes first was still in the queue.
	overtaken bool
	// planner is the representative while the gang cycle runs, nil otherwise; stale is true if members changed since the cycle began.
	planner *member
	stale   bool
	// attempts counts the gang cycles except those that gave up; attemptsBefore is its value when the gang last started.
	attempts, attemptsBefore int
}

// Enter decides whether a member may enter the scheduling queue.
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
		if g.queuedAt.IsZero() { // otherwise it was in the queue already
			g.queuedAt = now
		}
		verdict = Go
	}
	g.park(m, verdict == Refuse)
	return verdict
}

// represents reports whether the member represents the gang. The member becomes the representative if no other member can be.
func (g *Gang) represents(m *member) bool {
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(m)
	}
	return g.representative == m
}

// mayRepresent reports whether the member represents the gang and the gang may be tried now.
func (g *Gang) mayRepresent(m *member, now time.Time) bool { return !g.rests(now) && g.represents(m) }

// appoint makes m the representative. A nil m leaves the gang without one.
func (c *cycle) appoint(m *member) { c.representative, c.queuedAt = m, time.Time{} }

// Refused records that a pod that was just added to the gang is already parked.
func (g *Gang) Refused(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	g.park(m, true)
	return g.settle(true, now)
}

// Begin returns the verdict for a member that was popped from the scheduling queue. The representative of a ready gang begins a
// gang cycle unless a gang that goes first is still in the queue.
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
			g.planner, g.stale, g.retryAt, g.queued = m, false, time.Time{}, ""
			g.attempts++
			verdict = Plan
		}
	}
	g.park(m, verdict == Refuse)
	return verdict
}

// Overtaken reports whether the gang was refused only because a gang that goes first was still in the queue.
func (g *Gang) Overtaken() bool { return g.overtaken }

// Resume puts the representative of an overtaken gang back into the queue.
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

// Queued reports whether the gang's representative entered the queue within queuedTime and was not popped yet, so it may be in the
// queue's backoff.
func (g *Gang) Queued(now time.Time) bool {
	return !g.queuedAt.IsZero() && now.Sub(g.queuedAt) < queuedTime && g.Phase() == Ready &&
		g.representative != nil && g.representative.eligible()
}

// Hurry moves the representative of a queued gang to the active queue.
func (g *Gang) Hurry() []Decision {
	return []Decision{Activate{Members: g.refs([]*member{g.representative})}}
}

// represent makes sure that a member is in the queue for a ready gang that has something new to try.
func (g *Gang) represent(tryAgain bool, now time.Time) []Decision {
	if g.rests(now) || g.awaitsBind() {
		return nil
	}
	if g.representative == nil || !g.representative.eligible() {
		g.appoint(g.oldestParked(nil))
		if g.representative == nil {
			return nil // the next member that enters becomes the representative
		}
		return g.activate([]*member{g.representative}, now)
	}
	if queued := !g.queuedAt.IsZero() || g.overtaken; queued || !tryAgain {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// oldestParked returns the oldest parked member that can represent the gang, other than not.
func (g *Gang) oldestParked(not *member) *member {
	if g.tally.standby == 0 {
		return nil
	}
	return g.oldest(func(m *member) bool {
		return m != not && m.parked && !m.otherRun && g.mayEnter(m) && !g.Alone(m.UID)
	})
}

// Commit starts binding all members of a plan, after their capacity was reserved. It starts nothing and returns false if the gang
// changed during the gang cycle and the plan no longer holds. Members without a node in the plan join later.
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

// suffices reports whether the plan has enough members for what the gang needs now, in total and of each role.
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

// GiveUp ends a gang cycle without a finding: something that the plan depends on does not exist yet, or the plan no longer holds.
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

// Unfit ends a gang cycle that found no plan. seen is the number of cluster changes that the plan took into account. If the gang
// changed in the meantime, it retries at once.
func (g *Gang) Unfit(uid string, f Finding, seen uint64, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.planner != m {
		g.planner = nil
		return g.settle(true, now)
	}
	g.planner = nil
	g.park(m, true)
	g.lacks(f.Shortage, seen)
	decisions := g.fail(g.unplaced(f), now)
	if g.stale {
		decisions = append(decisions, g.settle(true, now)...)
	}
	return decisions
}

// fail parks the gang after a failed attempt.
func (g *Gang) fail(why Explanation, now time.Time) []Decision {
	if g.failure == nil {
		g.unfitSince = now
	}
	g.failure, g.failedAt = &why, now
	g.failures++
	g.free(anySlot)
	g.changed = now
	return []Decision{Ended{Gang: g.Key}}
}

// Permit decides whether a member that has reserved capacity on a node may be bound. Members of a plan proceed, because capacity is
// reserved for all of them. A single member proceeds if its gang runs.
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

// Misfit records that a member fits on no node in its own scheduling cycle. If it was about to take a slot, it retries without the
// slot.
func (g *Gang) Misfit(uid string) []Decision {
	m, known := g.members[uid]
	if !known || m.slot == nil {
		return nil
	}
	m.misfit = true
	g.giveBack(m)
	return []Decision{Activate{Members: []Ref{g.ref(m)}}}
}

// Stays returns what happens to a popped member that could not be scheduled. Refuse: it is parked; Plan: it was activated in the
// meantime and must be popped again; Go: the scheduler's own queue handles it.
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

// mayWake reports whether any parked member may proceed now. Most changes of a gang let none proceed, and checking every member at
// each change would be slow.
func (g *Gang) mayWake(phase Phase) bool {
	switch {
	case g.tally.parked == 0:
		return false
	case phase == Unbound || g.tally.apart > 0 || g.tally.differ() || g.run.several():
		return true // some may start on their own
	case g.awaitsBind() || g.tally.started > 0 && g.evicting != "":
		return false
	}
	return g.tally.standby > 0
}
