package conventions_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestPodHasTheSameProblemEachTime checks that a pod with several errors always gets the same one. Otherwise each update of the pod
// would lead to a new event.
func TestPodHasTheSameProblemEachTime(t *testing.T) {
	bad := map[string][]string{
		timeout: {"soon", "0s"}, conventions.ReservationTimeoutAnnotation: {"later", "-1s"}, conventions.PlacementAnnotation: {"nowhere"},
		conventions.RestartPolicyAnnotation: {"never"}, conventions.OnPartialAnnotation: {"shrug"}, size: {"many", "0"},
		queue: {"A", ""}, preemptible: {"no"}, runtime: {"soon"},
		count: {"2"}, cpu: {"lots", "1u"}, memory: {"2048m", "2g"}, gpu: {"0.5", "half"},
		roles: {
			`[{"name":"w","min":1,"requests":{"cpu":"x","memory":"2g","nvidia.com/gpu":"0.5","mem":"1Gi"}}]`,
			`[{"name":"w","min":1,"requests":{"ephemeral-storage":"3m","hugepages-2Mi":"1m"}}]`,
			`[{"name":"driver","min":1,"queue":"A","preemptible":false,"expectedRuntime":"-1s"}]`,
			`[{"name":"driver","min":1,"queue":"a","preemptible":false,"expectedRuntime":"1s"}]`,
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		annotations := map[string]string{group: "a"}
		for _, annotation := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(bad))), 2, 6).Draw(t, "annotations") {
			annotations[annotation] = rapid.SampledFrom(bad[annotation]).Draw(t, annotation)
		}
		labels := sparkLabels("driver")
		_, first := conventions.Parse(conventions.Pod{Labels: labels, Annotations: annotations})
		for range 100 {
			_, again := conventions.Parse(conventions.Pod{Labels: labels, Annotations: maps.Clone(annotations)})
			if fmt.Sprint(first) != fmt.Sprint(again) {
				t.Fatalf("%v: first\n%v\nthen\n%v", annotations, first, again)
			}
		}
	})
}

// TestSameProblem checks that problems are the same only with the same annotation, full value, and reason.
func TestSameProblem(t *testing.T) {
	problemOf := func(annotations map[string]string) *conventions.Problem {
		t.Helper()
		_, err := conventions.Parse(conventions.Pod{Annotations: annotations})
		var p *conventions.Problem
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
		"another value":             {group: "a", size: "four"},
		"another annotation":        {group: "a", size: "3", timeout: "three"},
		"the annotation is missing": {group: "a"},
	} {
		if same.Same(problemOf(other)) {
			t.Errorf("%s counts as the same problem", name)
		}
	}
	if !same.Same(problemOf(map[string]string{group: "a", size: "three"})) {
		t.Error("equal problems count as different")
	}
	if problemOf(map[string]string{group: "a", roles: long("-1")}).Same(problemOf(map[string]string{group: "a", roles: long("-2")})) {
		t.Error("values that differ only in the hidden part count as the same problem")
	}
	if problemOf(map[string]string{group: "a", size: "1", roles: `[{"name":"w","min":2}]`}).Same(
		problemOf(map[string]string{group: "a", size: "1", roles: `[{"name":"w","min":3}]`})) {
		t.Error("conflicts with different values count as the same problem")
	}
}
