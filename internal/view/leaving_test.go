package view

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// A pod that is being deleted is no candidate. It counts as gone until 2 minutes after the end of its grace period, which is its
// deletionTimestamp; then it hangs, and its capacity stays used.
func TestCandidatesOnNodes(t *testing.T) {
	for _, tc := range []struct {
		name string
		// ends is when the grace period ends, seen from now; nil if the pod is not being deleted.
		ends                *time.Duration
		candidates, leaving int
	}{
		{name: "it runs", candidates: 1},
		{name: "its grace period lasts", ends: new(time.Minute), leaving: 1},
		{name: "its grace period is over", ends: new(time.Duration(0)), leaving: 1},
		{name: "it has not ended for 2 minutes", ends: new(-2 * time.Minute), leaving: 1},
		{name: "it hangs", ends: new(-2*time.Minute - time.Second)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := testPod("pod").Node("node").Obj()
			if tc.ends != nil {
				pod.DeletionTimestamp = &metav1.Time{Time: testNow.Add(*tc.ends)}
			}
			placeholder := testPod("placeholder").UID("kubenexus.io/aside/x").Node("node").Obj()
			node := framework.NewNodeInfo(pod, placeholder)
			node.SetNode(testNode("node", "z0", map[corev1.ResourceName]string{corev1.ResourceCPU: "4"}).Obj())
			c := candidatesOn([]fwk.NodeInfo{node}, &RoomRequest{Now: testNow})
			if diff := cmp.Diff([]int{tc.candidates, tc.leaving}, []int{len(c.pods), len(c.leaving)}); diff != "" {
				t.Errorf("candidates and pods that leave (-want +got):\n%s", diff)
			}
		})
	}
}
