package gang

import (
	"cmp"
	"math"
	"time"
)

// derived is what follows from the members, while ranked is true.
type derived struct {
	ranked                      bool
	priority                    int32
	age                         time.Time
	longest, longestReservation time.Duration
	// declared are the roles: those of the oldest creator that declares any, or else of the oldest member.
	declared *Roles
	restarts RestartPolicy
	partial  OnPartial
	// firstScheduled is when the first of the members that run got its node.
	firstScheduled time.Time
	// done counts the members that succeeded, doneOf by their role and doneBy by their controller, while counted is true. creator
	// is the role of a creator that is there.
	counted        bool
	done           int
	doneOf, doneBy map[string]int
	creator        string
}

// Partial says whether the gang runs with fewer members than it needs while others wait to join it.
func (g *Gang) Partial() bool { return g.tally.eligible > 0 && g.Short() }

// timeout is the longest that a member asks for, or else the longest default of the members' profiles.
func (g *Gang) timeout() time.Duration {
	g.rank()
	return g.longest
}

// placement is what the oldest member asks for that asks for any, or else the default of the oldest's profile.
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

// ranksLike says whether who comes first in the gang's lines stays the same when one becomes the other, but for a member that comes
// into one or is of the kind no more.
func ranksLike(a, b Member) bool {
	return a.Priority == b.Priority && a.Created.Equal(b.Created) && a.Spec == b.Spec && a.DefaultTimeout == b.DefaultTimeout &&
		a.DefaultReservationTimeout == b.DefaultReservationTimeout && a.OwnerUID == b.OwnerUID && a.Owner == b.Owner &&
		a.DefaultPlacement == b.DefaultPlacement && a.Scheduler == b.Scheduler && a.Name == b.Name && a.Foreign == b.Foreign &&
		(a.Scheduled.IsZero() || a.Scheduled.Equal(b.Scheduled))
}

// noteAdded keeps who comes first right when a member came.
func (g *Gang) noteAdded(m *member) {
	g.ranked = false
	g.redo(m)
	if g.lines != nil {
		g.counted = g.counted && (m.OwnerUID == "" || g.lines.owners[m.OwnerUID] > 0)
		g.lines.add(m)
	}
}

// noteRemoved keeps who comes first right when a member is gone.
func (g *Gang) noteRemoved(m *member) {
	g.ranked = false
	if g.lines != nil {
		g.lines.remove(m)
		g.counted = g.counted && (m.OwnerUID == "" || g.lines.owners[m.OwnerUID] > 0)
	}
}

// relined makes the lines of members, and all that follows from them, be found out once more.
func (g *Gang) relined() { g.ranked, g.counted, g.lines = false, false, nil }

// noteUpdated keeps who comes first right when a member changed.
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

// rank derives what follows from the members if any came, went or changed since it was last done.
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

// longestOf is the longest time of the kind, or 0.
func (g *Gang) longestOf(f first) time.Duration {
	if m := g.oldestThat(f); m != nil {
		return time.Duration(f.longest(m))
	}
	return 0
}

// rankChoices derives what the oldest member that says anything says, of the roles the oldest creator.
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
