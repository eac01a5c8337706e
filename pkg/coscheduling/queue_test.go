package coscheduling

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestAPreemptorKeepsItsAge: a pod for which capacity is held goes before pods of its priority that came after it, although it was in the
// scheduling queue before. Otherwise, with a long queue, what its victims freed would stay unused for long.
func TestAPreemptorKeepsItsAge(t *testing.T) {
	start := time.Unix(1_000, 0)
	queued := func(created, since time.Duration, node string, priority int32) *framework.QueuedPodInfo {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(start.Add(created))},
			Spec:       corev1.PodSpec{Priority: &priority},
			Status:     corev1.PodStatus{NominatedNodeName: node},
		}
		info, err := framework.NewPodInfo(pod)
		if err != nil {
			t.Fatal(err)
		}
		return &framework.QueuedPodInfo{PodInfo: info, Timestamp: start.Add(since)}
	}
	q := &queuePlugin{ledger: ledger.New(clock.RealClock{})}
	later := queued(1*time.Second, 1*time.Second, "", 0)
	for _, test := range []struct {
		name  string
		pod   *framework.QueuedPodInfo
		first bool
	}{
		{"failed, and in the queue again", queued(0, 5*time.Second, "", 0), false},
		{"failed, and has capacity held for it", queued(0, 5*time.Second, "node", 0), true},
		{"the same with a lower priority", queued(0, 5*time.Second, "node", -1), false},
		{"the same, but younger", queued(2*time.Second, 5*time.Second, "node", 0), false},
	} {
		if got := q.Less(test.pod, later); got != test.first {
			t.Errorf("%s: goes first: %v, want %v", test.name, got, test.first)
		}
	}
}
