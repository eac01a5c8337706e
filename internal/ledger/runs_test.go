package ledger_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// sparkPod is a driver that declares six executors, or an executor of the given driver.
func sparkPod(name, driver, node string, version int) *corev1.Pod {
	pod := member(name, "app", 0, version)
	pod.Annotations = nil
	pod.Labels = map[string]string{"spark-role": "driver", "spark-app-selector": "app"}
	pod.Spec.NodeName = node
	if driver == "" {
		pod.Annotations = map[string]string{
			"spark-executor-count": "6", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi",
		}
		return pod
	}
	pod.Labels["spark-role"] = "executor"
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Pod", Name: driver, UID: types.UID(driver), Controller: new(true),
	}}
	return pod
}

// TestReplacedDriverIsPlannedWithAllItsExecutors checks this while the executors of the failed driver still run, also in a new
// process.
func TestReplacedDriverIsPlannedWithAllItsExecutors(t *testing.T) {
	running := func(l *ledger.Ledger, driver string) {
		for i := range 6 {
			l.Observe(sparkPod(fmt.Sprint("e", i), driver, "n", 2))
		}
	}
	failed := sparkPod("d1", "", "n", 3)
	failed.Status.Phase = corev1.PodFailed
	for name, before := range map[string]func(*ledger.Ledger){
		"in one process": func(l *ledger.Ledger) {
			l.Observe(sparkPod("d1", "", "n", 1))
			running(l, "d1")
			l.Finish(failed)
		},
		"after a restart": func(l *ledger.Ledger) {
			running(l, "d1")
			l.Finish(failed)
		},
		"after a restart, the first driver is deleted": func(l *ledger.Ledger) { running(l, "d1") },
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLedger()
			before(l)
			next := sparkPod("d2", "", "", 4)
			l.Enter(next)
			answer := l.Begin(next)
			if answer.Verdict != gang.Plan || answer.Task.DeclaredMembers() != 6 {
				t.Errorf("verdict %d with %d declared members, want Plan with 6", answer.Verdict, answer.Task.DeclaredMembers())
			}
		})
	}
}
