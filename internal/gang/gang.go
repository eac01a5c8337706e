package gang

import (
	"slices"
	"time"
)

// Gang is the state machine of one gang. Each part of its state has its own file. It is not safe for concurrent use.
type Gang struct {
	Key Key
	roster
	cycle
	parked
	binding
	slots
	losses
	wait
	passedBy
	notices
	turn
}

// New returns a gang without members.
func New(key Key) *Gang {
	return &Gang{Key: key, roster: newRoster(), losses: losses{avoided: map[string]time.Time{}}}
}

// Observe records the current state of a member's pod from the API.
func (g *Gang) Observe(seen Member, now time.Time) []Decision {
	if len(g.members) == 0 {
		g.since, g.clock = now, now
	}
	m, known := g.members[seen.UID]
	if !known {
		g.add(seen, now)
		return g.settle(true, now)
	}
	if sameRoles(m.Spec.Roles, seen.Spec.Roles) {
		seen.Spec.Roles = m.Spec.Roles
	}
	if m.Member == seen {
		return nil
	}
	m.misfit = m.misfit && m.Generation == seen.Generation
	before, wasRunning, wasPending, wasOther := m.Member, g.tally.started > 0, m.Node == "", m.otherRun
	if m.Gated && !seen.Gated {
		m.ungated = now
	}
	g.run.note(m, -1)
	g.update(m, func() {
		m.Member = seen
		g.run.note(m, 1)
		m.otherRun = g.run.excludes(m)
		if m.Node != "" {
			m.bindsTo, m.parked = "", false
		}
	})
	if m.Node != "" {
		g.fill(m)
	}
	if g.noteUpdated(m, before); m.otherRun != wasOther {
		g.relined()
	}
	g.membersChanged(wasRunning, now)
	var decisions []Decision
	if wasPending && m.started() && m.Node != "" {
		decisions = g.noteBound(m, now)
	}
	return append(decisions, g.settle(true, now)...)
}

// add adds a member for a pod that was not seen before.
func (g *Gang) add(seen Member, now time.Time) {
	g.arrivals++
	m := &member{Member: seen, late: g.tally.started > 0, seen: g.arrivals}
	g.members[seen.UID] = m
	g.run.note(m, 1)
	m.otherRun = g.run.excludes(m)
	g.tally.count(m, 1)
	if m.started() {
		g.ran = true
		if !m.Placed { // an earlier process started binding the gang
			g.begunWith = max(g.begunWith, int(m.Spec.MinAvailable))
		}
	}
	g.noteCreated(m.Created)
	g.changed, g.stale = now, true
	g.noteAdded(m)
}

// Remove removes a member whose pod was deleted.
func (g *Gang) Remove(uid string, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known {
		return nil
	}
	wasRunning := g.tally.started > 0
	g.giveBack(m)
	g.tally.count(m, -1)
	delete(g.members, uid)
	g.run.note(m, -1)
	g.noteRemoved(m)
	if g.representative == m {
		g.appoint(nil)
	}
	if g.planner == m {
		g.planner = nil // the gang cycle can no longer commit
	}
	g.membersChanged(wasRunning, now)
	return g.settle(true, now)
}

// membersChanged records that members may need a new notice and that a plan in progress may be out of date. When the last running
// member is gone, the remaining members have to start as a gang again.
func (g *Gang) membersChanged(wasRunning bool, now time.Time) {
	g.changed, g.stale = now, true
	if !wasRunning || g.tally.started > 0 {
		return
	}
	g.failures, g.evicting, g.stays, g.shortSince, g.whole = 0, "", false, time.Time{}, false
	if g.ran { // otherwise it continues to wait: none of its members could be bound
		g.since, g.clock, g.failure, g.ran, g.waited, g.begunWith = now, now, nil, false, nil, 0
	}
}

// settle responds to a change: it appoints a representative and activates parked members that no longer need to wait. tryAgain is
// true if the change may help a gang whose last plan failed.
func (g *Gang) settle(tryAgain bool, now time.Time) []Decision {
	if g.clock.IsZero() { // it may have to wait from now on
		g.clock = now
	}
	decisions := append(g.settleRun(now), g.settleBinding(now)...)
	g.noteBegun()
	g.noteWhole()
	decisions = append(decisions, g.tendSlots(now)...)
	switch phase := g.Phase(); phase {
	case Ready:
		if g.completeSince.IsZero() {
			g.completeSince = g.completedAt(now)
		}
		return append(decisions, g.represent(tryAgain, now)...)
	case Running, Unbound:
		if g.mayWake(phase) {
			woken := g.where(func(m *member) bool { return m.parked && g.mayEnter(m) })
			decisions = append(decisions, g.activate(woken, now)...)
		}
	case Placing: // the gang cycle reports how it ends
	case Incomplete, Disagreeing:
		g.completeSince = time.Time{}
	}
	return decisions
}

// park records whether the member is parked.
func (g *Gang) park(m *member, parked bool) {
	if m.parked != parked {
		g.update(m, func() { m.parked = parked })
	}
	if parked && m == g.representative {
		g.queuedAt = time.Time{}
	}
}

