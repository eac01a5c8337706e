package gang_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// story drives a gang of one(i, need). All events happen at the same time unless a test advances now.
type story struct {
	*gang.Gang
	t    *testing.T
	need int
	now  time.Time
}

func newStory(t *testing.T, need, members int) *story {
	t.Helper()
	s := &story{Gang: gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}), t: t, need: need, now: start}
	for i := range members {
		s.see(i, nil)
	}
	return s
}

// see observes a member after change has modified it.
func (s *story) see(i int, change func(*gang.Member)) {
	m := one(i, s.need)
	if change != nil {
		change(&m)
	}
	s.Observe(m, s.now)
}

func (s *story) seeOn(i int, node string) {
	s.see(i, func(m *gang.Member) { m.Node, m.Scheduled = node, s.now })
}

// begin pops the first member and begins the gang cycle.
func (s *story) begin() {
	s.t.Helper()
	s.Enter("0", s.now)
	if v := s.Begin("0", true, s.now); v != gang.Plan {
		s.t.Fatalf("Begin returned %d, want Plan", v)
	}
}

// commit starts binding this number of members.
func (s *story) commit(members int) {
	s.t.Helper()
	s.begin()
	var plan gang.Planned
	for i := range members {
		plan.Pins = append(plan.Pins, gang.Pin{UID: fmt.Sprint(i), Node: nodeOf(i)})
	}
	if committed, _ := s.Commit("0", plan, s.now); !committed {
		s.t.Fatal("the plan is not committed")
	}
}

// nodeOf is the node of member i: two members share a node.
func nodeOf(i int) string { return fmt.Sprint("n", i/2) }

// run starts a gang with this number of members and binds all of them.
func (s *story) run(members int) {
	s.t.Helper()
	s.commit(members)
	s.now = s.now.Add(2 * time.Second)
	for i := range members {
		s.seeOn(i, nodeOf(i))
	}
}

// inState returns the statuses of members first, first+1, ... in one state, one for each node.
func inState(state gang.MemberState, first int, nodes ...string) []gang.MemberStatus {
	all := make([]gang.MemberStatus, len(nodes))
	for i, node := range nodes {
		all[i] = gang.MemberStatus{Name: fmt.Sprint("a-", first+i), UID: fmt.Sprint(first + i), Node: node, State: state}
	}
	return all
}

func join(parts ...[]gang.MemberStatus) []gang.MemberStatus {
	var all []gang.MemberStatus
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// statusTest is a gang and its expected status. check fills in the key and the time.
type statusTest struct {
	name  string
	story func(*testing.T) *story
	want  gang.Status
}

func explained(kind gang.Kind, e gang.Explanation) gang.Explanation {
	e.Kind, e.Gang = kind, gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}
	if e.Owner == "" {
		e.Owner = "Job a"
	}
	return e
}

func (tc *statusTest) check(t *testing.T) {
	t.Helper()
	s := tc.story(t)
	want := tc.want
	want.Key, want.At = s.Key, s.now
	got := s.Status(s.now)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	shareNothing(t, s, got)
	readable(t, s.Status(s.now))
}

// shareNothing checks that changing a status does not change the gang.
func shareNothing(t *testing.T, s *story, changed gang.Status) {
	t.Helper()
	before := s.Status(s.now)
	for i := range changed.Members {
		changed.Members[i].Name = "changed"
	}
	for i := range changed.Needs.Roles {
		changed.Needs.Roles[i].Min = -1
	}
	for i := range changed.Slots {
		changed.Slots[i].Node = "changed"
	}
	for i := range changed.Why.Claims {
		changed.Why.Claims[i].Members = -1
	}
	for i := range changed.Why.Shares {
		changed.Why.Shares[i].Members = -1
	}
	if changed.Why.Short != nil {
		changed.Why.Short.Resource = "changed"
	}
	if changed.Why.Lacking != nil {
		changed.Why.Lacking.Role = "changed"
	}
	if diff := cmp.Diff(before, s.Status(s.now)); diff != "" {
		t.Errorf("changing a status changed the gang (-before +after):\n%s", diff)
	}
}

// readable checks that a status survives a JSON round trip, except for the explanation, which JSON leaves out.
func readable(t *testing.T, s gang.Status) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read gang.Status
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	s.Why = gang.Explanation{}
	if diff := cmp.Diff(s, read); diff != "" {
		t.Errorf("%s is not read back as the same status (-want +got):\n%s", text, diff)
	}
}
