package gang

import (
	"slices"
	"time"
)

// Task is what a plan is made for.
type Task struct {
	Gang Key
	// Members are to be placed. Need is how many of them must be, and of the declared members that do not exist yet.
	Members   []Ref
	Need      int
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

// Planned is a plan: a node for each of its members, and for each declared member that does not exist yet.
type Planned struct {
	Pins  []Pin
	Slots []Slot
}

// Pin is the node that a plan has for a member.
type Pin struct{ UID, Node string }

// Slot is the node that a plan has for a declared member.
type Slot struct{ Role, Node string }

// Task returns what is to be planned for the gang. The representative comes first.
func (g *Gang) Task(now time.Time) Task {
	members := g.refs(g.where(func(m *member) bool { return g.mayEnter(m) && !m.otherRun && !g.rejoins(m) }))
	if g.planner != nil {
		i := slices.Index(members, g.ref(g.planner))
		if i > 0 {
			copy(members[1:i+1], members[:i])
			members[0] = g.ref(g.planner)
		}
	}
	t := Task{Gang: g.Key, Members: members, Placement: g.placement(), Avoid: g.Avoided(now), Need: g.missing()}
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
	creates := g.shape().Creator() != nil
	for _, role := range g.shape().All() {
		r := RoleTask{Role: role, Must: max(0, int(role.Min)-g.doneOf[role.Name]-g.tally.startedRoles[role.Name])}
		if creates && !role.Creates {
			r.Declared = max(0, r.Must-exist[role.Name])
		}
		t.Roles = append(t.Roles, r)
	}
}
