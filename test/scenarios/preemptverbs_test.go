package scenarios

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// endsSlowly is a finalizer. A pod that has it stays once it is deleted, and uses what it requested, until the test removes the finalizer.
const endsSlowly = "example.com/ends-slowly"

// slow gives a pod that finalizer.
func slow(pod *corev1.Pod) { pod.Finalizers = []string{endsSlowly} }

// release pod=P or group=G: removes the finalizers of pods that end slowly.
func (s *scenario) release(d *datadriven.TestData) (string, error) {
	var pod, group string
	s.maybe(d, "pod", &pod)
	s.maybe(d, "group", &group)
	return "", s.letEnd(func(p *corev1.Pod) bool { return p.Name == pod || p.Labels[groupLabel] == group })
}

// letEnd removes the finalizers of these pods.
func (s *scenario) letEnd(yes func(*corev1.Pod) bool) error {
	ctx := context.WithoutCancel(s.ctx) // it is called when the test is over, too
	for _, namespace := range s.namespaces {
		pods, err := suite.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if !slices.Contains(pod.Finalizers, endsSlowly) || !yes(pod) {
				continue
			}
			_, err := suite.client.CoreV1().Pods(namespace).Patch(ctx, pod.Name, types.MergePatchType, []byte(`{"metadata": {"finalizers": null}}`),
				metav1.PatchOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// letAllEnd removes the finalizers of all pods of a group, or of all pods if it is empty.
func (s *scenario) letAllEnd(t *testing.T, group string) {
	t.Helper()
	if err := s.letEnd(func(p *corev1.Pod) bool { return group == "" || p.Labels[groupLabel] == group }); err != nil {
		t.Fatal(err)
	}
}

// budget group=G allows=N: a disruption budget for a group of pods. Its status is written by hand, as the disruption controller would.
func (s *scenario) budget(d *datadriven.TestData) (string, error) {
	var group string
	d.ScanArgs(s.t, "group", &group)
	var allows int
	d.ScanArgs(s.t, "allows", &allows)
	budgets := suite.client.PolicyV1().PodDisruptionBudgets(s.namespace)
	one := intstr.FromInt32(1)
	pdb, err := budgets.Create(s.ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: group},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{groupLabel: group}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	pdb.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: pdb.Generation, DisruptionsAllowed: int32(allows)}
	_, err = budgets.UpdateStatus(s.ctx, pdb, metav1.UpdateOptions{})
	return "", err
}

// ending: the pods that are being deleted, with the reason in their condition DisruptionTarget.
func (s *scenario) ending() (string, error) {
	return s.eachPod(func(pod *corev1.Pod) string {
		if pod.DeletionTimestamp == nil {
			return ""
		}
		return disruption(pod)
	})
}

// disruption is the reason in the pod's condition DisruptionTarget.
func disruption(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	return "deleted"
}

// nominated: per group of pods that wait, how many are nominated to each node.
func (s *scenario) nominated() (string, error) {
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	nominated := map[string]int{}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.Spec.NodeName == "" && pod.Status.NominatedNodeName != "" {
			nominated[fmt.Sprintf("%s to %s", pod.Labels[groupLabel], pod.Status.NominatedNodeName)]++
		}
	}
	var text strings.Builder
	for _, of := range slices.Sorted(maps.Keys(nominated)) {
		fmt.Fprintf(&text, "%s: %d\n", of, nominated[of])
	}
	return text.String(), nil
}

// eachPod writes a line for each pod of the scenario of which something is said.
func (s *scenario) eachPod(says func(*corev1.Pod) string) (string, error) {
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for i := range pods.Items {
		if line := says(&pods.Items[i]); line != "" {
			fmt.Fprintf(&text, "%s: %s\n", pods.Items[i].Name, line)
		}
	}
	return text.String(), nil
}

// running: the nodes of the pods that are bound and not being deleted.
func (s *scenario) running() (string, error) {
	return s.eachPod(func(pod *corev1.Pod) string {
		if pod.DeletionTimestamp != nil {
			return ""
		}
		return pod.Spec.NodeName
	})
}

// later: waits until what starts from now on is known to have started later than what runs. The API server stores times in seconds.
func (s *scenario) later() error {
	second := time.Now().Truncate(time.Second)
	process.Poll(2*time.Second, func() bool { return time.Now().Truncate(time.Second).After(second) })
	return nil
}
