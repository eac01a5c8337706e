package scenarios

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// TestWaitingGangsCostNothing lets 100 gangs wait behind plain pods. A place that is freed is compared to what they lack, and
// only when it is enough for one is a plan made.
func TestWaitingGangsCostNothing(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "waiting")
	if err := suite.plane.AddNodes(s.ctx, "waiting", 2, controlplane.NodeShape{CPU: "5", Memory: "64Gi", Pods: 110}); err != nil {
		t.Fatal(err)
	}
	spec := podSpec{namespace: s.namespace, scheduler: "kubenexus-scheduler", cpu: "1"}
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
	within(t, patience, "the plain pods to run", func() (bool, string) { return bound() == 10, "" })
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
	plans := func() int { return strings.Count(scheduler.log.String(), "Planned gang") }
	within(t, patience, "a plan for each gang", func() (bool, string) { return plans() >= gangs, fmt.Sprint(plans(), " plans") })
	before := plans()
	remove := func(name string) {
		t.Helper()
		if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Fatal(err)
		}
	}
	remove("plain-0")
	remove("plain-1")
	within(t, patience, "two places", func() (bool, string) { return bound() == 8, "" })
	remove("plain-2")
	within(t, patience, "one gang to start", func() (bool, string) { return bound() == 10, fmt.Sprint(bound(), " run") })
	if made := plans() - before; made != 1 {
		t.Errorf("%d plans were made for one gang that fits, want 1", made)
	}
}
