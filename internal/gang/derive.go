package gang

import (
	"cmp"
	"math"
	"time"
)

// derived caches what follows from the members. It is valid while ranked is true.
type derived struct {
	ranked                      bool
	priority                    int32
	age                         time.Time
	longest, longestReservation time.Duration
	// declared are the roles of the oldest creator that declares any, or else of the oldest member that does.
	declared *Roles
	restarts RestartPolicy
	partial  OnPartial
	// firstScheduled is when the first of the running members got its node.
	firstScheduled time.Time
	// done counts the members that succeeded, doneOf by role and doneBy by controller. They are valid while counted is true. creator
	// is the creator's role if a creator exists.
	counted        bool
	done           int
	doneOf, doneBy map[string]int
	creator        string
}

// Partial reports whether the gang runs with fewer members than it needs while others wait to join it.
func (g *Gang) Partial() bool { return g.tally.eligible > 0 && g.Short() }

// timeout is the longest timeout that a member sets, or else the longest default of the members' profiles.
func (g *Gang) timeout() time.Duration {
	g.rank()
	return g.longest
}

// placement is the placement of the oldest member that sets one, or else the default of the oldest member's profile.
func (g *Gang) placement() Placement {
	if m := g.oldestThat(firstPlacement); m != nil {
		return m.Spec.Placement
	}
	if m := g.oldestThat(firstDefaultPlacement); m != nil {
		return m.DefaultPlacement
	}
	return Pack
}

func (g *Gang) restartPolicy() RestartPolicy {
	g.rank()
	return g.restarts
}

// Priority is the highest priority of the members, so that they are adjacent in the queue.
func (g *Gang) Priority() int32 {
	g.rank()
	return g.priority
}

// Age is the creation time of the oldest member.
func (g *Gang) Age() time.Time {
	g.rank()
	return g.age
}

// ranksLike reports whether replacing a by b leaves the order of the gang's lines unchanged. It ignores that b may join or leave a
// line.
func ranksLike(a, b Member) bool {
	return a.Priority == b.Priority && a.Created.Equal(b.Created) && a.Spec == b.Spec && a.DefaultTimeout == b.DefaultTimeout &&
		a.DefaultReservationTimeout == b.DefaultReservationTimeout && a.OwnerUID == b.OwnerUID && a.Owner == b.Owner &&
		a.DefaultPlacement == b.DefaultPlacement && a.Scheduler == b.Scheduler && a.Name == b.Name && a.Foreign == b.Foreign &&
		a.Deadline == b.Deadline &&
		(a.Scheduled.IsZero() || a.Scheduled.Equal(b.Scheduled))
}

// noteAdded updates the lines for a new member.
func (g *Gang) noteAdded(m *member) {
	g.ranked = false
	g.redo(m)
	if g.lines != nil {
		g.counted = g.counted && g.countsWithout(m)
		g.lines.add(m)
	}
}

// noteRemoved updates the lines for a removed member.
func (g *Gang) noteRemoved(m *member) {
	g.ranked = false
	if g.lines != nil {
		g.lines.remove(m)
		g.counted = g.counted && g.countsWithout(m)
	}
}

// countsWithout reports whether the number of members that are done stays the same if the member comes or goes: it has no controller, or
// others have the same, and no Job was asked for successes, which count for the role of its oldest member.
func (g *Gang) countsWithout(m *member) bool {
	return m.OwnerUID == "" || g.lines.owners[m.OwnerUID] > 0 && len(g.counting.said) == 0
}

// relined discards the lines and all that is derived from them.
func (g *Gang) relined() { g.ranked, g.counted, g.lines = false, false, nil }

// noteUpdated updates the lines for a changed member.
func (g *Gang) noteUpdated(m *member, before Member) {
	g.ranked = false
	if !ranksLike(before, m.Member) {
		g.lines, g.counted = nil, false
		return
	}
	if g.lines != nil && before.Scheduled.IsZero() && firstScheduled.qualifies(m) {
		g.lines.push(firstScheduled, m)
	}
}

// rank derives the values again if members changed since it last did.
func (g *Gang) rank() {
	if g.ranked {
		return
	}
	g.lineUp()
	before := g.derived
	g.derived = derived{
		ranked: true, priority: math.MinInt32,
		counted: before.counted, done: before.done, doneOf: before.doneOf, doneBy: before.doneBy, creator: before.creator,
		longest:            cmp.Or(g.longestOf(firstTimeout), g.longestOf(firstDefaultTimeout)),
		longestReservation: cmp.Or(g.longestOf(firstReservation), g.longestOf(firstDefaultReservation)),
	}
	if m := g.oldestThat(firstPriority); m != nil {
		g.priority = m.Priority
	}
	if m := g.oldestThat(firstCreated); m != nil {
		g.age = m.Created
	}
	if m := g.oldestThat(firstScheduled); m != nil {
		g.firstScheduled = m.Scheduled
	}
	g.rankChoices()
	creates := ""
	if creator := g.declared.Creator(); creator != nil && g.tally.roles[creator.Name] > 0 {
		creates = creator.Name
	}
	if !g.counted || !g.age.Equal(before.age) || creates != before.creator {
		g.countDone()
		g.counted = true
	}
}

// longestOf is the longest duration of the kind, or 0.
func (g *Gang) longestOf(f first) time.Duration {
	if m := g.oldestThat(f); m != nil {
		return time.Duration(f.longest(m))
	}
	return 0
}

// rankChoices derives the settings for which the oldest member that sets one decides; for roles, the oldest creator.
func (g *Gang) rankChoices() {
	if m := g.oldestThat(firstRoles); m != nil {
		g.declared = m.Spec.Roles
	}
	if m := g.oldestThat(firstRestarts); m != nil {
		g.restarts = m.Spec.RestartPolicy
	}
	if m := g.oldestThat(firstPartial); m != nil {
		g.partial = m.Spec.OnPartial
	}
}
