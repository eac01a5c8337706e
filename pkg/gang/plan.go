package gang

import (
	"slices"
	"time"
)

// Task is what a plan is made for.
type Task struct {
	Gang Key
	// Members are to be placed: those that hold no room yet. Need is how many of them must be, and of the declared members that
	// do not exist yet; Of is what the whole gang needs.
	Members   []Ref
	Need, Of  int
	Placement Placement
	// Roles are what is asked of each role; MemberRoles are the roles of Members, if Roles has any.
	Roles       []RoleTask
	MemberRoles []string
	// Avoid are nodes that rejected a member a moment ago.
	Avoid []string
}

// RoleTask is what a plan has to place of a role: Must members at least, Declared of which do not exist yet.
type RoleTask struct {
	Role
	Must, Declared int
}

// DeclaredMembers is how many of the members do not exist yet.
func (t Task) DeclaredMembers() int {
	n := 0
	for _, r := range t.Roles {
		n += r.Declared
	}
	return n
}

// Task returns what the member that has to plan is to plan. The member itself comes first.
func (g *Gang) Task(uid string, now time.Time) Task {
	members := g.refs(g.where(func(m *member) bool { return g.mayEnter(m) && !m.otherRun && !g.rejoins(m) && !m.holding() }))
	if i := slices.IndexFunc(members, func(r Ref) bool { return r.UID == uid }); i > 0 {
		asked := members[i]
		copy(members[1:i+1], members[:i])
		members[0] = asked
	}
	t := Task{
		Gang: g.Key, Members: members, Placement: g.placement(), Avoid: g.Avoided(now),
		Need: g.missing() - g.tally.holding + g.tally.leaving, Of: g.missing(),
	}
	if g.shape() != nil {
		g.addRoles(&t)
	}
	return t
}

// addRoles adds what the plan has to place of each role.
func (g *Gang) addRoles(t *Task) {
	exist := map[string]int{}
	for _, ref := range t.Members {
		role := g.members[ref.UID].Spec.Role
		t.MemberRoles = append(t.MemberRoles, role)
		exist[role]++
	}
	leads := g.shape().Leader() != nil
	for _, role := range g.shape().All() {
		r := RoleTask{Role: role}
		holding := g.tally.planned[role.Name] - g.pinned(role.Name)
		r.Must = max(0, int(role.Min)-g.doneOf[role.Name]-g.tally.startedRoles[role.Name]-holding)
		if leads && !role.Leads {
			r.Declared = max(0, r.Must-exist[role.Name])
		}
		t.Roles = append(t.Roles, r)
	}
}

// pinned counts the members of a role that a plan has a node for and that hold no room.
func (g *Gang) pinned(role string) int {
	return len(g.where(func(m *member) bool { return m.Spec.Role == role && m.pin != "" && m.eligible() && !m.holding() }))
}

// Pin returns the node that the plan has for the member, or "".
func (g *Gang) Pin(uid string) string {
	if m, known := g.members[uid]; known {
		return m.pin
	}
	return ""
}

// Placed is a plan: a node for each of its members, in the order in which they are to be popped.
type Placed struct {
	Pins []Pin
	// Places are the nodes of declared members.
	Places []Place
	// Ordered says that a member fits only beside those before it.
	Ordered bool
	// Late says that the plan could not know everything (volumes, claims): each member that meets something else may plan the
	// rest again.
	Late bool
}

// Pin is the node that a plan has for a member.
type Pin struct{ UID, Node string }

