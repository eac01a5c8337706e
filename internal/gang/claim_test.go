package gang_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// revisionMember is a pod of a revision that asks for size members.
func revisionMember(name, revision string, size int32, created int64, node string) gang.Member {
	return gang.Member{
		UID: name, Name: name, Scheduler: "kubenexus-scheduler", Created: time.Unix(created, 0), Node: node,
		Spec: gang.Spec{Convention: "Coscheduling", Name: "web", MinAvailable: size, Revision: revision},
	}
}

func TestNewestRevisionDeterminesMinAvailable(t *testing.T) {
	for _, tc := range []struct {
		name    string
		members []gang.Member
		phase   gang.Phase
		need    int
	}{
		{
			"a rollout to more members, too few of which exist",
			[]gang.Member{revisionMember("a", "1", 2, 100, "n"), revisionMember("b", "1", 2, 100, "n"), revisionMember("c", "2", 4, 200, "")},
			gang.Incomplete, 4,
		},
		{
			"a rollout to more members: the new ones start together",
			[]gang.Member{
				revisionMember("a", "1", 2, 100, "n"), revisionMember("b", "1", 2, 100, "n"), revisionMember("c", "2", 4, 200, ""),
				revisionMember("d", "2", 4, 200, ""),
			},
			gang.Ready, 4,
		},
		{
			"a rollout to fewer members: a new pod joins",
			[]gang.Member{revisionMember("a", "1", 3, 100, "n"), revisionMember("b", "1", 3, 100, "n"), revisionMember("c", "2", 1, 200, "")},
			gang.Running, 1,
		},
		{
			"within one second, pods that wait are newer than those that run",
			[]gang.Member{revisionMember("c", "2", 3, 100, ""), revisionMember("a", "1", 2, 100, "n"), revisionMember("b", "1", 2, 100, "n")},
			gang.Ready, 3,
		},
		{
			"pods of one revision that disagree",
			[]gang.Member{revisionMember("a", "1", 2, 100, ""), revisionMember("b", "1", 3, 200, "")},
			gang.Disagreeing, 0,
		},
		{
			"pods without a revision",
			[]gang.Member{revisionMember("a", "1", 2, 100, ""), revisionMember("b", "", 3, 200, "")},
			gang.Disagreeing, 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				g := gang.New(gang.Key{Namespace: "default", Name: "web", Convention: "Coscheduling"})
				for _, m := range rapid.Permutation(tc.members).Draw(t, "members") {
					g.Observe(m, time.Unix(300, 0))
				}
				if g.Phase() != tc.phase || g.Need() != tc.need {
					t.Errorf("phase %s, needs %d; want %s and %d", g.Phase(), g.Need(), tc.phase, tc.need)
				}
			})
		})
	}
}

// TestMembersCreatedWithANodeDoNotStartAGang checks that pods created with a node do not count as a started gang as long as there
// are fewer than min-available of them, in any order of observation.
func TestMembersCreatedWithANodeDoNotStartAGang(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		need := rapid.IntRange(2, 5).Draw(t, "need")
		placed := rapid.IntRange(1, need).Draw(t, "placed")
		waiting := rapid.IntRange(0, need).Draw(t, "waiting")
		var members []gang.Member
		for i := range placed {
			m := revisionMember(fmt.Sprint("placed-", i), "", int32(need), 100, "n")
			m.Placed = true
			members = append(members, m)
		}
		for i := range waiting {
			members = append(members, revisionMember(fmt.Sprint("waiting-", i), "", int32(need), 100, ""))
		}
		g := gang.New(gang.Key{Namespace: "default", Name: "web", Convention: "Coscheduling"})
		for _, m := range rapid.Permutation(members).Draw(t, "members") {
			g.Observe(m, time.Unix(300, 0))
		}
		want := gang.Ready
		switch {
		case placed == need:
			want = gang.Running
		case placed+waiting < need:
			want = gang.Incomplete
		}
		if g.Phase() != want {
			t.Errorf("%d of %d members were created with a node and %d wait: phase %s, want %s", placed, need, waiting, g.Phase(), want)
		}
	})
}
