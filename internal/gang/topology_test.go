package gang_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// inRack is a share that requires one rack.
func inRack() gang.Share { return gang.Share{Topology: gang.Topology{Required: "rack"}.Stated()} }

// sliced is a share that requires a rack for each two members.
func sliced() gang.Share {
	return gang.Share{Topology: gang.Topology{SliceRequired: "rack", SliceSize: 2}.Stated()}
}

// TestTopologyIsTheSameAfterItWasStated checks that nothing is lost in the form that can be compared.
func TestTopologyIsTheSameAfterItWasStated(t *testing.T) {
	for _, want := range []gang.Topology{
		{},
		{Required: "rack"},
		{Preferred: []string{"host", "rack"}},
		{SliceRequired: "rack", SliceSize: 4},
		{Spread: "zone"},
		{Required: "zone", Preferred: []string{"rack"}, SliceRequired: "host", SliceSize: 8, Spread: "rack"},
	} {
		if diff := cmp.Diff(want, want.Stated().Topology()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if want.Any() != (want.Stated() != gang.StatedTopology{}) {
			t.Errorf("%+v asks for something: %t", want, want.Any())
		}
	}
}

// TestTaskHasTheTopologyOnWhichMembersAgree checks that one member is enough, and that no plan follows what only some of them say.
func TestTaskHasTheTopologyOnWhichMembersAgree(t *testing.T) {
	silent, block := gang.Share{}, gang.Share{Topology: gang.Topology{Required: "block"}.Stated()}
	both := gang.Share{Topology: gang.Topology{Required: "rack", Spread: "host"}.Stated()}
	for _, tc := range []struct {
		name   string
		shares [3]gang.Share
		phase  gang.Phase
		want   gang.Topology
	}{
		{"nobody says anything", [3]gang.Share{}, gang.Ready, gang.Topology{}},
		{"one is enough", [3]gang.Share{silent, inRack(), silent}, gang.Ready, gang.Topology{Required: "rack"}},
		{"all agree", [3]gang.Share{inRack(), inRack(), inRack()}, gang.Ready, gang.Topology{Required: "rack"}},
		{"the queue of another", [3]gang.Share{queued("q"), inRack(), silent}, gang.Ready, gang.Topology{Required: "rack"}},
		{"two keys", [3]gang.Share{inRack(), block, silent}, gang.Disagreeing, gang.Topology{}},
		{"one says more", [3]gang.Share{inRack(), both, silent}, gang.Disagreeing, gang.Topology{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				members := []gang.Member{says("a", tc.shares[0]), says("b", tc.shares[1]), says("c", tc.shares[2])}
				g := gang.New(gang.Key{Name: "a"})
				observe(g, rapid.Permutation(members).Draw(t, "members"))
				task := g.Task(start)
				if diff := cmp.Diff(tc.want, task.Topology); diff != "" || g.Phase() != tc.phase || task.Running != nil {
					t.Errorf("phase %s, runs on %v, topology -want +got:\n%s", g.Phase(), task.Running, diff)
				}
			})
		})
	}
}

