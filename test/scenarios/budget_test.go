package scenarios

import (
	"fmt"
	"strings"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestDisruptionBudgetThatRefusesARestart: a gang of three that restarts as a whole loses a pod, and a disruption budget does not allow
// to evict the other two. Their events name the budget; after some retries the replacement joins them.
func TestDisruptionBudgetThatRefusesARestart(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "budget-that-refuses")
	s.awaitNodes(ours)
	s.addNodes(t, "node", 1)
	member := podSpec{namespace: s.namespace, cpu: "1", scheduler: ours, annotations: gangAnnotations("mpi", 3)}
	member.annotations["kubenexus.io/restart-policy"] = "whole-gang"
	for i := range 3 {
		member.name = fmt.Sprintf("mpi-%d", i)
		if err := create(s, member.pod()); err != nil {
			t.Fatal(err)
		}
	}
	s.allBound(t, 3)
	s.protect(t, "keep-two", 2)

	if err := suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, "mpi-0", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	member.name = "replaced-0"
	if err := create(s, member.pod()); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "both pods that run to say that the budget keeps them", func() (bool, string) {
		said := s.saidWith(t, "GangEvictionRefused")
		return strings.Contains(said["mpi-1"], "keep-two") && strings.Contains(said["mpi-2"], "keep-two"), fmt.Sprint(said)
	})
	s.allBound(t, 3)
	if evicted := s.saidWith(t, "GangEvicted"); len(evicted) > 0 {
		t.Errorf("pods that nobody evicted say %q", evicted)
	}
}

// protect makes a disruption budget that allows no disruption. Its controller does not run here, so its status is written by hand.
func (s *scenario) protect(t *testing.T, name string, minAvailable int32) {
	t.Helper()
	budgets := suite.client.PolicyV1().PodDisruptionBudgets(s.namespace)
	least := intstr.FromInt32(minAvailable)
	budget, err := budgets.Create(s.ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &metav1.LabelSelector{}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	budget.Status = policyv1.PodDisruptionBudgetStatus{
		ObservedGeneration: budget.Generation, CurrentHealthy: minAvailable, DesiredHealthy: minAvailable, ExpectedPods: minAvailable + 1,
	}
	if _, err := budgets.UpdateStatus(s.ctx, budget, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// saidWith returns the notes of the events with this reason, by the pods that they are about.
func (s *scenario) saidWith(t *testing.T, reason string) map[string]string {
	t.Helper()
	events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{FieldSelector: "reason=" + reason})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, event := range events.Items {
		said[event.Regarding.Name] = event.Note
	}
	return said
}
