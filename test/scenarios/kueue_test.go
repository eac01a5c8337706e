package scenarios

import (
	"fmt"
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// poolLabel is the label of the nodes of the flavor in examples/kueue/queues.yaml.
const poolLabel = "example.com/pool"

// kueueScenario has Kueue's objects, and nodes outside the flavor that have free capacity for all. Kueue is not there: the tests do what it
// does.
func kueueScenario(t *testing.T, name string) *scenario {
	t.Helper()
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, name)
	s.awaitNodes(ours)
	s.addNodes(t, "other", 4)
	s.apply(t, exampleObjects(t, "kueue", "queues.yaml")...)
	return s
}

// created returns the objects of a kind that Kueue's webhooks left.
func created(t *testing.T, kind string) []*unstructured.Unstructured {
	t.Helper()
	return slices.DeleteFunc(exampleObjects(t, "kueue", "created.yaml"), func(o *unstructured.Unstructured) bool { return o.GetKind() != kind })
}

// TestAJobThatKueueAdmitsStartsAsAWholeOnTheNodesOfItsFlavor: while Kueue suspends it there are no pods. Kueue resumes it with the node
// selector of the flavor; then all its pods wait until all fit on such nodes.
func TestAJobThatKueueAdmitsStartsAsAWholeOnTheNodesOfItsFlavor(t *testing.T) {
	s := kueueScenario(t, "kueue-job")
	s.addBatchNodes(t, "batch", 1)
	s.apply(t, created(t, "Job")...)
	jobs := suite.client.BatchV1().Jobs(s.namespace)
	process.Within(t, patience, "the Job to be suspended", func() (bool, string) {
		job, err := jobs.Get(s.ctx, "finetune", metav1.GetOptions{})
		return err == nil && slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == batchv1.JobSuspended && c.Status == corev1.ConditionTrue
		}), fmt.Sprint(err)
	})

	admit := fmt.Sprintf(`{"spec": {"suspend": false, "template": {"spec": {"nodeSelector": {%q: "batch"}}}}}`, poolLabel)
	if _, err := jobs.Patch(s.ctx, "finetune", types.StrategicMergePatchType, []byte(admit), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.waitForRoom(t, 4)
	s.noneBound(t)

	s.addBatchNodes(t, "more", 1)
	s.allBound(t, 4)
	s.allOnBatchNodes(t)
}

// TestAGroupOfPodsThatKueueAdmitsStartsWhenTheLastGateIsGone: pods with scheduling gates do not count, so the gang is complete when Kueue has
// admitted all of the group.
func TestAGroupOfPodsThatKueueAdmitsStartsWhenTheLastGateIsGone(t *testing.T) {
	s := kueueScenario(t, "kueue-pods")
	s.addBatchNodes(t, "batch", 2)
	s.apply(t, created(t, "Pod")...)
	s.admit(t, "ring-leader")
	s.admit(t, "ring-worker-0")
	s.waitsWith(t, "ring-leader", "has 2 of the 3 pods it needs (not counting 1 with scheduling gates)")
	s.noneBound(t)

	s.admit(t, "ring-worker-1")
	s.allBound(t, 3)
	s.allOnBatchNodes(t)
}

// admit does what Kueue does with a pod that it admits: it sets the node selector of the flavor and removes the gates.
func (s *scenario) admit(t *testing.T, name string) {
	t.Helper()
	admit := fmt.Sprintf(`{"spec": {"nodeSelector": {%q: "batch"}, "schedulingGates": null}}`, poolLabel)
	_, err := suite.client.CoreV1().Pods(s.namespace).Patch(s.ctx, name, types.MergePatchType, []byte(admit), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// addBatchNodes adds nodes of the flavor.
func (s *scenario) addBatchNodes(t *testing.T, prefix string, count int) {
	t.Helper()
	shape := smallNode
	shape.Labels = map[string]string{poolLabel: "batch"}
	if err := suite.plane.AddNodes(s.ctx, prefix, count, shape); err != nil {
		t.Fatal(err)
	}
}

// allOnBatchNodes checks that all pods are on nodes of the flavor.
func (s *scenario) allOnBatchNodes(t *testing.T) {
	t.Helper()
	nodes, err := suite.client.CoreV1().Nodes().List(s.ctx, metav1.ListOptions{LabelSelector: poolLabel + "=batch"})
	if err != nil {
		t.Fatal(err)
	}
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if !slices.ContainsFunc(nodes.Items, func(n corev1.Node) bool { return n.Name == pod.Spec.NodeName }) {
			t.Errorf("pod %s is on node %s, which is not of the flavor", pod.Name, pod.Spec.NodeName)
		}
	}
}
