package gang

import (
	"slices"
	"time"
)

// Task is the input of a plan for a gang.
type Task struct {
	Gang Key
	// Members are the members to place. The representative comes first, then the oldest; with slices, they are in the order in which
	// slices count them. Need is the number that must be placed, including declared members that do not exist yet.
	Members   []Ref
	Need      int
	Placement Placement
	// Roles are the requirements of each role; MemberRoles are the roles of Members, if Roles has any.
	Roles       []RoleTask
	MemberRoles []string
	// Avoid are nodes that recently rejected a member.
	Avoid []string
	// Topology is where all members have to be, in addition to the topology of each role. Running is where the gang runs already, if it
	// or a role has any.
	Topology Topology
	Running  []RunningMember
}

// RoleTask is what a plan must place of a role: at least Must members, of which Declared do not exist yet.
type RoleTask struct {
	Role
	Must, Declared int
}

// DeclaredMembers is the number of members that do not exist yet.
func (t Task) DeclaredMembers() int {
	n := 0
	for _, r := range t.Roles {
		n += r.Declared
	}
	return n
}

// Planned is a plan: a node for each of its members, and for each declared member that does not exist yet.
type Planned struct {
	Pins  []Pin
	Slots []Slot
}

// Pin assigns a member to a node.
type Pin struct{ UID, Node string }

// Slot assigns a declared member to a node.
type Slot struct{ Role, Node string }

// Task returns what to plan for the gang.
func (g *Gang) Task(now time.Time) Task { return g.taskOf(g.planner, now) }

// taskOf returns what to plan for the gang if this member stands for it; nil if none does.
func (g *Gang) taskOf(planner *member, now time.Time) Task {
	t := Task{
		Gang: g.Key, Members: g.toPlace(planner), Placement: g.placement(), Avoid: g.Avoided(now), Need: g.missing(),
		Topology: g.Topology(), Running: g.RunningMembers(),
	}
	if g.shape() != nil {
		g.addRoles(&t)
	}
	return t
}

// toPlace returns the members to place, in the order of Task.Members.
func (g *Gang) toPlace(planner *member) []Ref {
	members := g.where(func(m *member) bool { return g.mayEnter(m) && !m.otherRun && !g.rejoins(m) })
	if g.sliced() {
		return g.refsBy(members, compareRanks)
	}
	refs := g.refs(members)
	if planner != nil {
		i := slices.Index(refs, g.ref(planner))
		if i > 0 {
			copy(refs[1:i+1], refs[:i])
			refs[0] = g.ref(planner)
		}
	}
	return refs
}

// Near returns what to plan for a member that joins the running gang. It returns false if no topology applies to the member: then any node
// will do that the filters allow. It visits every member.
func (g *Gang) Near(uid string) (Task, bool) {
	role, applies := g.placedNear(uid)
	if !applies {
		return Task{}, false
	}
	t := Task{Gang: g.Key, Members: []Ref{g.ref(g.members[uid])}, Need: 1, Topology: g.Topology(), Running: g.RunningMembers()}
	if role.Topology.Any() {
		t.Roles, t.MemberRoles = []RoleTask{{Role: role}}, []string{role.Name}
	}
	return t, true
}

// PlacedNear reports whether a topology applies to the member. It costs the same for gangs of any size.
func (g *Gang) PlacedNear(uid string) bool {
	_, applies := g.placedNear(uid)
	return applies
}

// placedNear also returns the member's role.
func (g *Gang) placedNear(uid string) (own Role, applies bool) {
	m := g.members[uid]
	if m == nil {
		return Role{}, false
	}
	for _, role := range g.shape().All() {
		if role.Name == m.Spec.Role {
			own = role
		}
	}
	return own, own.Topology.Any() || g.Topology().Any()
}

// addRoles adds the requirements of each role.
func (g *Gang) addRoles(t *Task) {
	exist := map[string]int{}
	for _, ref := range t.Members {
		role := g.members[ref.UID].Spec.Role
		t.MemberRoles = append(t.MemberRoles, role)
		exist[role]++
	}
	creates := g.shape().Creator() != nil
	for _, role := range g.shape().All() {
		r := RoleTask{Role: role, Must: max(0, int(role.Min)-g.doneOf[role.Name]-g.tally.startedRoles[role.Name])}
		if creates && !role.Creates {
			r.Declared = max(0, r.Must-exist[role.Name])
		}
		t.Roles = append(t.Roles, r)
	}
}
