package gang

import "time"

// binding is the members that are being bound together, from Commit until the first of them is bound or none could be.
type binding struct {
	// starts is what is written on the first member once one is bound: the gang starts. It is nil if none are being bound, or one was.
	starts *Tell
	// unbound counts the times in a row that none of them could be bound, or that some were refused while others took their time.
	unbound int
	// refusedAt is since when members wait that could not be bound, while others are being bound.
	refusedAt time.Time
	// begunWith is the largest min-available with which the gang was started or had so many members with a node, since a member first
	// had one.
	begunWith int
}

// awaitsBind says whether members that are not bound have to wait for what becomes of the others: none of those is bound yet, and their
// volumes or devices may not become ready, or some could not be bound.
func (b *binding) awaitsBind() bool {
	return !b.refusedAt.IsZero() || b.starts != nil && b.unbound == 0
}

// beginBinding begins the binding of the members of a plan.
func (g *Gang) beginBinding(plan Planned, now time.Time) []Decision {
	first := g.members[plan.Pins[0].UID]
	starts := Explanation{
		Kind: KindReleased, Gang: g.Key, Have: len(plan.Pins), Need: g.Need(), Waited: now.Sub(g.since),
		Declared: g.Slots(), Holds: g.reservationTimeout(), Attempts: g.attempts - g.attemptsBefore,
	}
	if !g.completeSince.IsZero() {
		starts.Complete = now.Sub(g.completeSince)
	}
	var decisions []Decision
	if g.starts != nil { // the creator of the last attempt could not be bound, while others still are being bound
		decisions = []Decision{Ended{Gang: g.Key}}
	}
	g.refusedAt, g.starts = time.Time{}, &Tell{Members: []Ref{g.ref(first)}, Explanation: starts}
	g.failure, g.retryAt, g.failures = nil, time.Time{}, 0
	g.begunWith = max(g.begunWith, g.Need())
	return decisions
}

// noteBound notes that the gang starts when its first member is bound: until then the API may refuse all of them. Where a creator
// creates the others, they are nothing without it.
func (g *Gang) noteBound(bound *member, now time.Time) []Decision {
	if g.shape().Creator() != nil && !g.isCreator(bound) && !g.ran {
		return nil
	}
	starts := g.starts
	g.starts, g.unbound, g.refusedAt = nil, 0, time.Time{}
	if g.notBound() {
		g.failure = nil
	}
	if starts == nil && g.ran {
		return nil
	}
	waited := now.Sub(g.since)
	g.ran, g.waited, g.attemptsBefore, g.completeSince = true, &waited, g.attempts, time.Time{}
	for _, m := range g.each() {
		if !m.apart() {
			m.told, m.toldTimeout = "", ""
		}
	}
	if starts == nil {
		return nil // another process bound it
	}
	if first, known := g.members[starts.Members[0].UID]; !known || !first.started() {
		starts.Members = []Ref{g.ref(bound)}
	}
	return []Decision{Ended{Gang: g.Key, Started: true}, *starts}
}

// noteBegun notes that the gang has as many members with a node as it needs.
func (g *Gang) noteBegun() {
	if need := g.Need(); g.tally.started > 0 && need > g.begunWith && g.tally.started+g.done >= need {
		g.begunWith = need
	}
}

// Unreserve records that the capacity of a member was given back: it could not be bound.
func (g *Gang) Unreserve(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || m.bindsTo == "" {
		return nil // recorded already
	}
	wasRunning := g.tally.started > 0
	g.update(m, func() { m.bindsTo = "" })
	g.giveBack(m)
	g.membersChanged(wasRunning, now)
	g.noteNotBound(m, now)
	return g.settle(true, now) // its gang may have nothing left that runs
}

// noteNotBound notes that a member could not be bound. It waits for what becomes of the others: with the first that is bound it follows
// at once, and if none is, the gang is tried again as a whole.
func (g *Gang) noteNotBound(m *member, now time.Time) {
	if g.starts == nil || !m.eligible() {
		return
	}
	g.park(m, true)
	if g.refusedAt.IsZero() {
		g.refusedAt = now
	}
	if g.failure == nil {
		why := g.explanation(KindNotBound)
		why.Culprit = m.Name
		g.failure = &why
	}
}

// NotBound records why a member could not be bound, and says whether its gang waits because of that, and so notifies it.
func (g *Gang) NotBound(uid, why string) bool {
	m, known := g.members[uid]
	if !known || !m.parked || !g.notBound() {
		return false
	}
	if g.failure.Culprit == m.Name && g.failure.Detail == "" {
		g.failure.Detail = why
	}
	return true
}

// follow ends the waiting for others that take their time to be bound, such as for their volumes: meanwhile somebody else would take
// the capacity of those that wait. Those that are refused again wait longer.
func (g *Gang) follow(now time.Time) []Decision {
	if g.refusedAt.IsZero() || now.Sub(g.refusedAt) < backoff(g.unbound+1) {
		return nil
	}
	g.refusedAt = time.Time{}
	g.unbound++
	return g.settle(true, now)
}

// settleBinding ends an attempt of whose members none could be bound. What refused them may do so for long, and no event says when that
// ends, so the gang is tried again after a while.
func (g *Gang) settleBinding(now time.Time) []Decision {
	if g.starts == nil || g.tally.binding > 0 {
		return nil
	}
	g.starts, g.refusedAt = nil, time.Time{}
	if !g.notBound() {
		return []Decision{Ended{Gang: g.Key}} // they were deleted meanwhile
	}
	g.unbound++
	decisions := g.fail(*g.failure, now)
	g.retryAt = now.Add(backoff(g.unbound))
	return decisions
}

// GaveBack says whether the capacity of a member that went away is only what was reserved for it, not what it ran on, and since when it
// was reserved.
func (g *Gang) GaveBack(uid string) (since time.Time, gaveBack bool) {
	m, known := g.members[uid]
	if !known || m.Node != "" || m.bindsTo != "" {
		return time.Time{}, false
	}
	return m.reservedAt, true
}
