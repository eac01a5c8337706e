package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestPodBelongsToItsCreatorsGang checks this for any order of observation, and that pods in another namespace do not: users may
// write any UID into owner references.
func TestPodBelongsToItsCreatorsGang(t *testing.T) {
	gangAnnotations := map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name": "train", "pod-group.scheduling.sigs.k8s.io/min-available": "2",
	}
	driver := annotatedPod("driver", "1", gangAnnotations)
	driver.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "job", UID: "job", Controller: new(true)}}
	executor := annotatedPod("executor", "1", gangAnnotations)
	executor.Labels = map[string]string{"spark-app-selector": "spark-1"}
	executor.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "driver", UID: "driver", Controller: new(true)}}
	stranger := executor.DeepCopy()
	stranger.Namespace, stranger.Name, stranger.UID = "other", "stranger", "stranger"

	rapid.Check(t, func(t *rapid.T) {
		l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(2000, 0)))
		l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{})
		for _, pod := range rapid.Permutation([]*corev1.Pod{driver, executor, stranger}).Draw(t, "pods") {
			l.Observe(pod)
		}
		members := map[string]int{}
		for _, g := range l.Statuses() {
			members[g.Key.Namespace+"/"+g.Key.Instance] += len(g.Members)
		}
		if len(members) != 2 || members["default/Job/job"] != 2 || members["other/Spark/spark-1"] != 1 {
			t.Errorf("members by gang: %v, want the driver with its executor, and the stranger alone", members)
		}
	})
}
