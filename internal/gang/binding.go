package gang

import "time"

// binding is the state of the members that are being bound together, from Commit until the first of them is bound or all of them
// have failed.
type binding struct {
	// starts is the message to write on the first member once one is bound: the gang starts. It is nil when no members are being bound
	// or one is bound already.
	starts *Notify
	// unbound counts the attempts in a row in which no member could be bound, or in which some were rejected while others were still
	// in progress.
	unbound int
	// refusedAt is when a member was first rejected while others were still being bound. It is zero if none was.
	refusedAt time.Time
	// begunWith is the largest min-available that the gang has reached since its first member got a node: it was started with, or had,
	// that many members with a node.
	begunWith int
}

// awaitsBind reports whether unbound members must wait for the outcome of the members that are being bound: none of those is bound
// yet and their volumes or devices may fail to become ready, or some were rejected.
func (b *binding) awaitsBind() bool {
	return !b.refusedAt.IsZero() || b.starts != nil && b.unbound == 0
}

// beginBinding starts binding the members of a plan.
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
	if g.starts != nil { // the last attempt's creator could not be bound, while others are still being bound
		decisions = []Decision{Ended{Gang: g.Key}}
	}
	g.refusedAt, g.starts = time.Time{}, &Notify{Members: []Ref{g.ref(first)}, Explanation: starts}
	g.failure, g.retryAt, g.failures = nil, time.Time{}, 0
	g.begunWith = max(g.begunWith, g.Need())
	return decisions
}

// noteBound records that a member was bound. The gang starts when its first member is bound: until then the API server may reject
// all of them. If a creator creates the others, the gang starts only with the creator.
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
			m.notified, m.notifiedTimeout = "", ""
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

// noteBegun records that as many members have a node as the gang needs.
func (g *Gang) noteBegun() {
	if need := g.Need(); g.tally.started > 0 && need > g.begunWith && g.tally.started+g.done >= need {
		g.begunWith = need
	}
}

// Unreserve records that a member could not be bound and that its reserved capacity was released.
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
	return g.settle(true, now) // it may have been the last running member
}

// noteNotBound records that a member could not be bound. It waits for the outcome of the others: when one of them is bound, it is
// retried at once; when none is, the whole gang is retried.
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

// NotBound records why a member could not be bound. It reports whether the gang waits for that reason, in which case the gang
// notifies the member.
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

// follow lets rejected members retry while others are still in progress, for example because their volumes are being provisioned:
// otherwise another pod might take the capacity. The wait grows with each rejection.
func (g *Gang) follow(now time.Time) []Decision {
	if g.refusedAt.IsZero() || now.Sub(g.refusedAt) < backoff(g.unbound+1) {
		return nil
	}
	g.refusedAt = time.Time{}
	g.unbound++
	return g.settle(true, now)
}

// settleBinding ends an attempt in which no member could be bound. The cause may persist and no event reports its end, so the gang
// retries after a backoff.
func (g *Gang) settleBinding(now time.Time) []Decision {
	if g.starts == nil || g.tally.binding > 0 {
		return nil
	}
	g.starts, g.refusedAt = nil, time.Time{}
	if !g.notBound() {
		return []Decision{Ended{Gang: g.Key}} // the members were deleted in the meantime
	}
	g.unbound++
	decisions := g.fail(*g.failure, now)
	g.retryAt = now.Add(backoff(g.unbound))
	return decisions
}

// GaveBack reports whether the capacity that a removed member released was only reserved for it, not in use, and since when it was
// reserved.
func (g *Gang) GaveBack(uid string) (since time.Time, gaveBack bool) {
	m, known := g.members[uid]
	if !known || m.Node != "" || m.bindsTo != "" {
		return time.Time{}, false
	}
	return m.reservedAt, true
}
