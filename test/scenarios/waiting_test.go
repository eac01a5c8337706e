package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestWaitingGangsCostNothing lets 100 gangs wait behind plain pods. A place that is freed is compared to what they lack, and
// only when it is enough for one is a plan made.
func TestWaitingGangsCostNothing(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "waiting")
	if err := suite.plane.AddNodes(s.ctx, "waiting", 2, controlplane.NodeShape{CPU: "5", Memory: "64Gi", Pods: 110}); err != nil {
		t.Fatal(err)
	}
	spec := podSpec{namespace: s.namespace, scheduler: ours, cpu: "1"}
	for i := range 10 {
		spec.name = fmt.Sprintf("plain-%d", i)
		if err := create(s, spec.pod()); err != nil {
			t.Fatal(err)
		}
	}
	bound := func() (n int) {
		pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!="})
		if err != nil {
			t.Fatal(err)
		}
		return len(pods.Items)
	}
	process.Within(t, patience, "the plain pods to run", func() (bool, string) { return bound() == 10, "" })
	const gangs, size = 100, 3
	for g := range gangs {
		spec.annotations = gangAnnotations(fmt.Sprintf("g%d", g), size)
		for m := range size {
			spec.name = fmt.Sprintf("g%d-%d", g, m)
			if err := create(s, spec.pod()); err != nil {
				t.Fatal(err)
			}
		}
	}
	plans := func() int { return strings.Count(scheduler.Log.String(), "Planned gang") }
	process.Within(t, patience, "a plan for each gang", func() (bool, string) { return plans() >= gangs, fmt.Sprint(plans(), " plans") })
	before := plans()
	remove := func(name string) {
		t.Helper()
		if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Fatal(err)
		}
	}
	remove("plain-0")
	remove("plain-1")
	process.Within(t, patience, "two places", func() (bool, string) { return bound() == 8, "" })
	remove("plain-2")
	process.Within(t, patience, "one gang to start", func() (bool, string) { return bound() == 10, fmt.Sprint(bound(), " run") })
	if made := plans() - before; made != 1 {
		t.Errorf("%d plans were made for one gang that fits, want 1", made)
	}
}

// TestTwentyGangsAndRoomForTwo creates 20 gangs of 20, their members interleaved, on nodes that hold two. Two run, no other gang
// holds anything, and each that is deleted is followed by another, and not all are tried each time.
func TestTwentyGangsAndRoomForTwo(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "twenty")
	const gangs, size = 20, 20
	if err := suite.plane.AddNodes(s.ctx, "twenty", 10, controlplane.NodeShape{CPU: "32", Memory: "64Gi", Pods: 110}); err != nil {
		t.Fatal(err)
	}
	spec := podSpec{namespace: s.namespace, scheduler: ours, cpu: "8"}
	for m := range size {
		for g := range gangs {
			spec.name, spec.annotations = fmt.Sprintf("g%02d-%d", g, m), gangAnnotations(fmt.Sprintf("g%d", g), size)
			if err := create(s, spec.pod()); err != nil {
				t.Fatal(err)
			}
		}
	}
	running := func() (whole []string, others int) {
		pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!="})
		if err != nil {
			t.Fatal(err)
		}
		bound := map[string]int{}
		for _, pod := range pods.Items {
			bound[pod.Labels[groupLabel]]++
		}
		for group, n := range bound {
			if n == size {
				whole = append(whole, group)
			} else {
				others += n
			}
		}
		return whole, others
	}
	twoRun := func() (bool, string) {
		whole, others := running()
		return len(whole) == 2 && others == 0, fmt.Sprint(whole, " run, others hold ", others)
	}
	process.Within(t, patience, "two gangs to run", twoRun)
	plans := func() int { return strings.Count(scheduler.Log.String(), "Planned gang") }
	process.Within(t, patience, "every gang to be tried", func() (bool, string) { return plans() >= gangs, fmt.Sprint(plans(), " plans") })
	before := plans()
	const times = 3
	for range times {
		whole, _ := running()
		if err := suite.client.CoreV1().Pods(s.namespace).DeleteCollection(s.ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
			metav1.ListOptions{LabelSelector: groupLabel + "=" + whole[0]}); err != nil {
			t.Fatal(err)
		}
		process.Within(t, patience, "another gang to run", func() (bool, string) {
			now, _ := running()
			ok, text := twoRun()
			return ok && !slices.Contains(now, whole[0]), text
		})
	}
	// Each may be planned once in vain: its shortage was smaller at first, and part of the capacity was taken since.
	if made := plans() - before; made > gangs+times {
		t.Errorf("%d plans for %d gangs that were deleted", made, times)
	}
}
