package gang_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestAPodHasTheSameProblemEachTime: whatever is wrong with a pod, and however much, it is the same each time that it is looked at.
// Otherwise each look would be a new event.
func TestAPodHasTheSameProblemEachTime(t *testing.T) {
	bad := map[string][]string{
		timeout: {"soon", "0s"}, gang.ReservationTimeoutAnnotation: {"later", "-1s"}, gang.PlacementAnnotation: {"nowhere"},
		gang.RestartPolicyAnnotation: {"never"}, gang.OnPartialAnnotation: {"shrug"}, size: {"many", "0"},
		count: {"2"}, cpu: {"lots", "1u"}, memory: {"2048m", "2g"}, gpu: {"0.5", "half"},
		roles: {
			`[{"name":"w","min":1,"requests":{"cpu":"x","memory":"2g","nvidia.com/gpu":"0.5","mem":"1Gi"}}]`,
			`[{"name":"w","min":1,"requests":{"ephemeral-storage":"3m","hugepages-2Mi":"1m"}}]`,
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		annotations := map[string]string{group: "a"}
		for _, annotation := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(bad))), 2, 6).Draw(t, "annotations") {
			annotations[annotation] = rapid.SampledFrom(bad[annotation]).Draw(t, annotation)
		}
		labels := sparkLabels("driver")
		_, first := gang.Parse(labels, annotations, gang.Dialects())
		for range 100 {
			_, again := gang.Parse(labels, maps.Clone(annotations), gang.Dialects())
			if fmt.Sprint(first) != fmt.Sprint(again) {
				t.Fatalf("%v is first\n%v\nand then\n%v", annotations, first, again)
			}
		}
	})
}

// TestAProblemIsKnownByWhatIsWrong: by the annotation, its value, all of it, and the reason.
func TestAProblemIsKnownByWhatIsWrong(t *testing.T) {
	problemOf := func(annotations map[string]string) *gang.Problem {
		t.Helper()
		_, err := gang.Parse(nil, annotations, gang.Dialects())
		var p *gang.Problem
		if !errors.As(err, &p) {
			t.Fatalf("%v has no problem: %v", annotations, err)
		}
		return p
	}
	long := func(last string) string {
		return fmt.Sprintf(`[{"name":"worker","min":1},{"name":"a-role-with-a-rather-long-name","min":2},{"name":"x","min":%s}]`, last)
	}
	same := problemOf(map[string]string{group: "a", size: "three"})
	for name, other := range map[string]map[string]string{
		"another value":               {group: "a", size: "four"},
		"another annotation":          {group: "a", size: "3", timeout: "three"},
		"the annotation is not there": {group: "a"},
	} {
		if same.Same(problemOf(other)) {
			t.Errorf("%s counts as the same problem", name)
		}
	}
	if !same.Same(problemOf(map[string]string{group: "a", size: "three"})) {
		t.Error("the same is not the same")
	}
	if problemOf(map[string]string{group: "a", roles: long("-1")}).Same(problemOf(map[string]string{group: "a", roles: long("-2")})) {
		t.Error("values that differ where nobody sees it count as the same")
	}
	if problemOf(map[string]string{group: "a", size: "1", roles: `[{"name":"w","min":2}]`}).Same(
		problemOf(map[string]string{group: "a", size: "1", roles: `[{"name":"w","min":3}]`})) {
		t.Error("a value that contradicts something else counts as the same problem")
	}
}

// observe adds members in the order in which they are given.
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

// TestWhatMembersSayDoesNotDependOnTheirOrder: neither the sentence about members that disagree, nor how they are placed.
func TestWhatMembersSayDoesNotDependOnTheirOrder(t *testing.T) {
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
			t.Fatalf("placement %s, want that of the oldest whose profile has one", placement)
		}
	})
}
