package gang

import (
	"cmp"
	"maps"
	"math"
	"slices"
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
	// done counts the members that succeeded, doneOf by their role.
	done   int
	doneOf map[string]int
}

// timeout is the longest that a member asks for, or else the longest default of the members' profiles.
func (g *Gang) timeout() time.Duration {
	g.rank()
	return g.longest
}

// placement is what the oldest member asks for, or else the default of its profile.
func (g *Gang) placement() Placement {
	for _, m := range g.byAge() {
		if m.Spec.Placement != "" {
			return m.Spec.Placement
		}
	}
	for _, m := range g.members {
		if m.DefaultPlacement != "" {
			return m.DefaultPlacement
		}
	}
	return Pack
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

// rank derives what follows from the members if any came, went or changed since it was last done.
func (g *Gang) rank() {
	if g.ranked {
		return
	}
	g.derived = derived{ranked: true, priority: math.MinInt32}
	var byDefault, reservationByDefault time.Duration
	chooses := false
	for _, m := range g.members {
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

// rankChoices derives what the oldest member that says anything says.
func (g *Gang) rankChoices() {
	leader := false
	for _, m := range g.byAge() {
		if m.Spec.Roles != nil && (g.declared == nil || m.Spec.Leads && !leader) {
			g.declared, leader = m.Spec.Roles, m.Spec.Leads
		}
		g.restarts = cmp.Or(g.restarts, m.Spec.RestartPolicy)
		g.partial = cmp.Or(g.partial, m.Spec.OnPartial)
	}
}

// byAge returns the members, the oldest first.
func (g *Gang) byAge() []*member {
	return slices.SortedFunc(maps.Values(g.members), compareMembers)
}

// noteScheduled keeps what rank derives right for a member that was bound, which happens often.
func (g *Gang) noteScheduled(m Member) {
	if !m.Scheduled.IsZero() && (g.firstScheduled.IsZero() || m.Scheduled.Before(g.firstScheduled)) {
		g.firstScheduled = m.Scheduled
	}
}