// activate puts parked members back into the scheduling queue.
func (g *Gang) activate(members []*member, now time.Time) []Decision {
	if len(members) == 0 {
		return nil
	}
	for _, m := range members {
		g.park(m, false)
		if m == g.representative {
			g.queuedAt = now
		}
	}
	return []Decision{Activate{Members: g.refs(members)}}
}

// mayEnter reports whether a member may be in the scheduling queue.
func (g *Gang) mayEnter(m *member) bool {
	if g.Alone(m.UID) {
		return m.pending() && !m.Gated
	}
	return m.eligible() && g.tally.accepts(m) && !g.awaitsRestart(m) && !g.awaitsBind()
}

// Refs returns references to all members that have not ended, the oldest first.
func (g *Gang) Refs() []Ref { return g.refs(g.where(func(*member) bool { return true })) }

// refs returns references to the members, the oldest first.
func (g *Gang) refs(members []*member) []Ref { return g.refsBy(members, compareMembers) }

// refsBy returns references to the members in the given order.
func (g *Gang) refsBy(members []*member, compare func(a, b *member) int) []Ref {
	slices.SortFunc(members, compare)
	refs := make([]Ref, len(members))
	for i, m := range members {
		refs[i] = g.ref(m)
	}
	return refs
}

func (g *Gang) ref(m *member) Ref { return Ref{Namespace: g.Key.Namespace, Name: m.Name, UID: m.UID} }

// wait tracks how long a gang waits, or waited.
type wait struct {
	// since is when the wait began; clock is when the timeout was last started, zero if the gang does not wait.
	since, clock time.Time
	// completeSince is when the gang became complete, zero if it is not.
	completeSince time.Time
	// ran is true if a member was bound since then; waited is how long the gang had waited by then, nil if it ran when it was first
	// seen.
	ran    bool
	waited *time.Duration
}

// noteCreated lets a gang's wait begin with the creation of its first pod, even if an earlier process observed that pod. The API
// rounds times to the second, and its clock may differ from ours.
func (w *wait) noteCreated(at time.Time) {
	if latest := at.Add(time.Second); !at.IsZero() && latest.Before(w.since) {
		w.since = latest
	}
}

// CompleteSince returns when the gang became complete, for a gang that waits: when the last of the members that could start was
// created, or lost its scheduling gates. It is zero if the gang is not complete, or has started.
func (w *wait) CompleteSince() time.Time { return w.completeSince }

// completedAt is when the gang, which is complete now, became so. An earlier process may have seen that; the API rounds times to the
// second, and its clock may differ from ours. When gates were removed is known only if this process saw it. It visits every member.
func (g *Gang) completedAt(now time.Time) time.Time {
	last := g.since
	for _, m := range g.each() {
		if !m.eligible() {
			continue
		}
		if m.Created.IsZero() {
			return now
		}
		for _, at := range [...]time.Time{m.Created.Add(time.Second), m.ungated} {
			if at.After(last) {
				last = at
			}
		}
	}
	if last.After(now) {
		return now
	}
	return last
}

// roster holds the members of a gang and what is derived from them.
type roster struct {
	members map[string]*member
	// finished are the members that ended and whose pods still exist; past are the succeeded members whose pods are gone.
	finished map[string]Finished
	past     past
	counting counting
	tally    tally
	run      runs
	// arrivals counts the members ever seen, looks the members visited by loops over all members.
	arrivals, looks int
	derived
	// lines order the members by kind, nil if they have to be rebuilt.
	lines *lines
}

func newRoster() roster {
	return roster{
		members:  map[string]*member{},
		finished: map[string]Finished{},
		run:      newRuns(),
		tally: tally{
			claims: statements[Claim]{}, startedClaims: statements[Claim]{}, sharing: map[stance]int{},
			roles: map[string]int{}, startedRoles: map[string]int{},
		},
	}
}

// Empty reports whether the gang has no members left, including finished ones.
func (r *roster) Empty() bool { return len(r.members)+len(r.finished)+len(r.past.gone) == 0 }

// Size is the number of members whose pods have not ended.
func (r *roster) Size() int { return len(r.members) }

// Member returns the last observed state of a member.
func (r *roster) Member(uid string) (Member, bool) {
	m, known := r.members[uid]
	if !known {
		return Member{}, false
	}
	return m.Member, true
}

// each returns all members, for loops over every member. Do not call it for each event of a member: that makes a large gang
// quadratic.
func (r *roster) each() map[string]*member {
	r.looks += len(r.members)
	return r.members
}

// where returns the members for which yes returns true.
func (r *roster) where(yes func(*member) bool) []*member {
	var found []*member
	for _, m := range r.each() {
		if yes(m) {
			found = append(found, m)
		}
	}
	return found
}

// oldest returns the oldest member for which yes returns true, or nil. It looks at all of them.
func (r *roster) oldest(yes func(*member) bool) *member {
	var oldest *member
	for _, m := range r.each() {
		if yes(m) && (oldest == nil || compareMembers(m, oldest) < 0) {
			oldest = m
		}
	}
	return oldest
}

// update changes a member and keeps the tally consistent.
func (r *roster) update(m *member, change func()) {
	r.tally.count(m, -1)
	change()
	r.tally.count(m, 1)
}