// Planned records the plan that a member made. Members without a node join later, once the gang runs.
func (g *Gang) Planned(uid string, plan Placed, now time.Time) (Verdict, []Decision) {
	m, known := g.members[uid]
	if !known || g.attempt == nil {
		return Refuse, nil
	}
	pins := make(map[string]int, len(plan.Pins))
	for rank, pin := range plan.Pins {
		pins[pin.UID] = rank
	}
	for _, sibling := range g.each() {
		if sibling.holding() {
			continue
		}
		rank, planned := pins[sibling.UID]
		node := ""
		if planned {
			node = plan.Pins[rank].Node
		}
		if sibling.rank = rank; sibling.pin != node {
			g.update(sibling, func() { sibling.pin = node })
		}
	}
	g.free(anyPlace)
	g.hold(plan.Places)
	if plan.Late && g.attempt.replans == 1 && g.tally.holding == 0 {
		g.attempt.replans = len(plan.Pins)
	}
	g.attempt.planner, g.attempt.progress, g.attempt.cycleSince = nil, now, now
	verdict := Go
	if m.pin == "" || plan.Ordered && m.rank > 0 {
		verdict, m.again = Refuse, m.pin != ""
		g.EndCycle(uid, now)
	}
	g.refuse(m, verdict == Refuse)
	return verdict, g.settle(false, now)
}

// Rank is the member's place in the plan.
func (g *Gang) Rank(uid string) int {
	if m, known := g.members[uid]; known {
		return m.rank
	}
	return 0
}

// NoNodes records that the representative was popped while there was no node: the attempt ended before it began.
func (g *Gang) NoNodes(uid string, seen uint64, now time.Time) {
	m, known := g.members[uid]
	if !known || m != g.representative || g.Phase() != Ready {
		return
	}
	why := g.unplaced(m.Name, "the cluster has no node")
	g.refuse(m, true)
	g.sinceIdle, g.failure, g.failedAt, g.changed = time.Time{}, &why, now, now
	g.lacks(Lack{Missing: g.Need()}, seen)
}

// Finding is why a plan failed.
type Finding struct {
	// Fit is how many members of the task have a place.
	Fit int
	// Short is what the others lack, if it is one resource; Detail counts the reasons of the nodes.
	Short  *Shortfall
	Detail string
	// TooLarge says that the cluster could not hold the gang if it were empty; Most is how many members it then could.
	TooLarge bool
	Most     int
	Lack     Lack
}

// Lack is what was missing when a plan failed, to tell which changes of the cluster are worth another one.
type Lack struct {
	// Missing is how many more members need a place, at least.
	Missing int
	// Takes is the least that any member takes which may be missing.
	Takes []Amount
	// Like is one of those without a place, if all are alike.
	Like *Ref
	// Anything says that more than room on single nodes was missing: any change may help.
	Anything bool
}

// Amount is an amount of a resource: millicores of cpu, else units.
type Amount struct {
	Resource string
	Quantity int64
}

// Unfit records that no plan was found, against a cluster of which seen changes were known. It ends the attempt.
func (g *Gang) Unfit(uid string, f Finding, seen uint64, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || g.attempt == nil {
		return nil
	}
	g.refuse(m, true)
	why := g.explanation(KindUnplaced)
	if f.TooLarge {
		why.Kind, why.Most = KindTooLarge, f.Most
	}
	why.Fit, why.Short, why.Detail = g.tally.started+g.done+g.tally.holding+f.Fit, f.Short, f.Detail
	g.lacks(f.Lack, seen)
	if g.shape() != nil && g.tally.holding > 0 { // without what they hold, another plan may do
		g.retryAt = now.Add(retryBase)
	}
	return g.fail(why, now)
}