// TestStatusHasTheKeysOfAllRoles, each once.
func TestStatusHasTheKeysOfAllRoles(t *testing.T) {
	a := says("a", gang.Share{Topology: gang.Topology{Required: "zone", Preferred: []string{"rack", "block"}}.Stated()})
	a.Spec.Roles = gang.NewRoles(
		gang.Role{Name: "driver", Min: 1},
		gang.Role{Name: "worker", Min: 1, Topology: gang.Topology{SliceRequired: "rack", SliceSize: 2, Spread: "host"}},
	)
	a.Spec.Role = "driver"
	g := gang.New(gang.Key{Name: "a"})
	observe(g, []gang.Member{a})
	if diff := cmp.Diff([]string{"block", "host", "rack", "zone"}, g.Status(start).TopologyKeys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// TestMembersThatDisagreeInTheirTopologySaySo checks the explanation, and that a change of any part of the topology is another event.
func TestMembersThatDisagreeInTheirTopologySaySo(t *testing.T) {
	g := gang.New(gang.Key{Name: "a"})
	observe(g, []gang.Member{says("a", inRack()), says("b", sliced()), says("c", sliced())})
	want := []gang.ShareCount{{Share: sliced(), Members: 2, Example: "b"}, {Share: inRack(), Members: 1, Example: "a"}}
	if diff := cmp.Diff(want, g.Explain().Shares); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	observe(g, []gang.Member{says("a", sliced())})
	if g.Phase() != gang.Ready || g.Explain().Shares != nil {
		t.Errorf("phase %s after they agree: %+v", g.Phase(), g.Explain())
	}
}

// TestWhatRunsDecidesTheTopologyOfMembersThatComeLater checks that a member that says something else waits.
func TestWhatRunsDecidesTheTopologyOfMembersThatComeLater(t *testing.T) {
	g := gang.New(gang.Key{Name: "a"})
	observe(g, []gang.Member{says("a", inRack(), runs), says("b", inRack(), runs), says("c", gang.Share{}, runs)})
	observe(g, []gang.Member{says("x", sliced()), says("y", inRack()), says("z", gang.Share{})})
	if entered := enters(g, "x", "y", "z"); entered != "y z" || g.Topology().Required != "rack" {
		t.Errorf("%q enter with topology %+v", entered, g.Topology())
	}
}

// TestTaskSaysWhereTheGangRuns checks the members that count for members that come later.
func TestTaskSaysWhereTheGangRuns(t *testing.T) {
	on := func(node string) func(*gang.Member) { return func(m *gang.Member) { m.Node = node } }
	g := gang.New(gang.Key{Name: "a"})
	observe(g, []gang.Member{
		says("a", inRack(), on("n2")), says("b", inRack(), on("n1"), func(m *gang.Member) { m.Spec.Role = "z" }),
		says("c", gang.Share{}, on("n1")),
		says("leaves", inRack(), on("n3"), leaves), says("foreign", inRack(), on("n4"), foreign), says("waits", inRack()),
	})
	g.Enter("waits", start)
	if verdict := g.Permit("waits", "n5", start); verdict != gang.Go {
		t.Fatalf("Permit returned %v", verdict)
	}
	want := []gang.RunningMember{{Node: "n1"}, {Node: "n2"}, {Node: "n5"}, {Role: "z", Node: "n1"}}
	if diff := cmp.Diff(want, g.Task(start).Running); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"a", "b", "leaves", "waits", "foreign"} {
		g.Remove(name, start)
	}
	if running := g.Task(start).Running; running != nil {
		t.Errorf("a gang without a topology runs on %v", running)
	}
}

// TestSlotsOfACreatorCountForWhereTheGangRuns checks a topology of one role only.
func TestSlotsOfACreatorCountForWhereTheGangRuns(t *testing.T) {
	spec := driving(2)
	roles := gang.Roles{List: slices.Clone(spec.Roles.List), Text: "with a topology"}
	roles.List[1].Topology = gang.Topology{Required: "rack"}
	spec.Roles, spec.MinAvailable = &roles, 3
	g := gang.New(gang.Key{Name: "a"})
	driver := gang.Member{UID: "driver", Name: "driver", Spec: spec, Created: start, DefaultReservationTimeout: time.Minute}
	g.Observe(driver, start)
	g.Enter("driver", start)
	if verdict := g.Begin("driver", true, start); verdict != gang.Plan {
		t.Fatalf("Begin returned %v", verdict)
	}
	task := g.Task(start)
	if task.Topology.Any() || task.Roles[0].Topology.Any() || task.Roles[1].Topology.Required != "rack" || task.Running != nil {
		t.Errorf("before the start: %+v", task)
	}
	g.Commit("driver", gang.Planned{
		Pins: []gang.Pin{{UID: "driver", Node: "d"}}, Slots: []gang.Slot{{Role: "executor", Node: "n1"}, {Role: "executor", Node: "n2"}},
	}, start)
	driver.Node = "d"
	g.Observe(driver, start)
	executor := gang.Member{UID: "e", Name: "e", Spec: gang.Spec{Role: "executor", MinAvailable: 3}, Created: start}
	g.Observe(executor, start)
	g.Enter("e", start)
	g.Take("e")
	want := []gang.RunningMember{{Role: "driver", Node: "d"}, {Role: "executor", Node: "n1"}, {Role: "executor", Node: "n2"}}
	if diff := cmp.Diff(want, g.RunningMembers()); diff != "" {
		t.Errorf("a slot is about to be taken (-want +got):\n%s", diff)
	}
	executor.Node = "n1"
	g.Observe(executor, start)
	if diff := cmp.Diff(want, g.RunningMembers()); diff != "" {
		t.Errorf("a slot is taken (-want +got):\n%s", diff)
	}
}

// TestSlicesCountMembersByTheirNumbers checks the order of members, in whatever order they are created and seen.
func TestSlicesCountMembersByTheirNumbers(t *testing.T) {
	named := func(name string) gang.Member { return says(name, sliced()) }
	indexed := func(job, index, name string) gang.Member {
		m := says(name, sliced())
		m.Owner, m.OwnerUID, m.Index = "Job "+job, job, index
		return m
	}
	ofRole := func(role, name string) gang.Member { m := says(name, sliced()); m.Spec.Role = role; return m }
	for name, want := range map[string][]gang.Member{
		"a StatefulSet":      {named("w-0"), named("w-1"), named("w-2"), named("w-9"), named("w-10"), named("w-100")},
		"an Indexed Job":     {indexed("j", "0", "z"), indexed("j", "2", "y"), indexed("j", "10", "x"), indexed("j", "11", "a")},
		"a JobSet":           {indexed("s-2", "0", "d"), indexed("s-2", "1", "c"), indexed("s-10", "0", "b"), indexed("s-10", "1", "a")},
		"a LeaderWorkerSet":  {named("lws-2"), named("lws-2-1"), named("lws-2-2"), named("lws-2-10")},
		"roles":              {ofRole("launcher", "m-9"), ofRole("worker", "a-0"), ofRole("worker", "a-1"), ofRole("worker", "a-10")},
		"no numbers":         {named("a"), named("b"), named("c")},
		"leading zeros":      {named("w-0"), named("w-00"), named("w-01"), named("w-1"), named("w-2")},
		"more than a uint64": {named("w-3"), named("w-18446744073709551615"), named("w-18446744073709551616")},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := gang.New(gang.Key{Name: "a"})
				created := rapid.Permutation([]int{0, 1, 2, 3, 4, 5}).Draw(t, "created")
				members := slices.Clone(want)
				for i := range members {
					members[i].Created, members[i].Spec.MinAvailable = time.Unix(int64(created[i]), 0), int32(len(want))
				}
				observe(g, rapid.Permutation(members).Draw(t, "members"))
				planner := rapid.SampledFrom(want).Draw(t, "planner").Name
				g.Enter(planner, start)
				g.Begin(planner, true, start)
				var names, roles, order []string
				for _, ref := range g.Task(start).Members {
					order = append(order, ref.Name)
				}
				for _, m := range want {
					names, roles = append(names, m.Name), append(roles, m.Spec.Role)
				}
				if diff := cmp.Diff(names, order); diff != "" {
					t.Errorf("roles %v, -want +got:\n%s", roles, diff)
				}
			})
		})
	}
}

// TestSlicesOfARoleOrderItsMembers checks slices that only a role asks for, and that the roles of members are in the same order.
func TestSlicesOfARoleOrderItsMembers(t *testing.T) {
	roles := &gang.Roles{Text: "roles", List: []gang.Role{
		{Name: "worker", Min: 2, Topology: gang.Topology{SliceRequired: "rack", SliceSize: 2}}, {Name: "launcher", Min: 1},
	}}
	g := gang.New(gang.Key{Name: "a"})
	for i, role := range []string{"worker", "worker", "launcher"} {
		m := member(fmt.Sprint("w-", 10-i), 3, int64(i))
		m.Spec.Role, m.Spec.Roles = role, roles
		observe(g, []gang.Member{m})
	}
	task := g.Task(start)
	want := []gang.Ref{{Name: "w-8", UID: "w-8"}, {Name: "w-9", UID: "w-9"}, {Name: "w-10", UID: "w-10"}}
	if diff := cmp.Diff(want, task.Members); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"launcher", "worker", "worker"}, task.MemberRoles); diff != "" {
		t.Errorf("roles of the members (-want +got):\n%s", diff)
	}
}
