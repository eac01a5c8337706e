package gang

import "time"

// noteBound tells that the gang starts when its first member is bound: until then the API may refuse all of them. Where a leader
// creates the others, they are nothing without it.
func (g *Gang) noteBound(bound *member, now time.Time) []Decision {
	if g.shape().Leader() != nil && !g.isLeader(bound) && !g.ran {
		return nil
	}
	told := g.releasing
	g.releasing, g.unbound, g.refusedAt = nil, 0, time.Time{}
	if g.notBound() {
		g.failure = nil
	}
	if told == nil && g.ran {
		return nil
	}
	waited := now.Sub(g.since)
	g.ran, g.waited, g.attemptsBefore, g.completeSince = true, &waited, g.Attempts, time.Time{}
	for _, m := range g.each() {
		if !m.apart() {
			m.told, m.toldTimeout = "", ""
		}
	}
	if told == nil {
		return nil // another process let it go
	}
	if last, known := g.members[told.Members[0].UID]; !known || !last.started() {
		told.Members = g.refs([]*member{bound})
	}
	return append(g.ended(true), *told)
}

// noteNotBound notes that a member could not be bound that was let go. It waits for what becomes of the others: with the first that
// is bound it follows at once, and if none is, the gang is tried again as a whole.
func (g *Gang) noteNotBound(m *member, now time.Time) {
	if g.releasing == nil || !m.eligible() {
		return
	}
	g.refuse(m, true)
	if g.refusedAt.IsZero() {
		g.refusedAt = now
	}
	if g.failure == nil {
		why := g.explanation(KindNotBound)
		why.Culprit = m.Name
		g.failure = &why
	}
}

// awaitsBind says whether members that are not bound have to wait for what becomes of the others: none of those that were let go is
// bound yet, and their volumes or devices may not be to be had, or some could not be bound.
func (g *Gang) awaitsBind() bool {
	return !g.refusedAt.IsZero() || g.releasing != nil && g.unbound == 0
}

// notBound says whether the gang waits because members could not be bound.
func (g *Gang) notBound() bool { return g.failure != nil && g.failure.Kind == KindNotBound }

// follow ends the waiting for others that take their time to be bound, such as for their volumes: meanwhile somebody else would take
// the room of those that wait. Those that are refused again wait longer.
func (g *Gang) follow(now time.Time) []Decision {
	if g.refusedAt.IsZero() || now.Sub(g.refusedAt) < backoff(g.unbound+1) {
		return nil
	}
	g.refusedAt = time.Time{}
	g.unbound++
	return g.settle(true, now)
}

// settleRelease ends an attempt of whose members none could be bound. What refused them may do so for long, and nothing tells of its
// end, so the gang is tried again after a while.
func (g *Gang) settleRelease(now time.Time) []Decision {
	if g.releasing == nil || g.tally.binding > 0 {
		return nil
	}
	g.releasing, g.refusedAt = nil, time.Time{}
	if !g.notBound() {
		return g.ended(false) // they were deleted meanwhile
	}
	g.unbound++
	decisions := g.fail(*g.failure, now)
	g.retryAt = now.Add(backoff(g.unbound))
	return decisions
}

// rests says whether the gang waits because it could not be bound a moment ago.
func (g *Gang) rests(now time.Time) bool {
	return g.notBound() && now.Before(g.retryAt)
}

// NotBound records why a member could not be bound, and says whether its gang waits because of that, and so tells it.
func (g *Gang) NotBound(uid, why string) bool {
	m, known := g.members[uid]
	if !known || !m.refused || !g.notBound() {
		return false
	}
	if g.failure.Culprit == m.Name && g.failure.Detail == "" {
		g.failure.Detail = why
	}
	return true
}
