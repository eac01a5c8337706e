package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestMembersHaveTheirShareAndDeadline checks what the ledger reads of a pod for its gang's share of the cluster.
func TestMembersHaveTheirShareAndDeadline(t *testing.T) {
	l := ledger.New(clock.RealClock{})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a-0", UID: "a-0", Annotations: map[string]string{
			conventions.Coscheduling().GroupAnnotation: "a", conventions.Coscheduling().MinAvailableAnnotation: "1",
			conventions.QueueAnnotation: "research", conventions.PreemptibleAnnotation: "false",
			conventions.ExpectedRuntimeAnnotation: "2h",
		}},
		Spec: corev1.PodSpec{ActiveDeadlineSeconds: new(int64(90))},
	}
	l.Observe(pod)
	m := l.Recorded("a-0")
	want := gang.Share{Queue: "research", Preemptible: gang.NeverPreempted, ExpectedRuntime: 2 * time.Hour}
	if m.Spec.Share != want || m.Deadline != 90*time.Second {
		t.Errorf("the member has the share %+v and the deadline %s", m.Spec.Share, m.Deadline)
	}
}
