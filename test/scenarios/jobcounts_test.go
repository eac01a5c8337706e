package scenarios

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestASuccessThatNoSchedulerSawCounts: a pod of a Job of three succeeds. The scheduler is killed, the Job is suspended, and the pod that
// succeeded is deleted. The next scheduler learns from the Job that one succeeded, so the two pods that it creates when it resumes are
// enough.
func TestASuccessThatNoSchedulerSawCounts(t *testing.T) {
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	first := startScheduler(t, args...)
	s := newScenario(t, "collected-before")
	s.awaitNodes(ours)
	s.addNodes(t, "node", 1)
	maker{s: s, t: t, gang: gangAnnotations("train", 3)}.job("train", 3, nil)
	s.allBound(t, 3)

	pods := suite.client.CoreV1().Pods(s.namespace)
	list, err := pods.List(s.ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 3 {
		t.Fatalf("%d pods, error %v", len(list.Items), err)
	}
	done := list.Items[0].Name
	s.end(t, done, "Succeeded", "")
	process.Within(t, patience, "the Job to count it", func() (bool, string) {
		job, err := suite.client.BatchV1().Jobs(s.namespace).Get(s.ctx, "train", metav1.GetOptions{})
		return err == nil && job.Status.Succeeded == 1, fmt.Sprint(err)
	})
	first.Kill()
	suspend := func(yes bool) {
		patch := fmt.Sprintf(`{"spec": {"suspend": %t}}`, yes)
		_, err := suite.client.BatchV1().Jobs(s.namespace).Patch(s.ctx, "train", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	suspend(true)
	if err := pods.Delete(s.ctx, done, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "all three pods to be gone", func() (bool, string) {
		list, err := pods.List(s.ctx, metav1.ListOptions{})
		return err == nil && len(list.Items) == 0, fmt.Sprint(len(list.Items), err)
	})

	startScheduler(t, args...)
	suspend(false)
	s.allBound(t, 2)
}
