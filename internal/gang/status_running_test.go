package gang_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestStatusOfARunningGang(t *testing.T) {
	started := gang.Times{Since: start, Started: start.Add(2 * time.Second)}
	for _, tc := range []statusTest{
		{
			"being bound", func(t *testing.T) *story {
				s := newStory(t, 2, 2)
				s.commit(2)
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 2, Have: 2, Running: 2}, Attempts: 1, Times: gang.Times{Since: start},
				Members: inState(gang.MemberBinding, 0, "n0", "n0"), Nodes: []gang.NodeStatus{{Name: "n0", Members: 2}},
			},
		},
		{
			"running", func(t *testing.T) *story {
				s := newStory(t, 3, 3)
				s.run(3)
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 3, Have: 3, Running: 3}, Times: started,
				Members: inState(gang.MemberBound, 0, "n0", "n0", "n1"),
				Nodes:   []gang.NodeStatus{{Name: "n0", Members: 2}, {Name: "n1", Members: 1}},
			},
		},
		{
			"running short", func(t *testing.T) *story {
				s := newStory(t, 3, 3)
				s.run(3)
				s.Remove("1", s.now)
				s.see(3, func(m *gang.Member) { m.Created = s.now.Add(time.Second) })
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 3, Have: 3, Running: 2}, Partial: true, Times: started,
				Members: join(inState(gang.MemberBound, 0, "n0"), inState(gang.MemberBound, 2, "n1"), inState(gang.MemberPending, 3, "")),
				Nodes:   []gang.NodeStatus{{Name: "n0", Members: 1}, {Name: "n1", Members: 1}},
				Why:     explained(gang.KindPartial, gang.Explanation{Have: 3, Need: 3, Running: 2}),
			},
		},
		{
			"evicted", func(t *testing.T) *story {
				s := newStory(t, 2, 0)
				whole := func(m *gang.Member) { m.Spec.RestartPolicy = gang.WholeGang }
				s.see(0, whole)
				s.see(1, whole)
				s.commit(2)
				for i := range 2 {
					s.see(i, func(m *gang.Member) { whole(m); m.Node, m.Scheduled = "n0", s.now })
				}
				s.Remove("1", s.now)
				s.see(2, func(m *gang.Member) { whole(m); m.Created = s.now.Add(time.Second) })
				s.Tick(s.now)
				s.now = s.now.Add(time.Second)
				s.Tick(s.now)
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 2, Have: 2, Running: 1}, Partial: true,
				Times:   gang.Times{Since: start, Started: start, NextTry: start.Add(6 * time.Second)},
				Members: join(inState(gang.MemberBound, 0, "n0"), inState(gang.MemberPending, 2, "")),
				Nodes:   []gang.NodeStatus{{Name: "n0", Members: 1}},
				Why: explained(gang.KindRestarting, gang.Explanation{
					Have: 2, Need: 2, Running: 1, Cause: gang.KindRestarted, Attempts: 1,
				}),
			},
		},
		{
			"terminating and finished members", func(t *testing.T) *story {
				s := newStory(t, 2, 3)
				s.run(3)
				s.see(0, func(m *gang.Member) { m.Node, m.Terminating = "n0", true })
				s.Finish(gang.Finished{UID: "1", Name: "a-1", Node: "n0", OwnerUID: "job", Succeeded: true, At: s.now}, s.now)
				s.Remove("1", s.now)
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 2, Have: 2, Running: 2}, Times: started,
				Members: join(inState(gang.MemberTerminating, 0, "n0"), inState(gang.MemberBound, 2, "n1"), inState(gang.MemberSucceeded, 1, "n0")),
				Nodes:   []gang.NodeStatus{{Name: "n0", Members: 1}, {Name: "n1", Members: 1}},
			},
		},
		{
			"running when first seen", func(t *testing.T) *story {
				s := newStory(t, 1, 0)
				s.seeOn(0, "n0")
				return s
			},
			gang.Status{
				Phase: gang.Running, Needs: gang.Needs{MinAvailable: 1, Have: 1, Running: 1},
				Members: inState(gang.MemberBound, 0, "n0"), Nodes: []gang.NodeStatus{{Name: "n0", Members: 1}},
			},
		},
		{
			"a pod of another scheduler", func(t *testing.T) *story {
				s := newStory(t, 1, 0)
				s.see(0, func(m *gang.Member) { m.Foreign, m.Node = true, "n0" })
				return s
			},
			gang.Status{
				Phase: gang.Incomplete, Needs: gang.Needs{MinAvailable: 1}, Times: gang.Times{Since: start},
				Members: inState(gang.MemberForeign, 0, "n0"), Nodes: []gang.NodeStatus{{Name: "n0", Members: 1}},
				Why: explained(gang.KindIncomplete, gang.Explanation{Need: 1}),
			},
		},
	} {
		t.Run(tc.name, tc.check)
	}
}

