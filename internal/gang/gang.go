package gang

import (
	"slices"
	"time"
)

// Gang is the state machine of one gang. Its state is in parts, each in a file of its own. It is not safe for concurrent use.
type Gang struct {
	Key Key
	roster
	cycle
	parked
	binding
	slots
	losses
	wait
	notices
}

// New returns a gang without members.
func New(key Key) *Gang {
	return &Gang{Key: key, roster: newRoster(), losses: losses{avoided: map[string]time.Time{}}}
}

// Observe records what the API says about a member.
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

// add makes a pod that was never seen a member.
func (g *Gang) add(seen Member, now time.Time) {
	g.arrivals++
	m := &member{Member: seen, late: g.tally.started > 0, seen: g.arrivals}
	g.members[seen.UID] = m
	g.run.note(m, 1)
	m.otherRun = g.run.excludes(m)
	g.tally.count(m, 1)
	if m.started() {
		g.ran = true
		if !m.Placed { // an earlier process began to bind the gang
			g.begunWith = max(g.begunWith, int(m.Spec.MinAvailable))
		}
	}
	g.noteCreated(m.Created)
	g.changed, g.stale = now, true
	g.noteAdded(m)
}

// Remove forgets a member whose pod is gone.
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
		g.planner = nil // its gang cycle comes to nothing
	}
	g.membersChanged(wasRunning, now)
	return g.settle(true, now)
}

// membersChanged notes that members may have to be notified, and a plan that is being made may be out of date. If the last member that
// ran is gone, those that are left start anew.
func (g *Gang) membersChanged(wasRunning bool, now time.Time) {
	g.changed, g.stale = now, true
	if !wasRunning || g.tally.started > 0 {
		return
	}
	g.failures, g.evicting, g.stays, g.shortSince, g.whole = 0, "", false, time.Time{}, false
	if g.ran { // else it goes on waiting: none of its members could be bound
		g.since, g.clock, g.failure, g.ran, g.waited, g.begunWith = now, now, nil, false, nil, 0
	}
}

// settle answers a change: it appoints a representative, and wakes the members that are parked and need not be any more. tryAgain says
// that the change may help a gang whose last plan failed.
func (g *Gang) settle(tryAgain bool, now time.Time) []Decision {
	decisions := append(g.settleRun(now), g.settleBinding(now)...)
	g.noteBegun()
	g.noteWhole()
	decisions = append(decisions, g.tendSlots(now)...)
	switch phase := g.Phase(); phase {
	case Ready:
		if g.completeSince.IsZero() {
			g.completeSince = now
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

// activate puts members that are parked back into the scheduling queue.
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

// mayEnter says whether a member may be in the scheduling queue for itself.
func (g *Gang) mayEnter(m *member) bool {
	if g.Alone(m.UID) {
		return m.pending() && !m.Gated
	}
	claim, agreed := g.tally.agreed()
	return agreed && m.eligible() && (m.claim() == claim || m.silent()) && !g.awaitsRestart(m) && !g.awaitsBind()
}

// refs names members, the oldest first.
func (g *Gang) refs(members []*member) []Ref {
	slices.SortFunc(members, compareMembers)
	refs := make([]Ref, len(members))
	for i, m := range members {
		refs[i] = g.ref(m)
	}
	return refs
}

func (g *Gang) ref(m *member) Ref { return Ref{Namespace: g.Key.Namespace, Name: m.Name, UID: m.UID} }

// wait is how long a gang waits, and has waited.
type wait struct {
	// since is when the wait began; clock is when the time to warn after was last started.
	since, clock time.Time
	// completeSince is since when enough members exist, zero if they do not.
	completeSince time.Time
	// ran says that a member was bound since; waited is how long the gang had waited then, nil if it ran when it was first seen.
	ran    bool
	waited *time.Duration
}

// noteCreated makes a gang's wait begin with its first pod, also if an earlier process saw that. The API rounds times to the second,
// and its clock may be another.
func (w *wait) noteCreated(at time.Time) {
	if latest := at.Add(time.Second); !at.IsZero() && latest.Before(w.since) {
		w.since = latest
	}
}

// roster is who belongs to a gang, and what follows from that.
type roster struct {
	members map[string]*member
	// finished are the members that ended and whose pods still exist; past those that succeeded and whose pods are gone.
	finished map[string]Finished
	past     past
	counting counting
	tally    tally
	run      runs
	// arrivals counts the members that were ever seen, looks those that were looked at one after the other.
	arrivals, looks int
	derived
	// lines say which member comes first, nil if that is not known.
	lines *lines
}

func newRoster() roster {
	return roster{
		members:  map[string]*member{},
		finished: map[string]Finished{},
		run:      newRuns(),
		tally: tally{
			claims: claims{}, startedClaims: claims{}, roles: map[string]int{}, startedRoles: map[string]int{},
		},
	}
}

// Empty says whether nothing of the gang is left.
func (r *roster) Empty() bool { return len(r.members)+len(r.finished)+len(r.past.gone) == 0 }

// Size is how many members there are whose pods have not ended.
func (r *roster) Size() int { return len(r.members) }

// Member returns what was last observed of a member.
func (r *roster) Member(uid string) (Member, bool) {
	m, known := r.members[uid]
	if !known {
		return Member{}, false
	}
	return m.Member, true
}

// each returns all members, for what has to look at one after the other. That must not be done for each event of a member.
func (r *roster) each() map[string]*member {
	r.looks += len(r.members)
	return r.members
}

// where returns the members for which yes holds.
func (r *roster) where(yes func(*member) bool) []*member {
	var found []*member
	for _, m := range r.each() {
		if yes(m) {
			found = append(found, m)
		}
	}
	return found
}

// oldest returns the oldest member for which yes holds, or nil. It looks at all of them.
func (r *roster) oldest(yes func(*member) bool) *member {
	var oldest *member
	for _, m := range r.each() {
		if yes(m) && (oldest == nil || compareMembers(m, oldest) < 0) {
			oldest = m
		}
	}
	return oldest
}

// update changes a member and keeps the tally right.
func (r *roster) update(m *member, change func()) {
	r.tally.count(m, -1)
	change()
	r.tally.count(m, 1)
}
