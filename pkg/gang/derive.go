package gang

import (
	"math"
	"time"
)

// derived is what follows from the members, while ranked is true.
type derived struct {
	ranked                      bool
	priority                    int32
	age                         time.Time
	longest, longestReservation time.Duration
	// declared are the roles: those of the oldest leader that declares any, or else of the oldest member.
	declared *Roles
	restarts RestartPolicy
	partial  OnPartial
	// firstScheduled is when the first of the members that run got its node.
	firstScheduled time.Time
	// done counts the members that succeeded, doneOf by their role. owners are those of the members that are there, led is the role
	// of a leader that is.
	done   int
	doneOf map[string]int
	owners map[string]bool
	led    string
}

// Members returns how many members exist and have not ended, and how many of them are pending.
func (g *Gang) Members() (all, pending int) {
	for _, m := range g.members {
		if m.pending() {
			pending++
		}
	}
	return len(g.members), pending
}

// Member returns what was last observed of a member.
func (g *Gang) Member(uid string) (Member, bool) {
	m, known := g.members[uid]
	if !known {
		return Member{}, false
	}
	return m.Member, true
}

// Waited is how long the gang has waited, or had until it started. That is not known of a gang that ran when it was first seen.
func (g *Gang) Waited(now time.Time) (waited time.Duration, known bool) {
	switch {
	case !g.ran || g.tally.started == 0:
		return now.Sub(g.since), true
	case g.waited == nil:
		return 0, false
	}
	return *g.waited, true
}

// Partial says whether the gang runs with fewer members than it needs while others wait to join it.
func (g *Gang) Partial() bool { return g.tally.eligible > 0 && g.Short() }

// timeout is the longest that a member asks for, or else the longest default of the members' profiles.
func (g *Gang) timeout() time.Duration {
	g.rank()
	return g.longest
}

// placement is what the oldest member that asks for any asks for, or else the default of the oldest whose profile has one.
func (g *Gang) placement() Placement {
	if m := g.oldest(func(m *member) bool { return m.Spec.Placement != "" }); m != nil {
		return m.Spec.Placement
	}
	if m := g.oldest(func(m *member) bool { return m.DefaultPlacement != "" }); m != nil {
		return m.DefaultPlacement
	}
	return Pack
}

// oldest returns the oldest member for which yes holds, or nil.
func (g *Gang) oldest(yes func(*member) bool) *member {
	var oldest *member
	for _, m := range g.members {
		if yes(m) && (oldest == nil || compareMembers(m, oldest) < 0) {
			oldest = m
		}
	}
	return oldest
}

func (g *Gang) restartPolicy() RestartPolicy {
	g.rank()
	return g.restarts
}

// Priority is the highest of the members', so that they stand next to each other in the queue.
func (g *Gang) Priority() int32 {
	g.rank()
	return g.priority
}

// Age is when the oldest member was created.
func (g *Gang) Age() time.Time {
	g.rank()
	return g.age
}

// ranksLike says whether what rank derives stays the same when one becomes the other.
func ranksLike(a, b Member) bool {
	return a.Priority == b.Priority && a.Created.Equal(b.Created) && a.Spec == b.Spec && a.DefaultTimeout == b.DefaultTimeout &&
		a.DefaultReservationTimeout == b.DefaultReservationTimeout && a.OwnerUID == b.OwnerUID && a.Terminating == b.Terminating
}

// rank derives what follows from the members if any came, went or changed since it was last done.
func (g *Gang) rank() {
	if g.ranked {
		return
	}
	g.derived = derived{ranked: true, priority: math.MinInt32}
	var byDefault, reservationByDefault time.Duration
	chooses := false
	for _, m := range g.members {
		if m.otherRun {
			continue
		}
		g.priority = max(g.priority, m.Priority)
		g.longest = max(g.longest, m.Spec.Timeout)
		byDefault = max(byDefault, m.DefaultTimeout)
		g.longestReservation = max(g.longestReservation, m.Spec.ReservationTimeout)
		reservationByDefault = max(reservationByDefault, m.DefaultReservationTimeout)
		if g.age.IsZero() || m.Created.Before(g.age) {
			g.age = m.Created
		}
		if m.started() {
			g.noteScheduled(m.Member)
		}
		chooses = chooses || m.Spec.Roles != nil || m.Spec.RestartPolicy != "" || m.Spec.OnPartial != ""
	}
	if g.longest == 0 {
		g.longest = byDefault
	}
	if g.longestReservation == 0 {
		g.longestReservation = reservationByDefault
	}
	if chooses {
		g.rankChoices()
	}
	g.countDone()
}

// rankChoices derives what the oldest member that says anything says, of the roles the oldest leader.
func (g *Gang) rankChoices() {
	var declares, restarts, partial *member
	older := func(m, than *member) bool { return than == nil || compareMembers(m, than) < 0 }
	for _, m := range g.members {
		if m.otherRun {
			continue
		}
		if m.Spec.Roles != nil && (declares == nil || m.Spec.Leads && !declares.Spec.Leads ||
			m.Spec.Leads == declares.Spec.Leads && older(m, declares)) {
			declares, g.declared = m, m.Spec.Roles
		}
		if m.Spec.RestartPolicy != "" && older(m, restarts) {
			restarts, g.restarts = m, m.Spec.RestartPolicy
		}
		if m.Spec.OnPartial != "" && older(m, partial) {
			partial, g.partial = m, m.Spec.OnPartial
		}
	}
}

// noteScheduled keeps what rank derives right for a member that was bound, which happens often.
func (g *Gang) noteScheduled(m Member) {
	if !m.Scheduled.IsZero() && (g.firstScheduled.IsZero() || m.Scheduled.Before(g.firstScheduled)) {
		g.firstScheduled = m.Scheduled
	}
}
