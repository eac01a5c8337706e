package gang

import (
	"maps"
	"time"
)

// runs distinguishes the runs of a gang whose members are created by one of them, such as Spark's driver. A creator that appears
// while members of an earlier creator still exist begins a new run: the earlier members do not count for it. The API objects
// determine the runs, so a restart of the scheduler does not change them.
type runs struct {
	// creators are the members that create others, by UID; owned is the number of members that each pod created.
	creators map[string]*member
	owned    map[string]int
	// current are the creators of the current run. Without a creator, every member counts.
	current map[string]bool
}

func newRuns() runs { return runs{creators: map[string]*member{}, owned: map[string]int{}} }

// note records that a member was added (by 1) or removed (by -1).
func (r *runs) note(m *member, by int) {
	if m.OwnedByPod {
		if r.owned[m.OwnerUID] += by; r.owned[m.OwnerUID] == 0 {
			delete(r.owned, m.OwnerUID)
		}
	}
	switch {
	case !m.Spec.Creates:
	case by > 0:
		r.creators[m.UID] = m
	default:
		delete(r.creators, m.UID)
	}
}

// excludes reports whether the member belongs to another run: it is a creator of another run, or was created by a pod that is not a
// creator of this one.
func (r *runs) excludes(m *member) bool {
	if m.Spec.Creates {
		return len(r.current) > 0 && !r.current[m.UID]
	}
	return m.OwnedByPod && r.excludesOwner(m.OwnerUID)
}

// several reports whether members of more than one run may exist.
func (r *runs) several() bool {
	if len(r.creators) > 1 {
		return true
	}
	for owner := range r.owned {
		if r.excludesOwner(owner) {
			return true
		}
	}
	return false
}

func (r *runs) excludesOwner(uid string) bool { return len(r.current) > 0 && !r.current[uid] }

// elected returns the creators of the current run. As long as there are no more of them than the gang needs, it returns all of
// them; otherwise it prefers those that have not created a pod yet. With keep, slots stay with the run for which they are held.
func (r *runs) elected(keep bool) map[string]bool {
	live, fresh, kept := map[string]bool{}, map[string]bool{}, map[string]bool{}
	need := 1
	var newest *member
	for uid, c := range r.creators {
		if c.Terminating {
			continue
		}
		live[uid] = true
		need = max(need, c.creatorsNeeded())
		if r.current[uid] {
			kept[uid] = true
		}
		if r.owned[uid] == 0 {
			fresh[uid] = true
		}
		if newest == nil || compareMembers(c, newest) > 0 {
			newest = c
		}
	}
	switch {
	case keep && len(kept) > 0:
		return kept
	case len(live) <= need || len(fresh) == len(live):
		return live
	case len(fresh) > 0:
		return fresh
	}
	return r.newest(live, newest, need)
}

// newest returns the newest creators, as many as the run needs.
func (r *runs) newest(live map[string]bool, newest *member, need int) map[string]bool {
	found := map[string]bool{newest.UID: true}
	for len(found) < need {
		var next *member
		for uid := range live {
			if c := r.creators[uid]; !found[uid] && (next == nil || compareMembers(c, next) > 0) {
				next = c
			}
		}
		found[next.UID] = true
	}
	return found
}

// creatorsNeeded is the number of creators of a run.
func (m *member) creatorsNeeded() int {
	if creator := m.Spec.Roles.Creator(); creator != nil {
		return int(creator.Min)
	}
	if m.Spec.Roles != nil {
		return m.Spec.Roles.Apart
	}
	return 1
}

// elect determines the current run, and reports whether that changed for any member.
func (g *Gang) elect() bool {
	if len(g.run.creators) == 0 && len(g.run.current) == 0 {
		return false
	}
	return g.follows(g.run.elected(g.Slots() > 0 || g.planner != nil))
}

// follows makes the run of these creators the current one, and reports whether that changed for any member.
func (g *Gang) follows(creators map[string]bool) bool {
	if maps.Equal(creators, g.run.current) {
		return false
	}
	g.run.current = creators
	changed := false
	for _, m := range g.members {
		if other := g.run.excludes(m); other != m.otherRun {
			g.giveBack(m)
			g.update(m, func() { m.otherRun = other })
			changed = true
		}
	}
	g.relined() // finished members may belong to another run, too
	return changed
}

// settleRun begins another run when its creator appeared or the last creator is gone. Members of a run whose creator still runs are
// not lost: they start on their own.
func (g *Gang) settleRun(now time.Time) []Decision {
	wasRunning := g.tally.started > 0
	if !g.elect() {
		return nil
	}
	g.membersChanged(wasRunning, now)
	return g.activate(g.where(func(m *member) bool { return m.parked && g.leftAlone(m) && g.mayEnter(m) }), now)
}

// nextRun begins a run whose creator waited until the slots of another run were taken or expired.
func (g *Gang) nextRun(now time.Time) []Decision {
	if len(g.run.creators) < 2 || maps.Equal(g.run.elected(g.Slots() > 0 || g.planner != nil), g.run.current) {
		return nil
	}
	return g.settle(true, now)
}

// leftAlone reports whether the member belongs to another run than the current one and its creator runs.
func (g *Gang) leftAlone(m *member) bool {
	if !m.otherRun || m.Spec.Creates {
		return false
	}
	creator := g.run.creators[m.OwnerUID]
	return creator != nil && !creator.Terminating && (creator.Node != "" || creator.bindsTo != "")
}

// resumes makes the run of a creator for which an earlier process held slots the current one again. Newer creators wait until those
// slots are taken.
func (g *Gang) resumes(m *member) {
	if !m.otherRun || !m.Spec.Creates || m.Node == "" || m.Terminating {
		return
	}
	for uid := range g.run.current {
		if c := g.run.creators[uid]; c != nil && c.Node != "" {
			return
		}
	}
	g.follows(map[string]bool{m.UID: true})
}
