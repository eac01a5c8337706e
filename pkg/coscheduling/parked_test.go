package coscheduling

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	internalqueue "k8s.io/kubernetes/pkg/scheduler/backend/queue"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
)

// testMember returns the pod "a" of the gang "g" with this min-available.
func testMember(uid string, need int) *corev1.Pod {
	return testPod("a").UID(uid).SchedulerName(testProfileName).Annotations(map[string]string{
		conventions.Coscheduling().GroupAnnotation: "g", conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(need),
	}).Obj()
}

// TestARecreatedPodReplacesTheDeletedOne among the parked pods and in the queue.
func TestARecreatedPodReplacesTheDeletedOne(t *testing.T) {
	for _, tc := range []struct {
		name         string
		before, need int
		waits        bool
	}{
		{"parked after parked", 2, 2, true},
		{"parked after queued", 1, 2, true},
		{"queued after parked", 2, 1, false},
		{"queued after queued", 1, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(t)
			queue := internalqueue.NewTestQueueWithInformerFactory(h.ctx, h.framework.QueueSortFunc(), h.informers)
			parked := cycle.Park(queue, h.plugin.ledger, h.plugin.dispatcher)
			first, second := testMember("first", tc.before), testMember("second", tc.need)
			parked.Add(h.ctx, first)
			parked.Update(h.ctx, first, second)
			pending, _ := parked.PendingPods()
			if len(pending) != 1 || pending[0].UID != "second" {
				t.Errorf("%d pods are pending, want only the second: %v", len(pending), pending)
			}
			if waits := parked.Parked("second"); waits != tc.waits {
				t.Errorf("the second pod is parked: %t, want %t", waits, tc.waits)
			}
		})
	}
}