// TestStatusOfAGangWithSlots follows a driver that declares three executors, one of which is created.
func TestStatusOfAGangWithSlots(t *testing.T) {
	g := reserve(t, "n1", "n2", "n1")
	driver, _ := g.Member("driver")
	driver.Node = "d"
	g.Observe(driver, start)
	executor := gang.Member{
		UID: "e", Name: "e", Created: start.Add(time.Second), Spec: gang.Spec{Name: "a", MinAvailable: 4, Role: "executor"},
	}
	g.Observe(executor, start)
	creates := gang.RoleStatus{Name: "driver", Min: 1, Have: 1, Running: 1, Creates: true}
	want := gang.Status{
		Key: gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}, Phase: gang.Running,
		Needs: gang.Needs{
			MinAvailable: 4, Have: 2, Running: 1, Roles: []gang.RoleStatus{creates, {Name: "executor", Min: 3, Have: 1}},
		},
		Members: []gang.MemberStatus{
			{Name: "driver", UID: "driver", Role: "driver", Node: "d", State: gang.MemberBound},
			{Name: "e", UID: "e", Role: "executor", State: gang.MemberPending},
		},
		Nodes: []gang.NodeStatus{{Name: "d", Members: 1}, {Name: "n1", Slots: 2}, {Name: "n2", Slots: 1}},
		Slots: []gang.SlotStatus{{Role: "executor", Node: "n1"}, {Role: "executor", Node: "n1"}, {Role: "executor", Node: "n2"}},
		Times: gang.Times{At: start, Since: start, Started: start, SlotsUntil: start.Add(time.Minute)},
	}
	is := func(when string) {
		t.Helper()
		if diff := cmp.Diff(want, g.Status(start)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	is("held")

	g.Take("e")
	want.Members[1].Node, want.Members[1].State = "n1", gang.MemberPlanned
	want.Nodes[1].Slots--
	want.Slots[0].Member, want.Slots[1].Member = "", "e"
	is("an executor takes a slot")

	g.Permit("e", "n1", start)
	want.Members[1].State = gang.MemberBinding
	want.Needs.Running, want.Needs.Roles[1].Running = 2, 1
	want.Nodes[1].Members++
	is("the executor has taken the slot")

	executor.Node = "n1"
	g.Observe(executor, start)
	want.Members[1].State = gang.MemberBound
	want.Slots = []gang.SlotStatus{{Role: "executor", Node: "n1"}, {Role: "executor", Node: "n2"}}
	is("the executor is bound")
}

// TestStatusMarksMembersThatDoNotCount checks a driver that starts on its own because it declares no executors, and an executor of
// an earlier driver.
func TestStatusMarksMembersThatDoNotCount(t *testing.T) {
	g := gang.New(gang.Key{Name: "a"})
	creator := func(name string, created int64) gang.Member {
		m := member(name, 3, created)
		m.Spec.Creates, m.Spec.Role = true, "driver"
		return m
	}
	left := member("left", 3, 2)
	left.OwnedByPod, left.OwnerUID, left.Node = true, "gone", "n"
	observe(g, []gang.Member{creator("driver", 5), left})
	apart := map[string]bool{}
	for _, m := range g.Status(start).Members {
		apart[m.Name] = m.Apart
	}
	if diff := cmp.Diff(map[string]bool{"driver": true, "left": true}, apart); diff != "" {
		t.Errorf("apart (-want +got):\n%s", diff)
	}
}
