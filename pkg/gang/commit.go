package gang

import "time"

// Plans says whether the member, if it is popped now, may have to plan its gang.
func (g *Gang) Plans(uid string) bool {
	m, known := g.members[uid]
	return known && g.Phase() == Ready && m.eligible() && !g.Alone(uid)
}

// Commit records that all members of a plan hold capacity, at once. It records nothing, and says so, if a member or the gang changed
// since the plan was begun: then the attempt is over. Members that the plan has no node for join later, once the gang runs.
func (g *Gang) Commit(uid string, plan Placed, now time.Time) (committed bool, decisions []Decision) {
	m, known := g.members[uid]
	if !known || g.attempt == nil || g.attempt.planner != m || !g.allEligible(plan.Pins) {
		g.GiveUp(uid)
		return false, g.settle(true, now)
	}
	g.refuse(m, true)
	for rank, pin := range plan.Pins {
		sibling := g.members[pin.UID]
		g.refuse(sibling, false)
		g.update(sibling, func() { sibling.rank, sibling.reservedOn, sibling.since = rank, pin.Node, now })
	}
	g.free(anyPlace)
	g.hold(plan.Places)
	g.attempt.planner, g.attempt.progress = nil, now
	g.EndCycle(uid, now)
	return true, g.settle(false, now)
}

func (g *Gang) allEligible(pins []Pin) bool {
	for _, pin := range pins {
		if m, known := g.members[pin.UID]; !known || !m.eligible() || m.reservedOn != "" {
			return false
		}
	}
	return true
}
