package gang_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// observe adds members in the given order.
func observe(g *gang.Gang, members []gang.Member) {
	for _, m := range members {
		g.Observe(m, time.Unix(1000, 0))
	}
}

func member(name string, need int32, created int64) gang.Member {
	return gang.Member{
		UID: name, Name: name, Scheduler: "s", Created: time.Unix(created, 0), Spec: gang.Spec{Name: "a", MinAvailable: need},
	}
}

// TestResultsDoNotDependOnTheOrderOfMembers checks the claims in explanations and the placement.
func TestResultsDoNotDependOnTheOrderOfMembers(t *testing.T) {
	silent, leaving := member("silent", 0, 1), member("leaving", 9, 2)
	leaving.Terminating = true
	packed, spread := member("packed", 4, 5), member("spread", 3, 4)
	packed.DefaultPlacement, spread.DefaultPlacement = gang.Pack, gang.Spread
	members := []gang.Member{silent, leaving, packed, spread, member("three", 3, 6), member("four", 4, 6), member("five", 5, 6)}
	want := []gang.ClaimCount{
		{Claim: gang.Claim{MinAvailable: 3, Scheduler: "s"}, Members: 2, Example: "spread"},
		{Claim: gang.Claim{MinAvailable: 4, Scheduler: "s"}, Members: 2, Example: "packed"},
		{Claim: gang.Claim{MinAvailable: 5, Scheduler: "s"}, Members: 1, Example: "five"},
	}
	rapid.Check(t, func(t *rapid.T) {
		g := gang.New(gang.Key{Name: "a"})
		observe(g, rapid.Permutation(members).Draw(t, "members"))
		if diff := cmp.Diff(want, g.Explain().Claims); diff != "" {
			t.Fatalf("claims (-want +got):\n%s", diff)
		}
		if placement := g.Task(time.Unix(1000, 0)).Placement; placement != gang.Spread {
			t.Fatalf("placement %s, want that of the oldest member whose profile has one", placement)
		}
	})
}