// Unplaced records that a member does not fit on the node that it was planned for. While the gang is being placed the member
// plans the rest again, or, if that was done before, the attempt ends because of why. Nothing follows for members that no plan
// sent anywhere. seen is how many changes of the cluster the plan knew of: what came later broke it, and says nothing about another plan.
func (g *Gang) Unplaced(uid, why string, seen uint64, now time.Time) []Decision {
	m, known := g.members[uid]
	if !known || m.pin == "" {
		return nil
	}
	g.EndCycle(uid, now)
	m.misfit = m.misfit || m.place != nil
	g.giveBack(m)
	g.update(m, func() { m.pin = "" })
	switch {
	case g.attempt == nil:
		return []Decision{Activate{Members: g.refs([]*member{m})}} // the gang runs; the member is on its own
	case g.attempt.planner != nil && g.attempt.planner != m: // it is planned again with the rest
		g.refuse(m, true)
		return nil
	case g.attempt.replans > 0:
		g.attempt.replans--
		g.attempt.planner, g.attempt.progress = m, now
		g.free(anyPlace)
		return []Decision{Activate{Members: g.refs([]*member{m})}}
	}
	g.refuse(m, true)
	g.lacks(Lack{Anything: true}, seen)
	return g.fail(g.unplaced(m.Name, why), now)
}

// Seeks says whether the gang lies still because a plan failed, and what it lacked. Its attempt may be repeated once the
// cluster has changed since (seen), at once for room, a while later for anything else.
func (g *Gang) Seeks(now time.Time) (lack Lack, seen uint64, ok bool) {
	if g.Phase() != Ready || !g.liesStill() || g.notBound() ||
		g.lack.Anything && now.Sub(g.failedAt) < backoff(g.fails) {
		return Lack{}, 0, false
	}
	return g.lack, g.seen, true
}

// backoff is how long a gang waits after so many failures in a row.
func backoff(failures int) time.Duration {
	return min(retryBase<<min(max(failures-1, 0), maxStalls), retryMax)
}

// liesStill says whether the representative was refused because a plan failed, or could not be bound. It is let in again when
// something that may help has changed, or its time has come, not for each change of its pod, such as that the reason was written on it.
func (g *Gang) liesStill() bool {
	return g.failure != nil && g.failure.Kind != KindStalled && g.representative != nil && g.representative.refused &&
		g.sinceIdle.IsZero() && !g.awaitsTurn
}

// Lacked returns what the last plan lacked, if it failed, and how many changes of the cluster it knew of.
func (g *Gang) Lacked() (lack Lack, seen uint64, failed bool) {
	return g.lack, g.seen, g.failure != nil
}

// Stays says what becomes of a member that was popped and could not be scheduled. Refuse: it lies refused; Plan: it is to be
// popped again, to plan its gang or because others of the plan come first; Go: it is on its own.
func (g *Gang) Stays(uid string) Verdict {
	m, known := g.members[uid]
	switch {
	case !known:
		return Go
	case m.refused:
		return Refuse
	case g.attempt != nil && (g.attempt.planner == m || m.again):
		return Plan
	}
	return Go
}

// StillLacks records that the changes of the cluster up to seen do not give the gang what it lacks, but room for so many members
// at most: room may come piece by piece.
func (g *Gang) StillLacks(seen uint64, found int) {
	g.seen = seen
	g.found += found
	g.lack.Missing -= found
}

// LackedAtFirst returns what the plan lacked when it failed, and how many changes of the cluster it knew of; changed says that some
// of that was found since, which others may have taken.
func (g *Gang) LackedAtFirst() (lack Lack, seen uint64, changed bool) {
	lack = g.lack
	lack.Missing += g.found
	return lack, g.failedSeen, g.found != 0
}

// lacks records what a plan that failed lacked.
func (g *Gang) lacks(lack Lack, seen uint64) {
	g.lack, g.seen, g.failedSeen, g.found = lack, seen, seen, 0
}

// Retry puts the representative of a gang that lies still back into the queue.
func (g *Gang) Retry(now time.Time) []Decision {
	if g.representative == nil {
		return nil
	}
	return g.activate([]*member{g.representative}, now)
}

// GiveUp ends an attempt that was just begun without a finding: what the gang lacks is not there yet.
func (g *Gang) GiveUp(uid string) {
	m, known := g.members[uid]
	if !known || g.attempt == nil || g.attempt.planner != m || g.tally.holding > 0 {
		return
	}
	g.refuse(m, true)
	g.attempt = nil
	g.Attempts--
}
