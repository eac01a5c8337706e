package gang_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// pair is a gang of two in its gang cycle: the first member was popped and plans.
func pair(t *testing.T, now time.Time) *gang.Gang {
	t.Helper()
	g := jobsGang()
	for _, uid := range []string{"1", "2"} {
		m := worker(uid, "w-"+uid, "job", uid)
		m.Spec.MinAvailable = 2
		g.Observe(m, now)
		g.Enter(uid, now)
	}
	if verdict := g.Begin("1", true, now); verdict != gang.Plan {
		t.Fatalf("Begin returned %v for the first member, want Plan", verdict)
	}
	return g
}

func pairPlan() gang.Planned {
	return gang.Planned{Pins: []gang.Pin{{UID: "1", Node: "a"}, {UID: "2", Node: "b"}}}
}

// TestMembersAreCommittedTogether checks that Permit allows every member of a committed plan, in any order.
func TestMembersAreCommittedTogether(t *testing.T) {
	now := time.Unix(200, 0)
	g := pair(t, now)
	if committed, _ := g.Commit("1", pairPlan(), now); !committed {
		t.Fatal("the plan was not committed")
	}
	for _, uid := range []string{"2", "1"} {
		if verdict := g.Permit(uid, "a", now); verdict != gang.Go {
			t.Errorf("Permit returned %v for member %s, want Go", verdict, uid)
		}
	}
}

// TestPlanForChangedGangIsNotCommitted checks that a gang that changed during its cycle commits nothing and holds nothing.
func TestPlanForChangedGangIsNotCommitted(t *testing.T) {
	now := time.Unix(200, 0)
	for name, change := range map[string]func(g *gang.Gang){
		"a member was deleted": func(g *gang.Gang) { g.Remove("2", now) },
		"a member got a node": func(g *gang.Gang) {
			m := worker("2", "w-2", "job", "2")
			m.Spec.MinAvailable, m.Node = 2, "c"
			g.Observe(m, now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := pair(t, now)
			change(g)
			if committed, _ := g.Commit("1", pairPlan(), now); committed {
				t.Error("the plan was committed")
			}
			for _, m := range g.Status(now).Members {
				if m.State == gang.MemberBinding {
					t.Errorf("%s is being bound", m.Name)
				}
			}
		})
	}
}

// TestLateMemberJoinsAfterTheFirstBind checks that a member which arrives during binding waits for the first bind: until then the
// volumes or devices of the gang may fail, and the member would run alone.
func TestLateMemberJoinsAfterTheFirstBind(t *testing.T) {
	now := time.Unix(200, 0)
	g := pair(t, now)
	g.Commit("1", pairPlan(), now)
	g.Permit("1", "a", now)
	g.Permit("2", "b", now)
	late := worker("3", "w-3", "job", "3")
	late.Spec.MinAvailable = 2
	g.Observe(late, now)
	if verdict := g.Enter("3", now); verdict != gang.Refuse {
		t.Errorf("Enter returned %v for a member that arrives before the first bind, want Refuse", verdict)
	}
	bound := worker("1", "w-1", "job", "1")
	bound.Spec.MinAvailable, bound.Node = 2, "a"
	decisions := g.Observe(bound, now)
	for _, d := range decisions {
		if activate, ok := d.(gang.Activate); ok && activate.Members[0].UID == "3" {
			return
		}
	}
	t.Errorf("the waiting member is not activated by %v", decisions)
}
