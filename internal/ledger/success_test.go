package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestPodThatSucceedsDuringItsDeletion checks that the pod counts if its controller is a Job. Other controllers recreate a pod that
// they stopped.
func TestPodThatSucceedsDuringItsDeletion(t *testing.T) {
	size := map[string]string{"pod-group.scheduling.sigs.k8s.io/min-available": "2"}
	for name, tc := range map[string]struct {
		apiVersion, kind string
		want             gang.Phase
	}{
		"a Job":            {"batch/v1", "Job", gang.Ready},
		"a Job of Volcano": {"batch.volcano.sh/v1alpha1", "Job", gang.Incomplete},
		"a StatefulSet":    {"apps/v1", "StatefulSet", gang.Incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(2000, 0)))
			l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{})
			owned := func(name string) *corev1.Pod {
				pod := annotatedPod(name, "1", size)
				pod.OwnerReferences = []metav1.OwnerReference{
					{APIVersion: tc.apiVersion, Kind: tc.kind, Name: "work", UID: "work", Controller: new(true)},
				}
				return pod
			}
			done := owned("done")
			l.Observe(done)
			done = done.DeepCopy()
			done.ResourceVersion, done.DeletionTimestamp = "2", &metav1.Time{Time: time.Unix(1990, 0)}
			done.Spec.NodeName, done.Status.Phase = "node", corev1.PodSucceeded
			l.Finish(done)
			l.Deleted(done)
			l.FinishedGone(done.UID)
			l.Observe(owned("left"))
			if got := statusOf(t, l).Phase; got != tc.want {
				t.Errorf("phase %s, want %s", got, tc.want)
			}
		})
	}
}
