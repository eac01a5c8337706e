package ledger_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestTwoPodsOfOneNameAreNotBothCounted checks this for any order of events: the scheduling queue, the informer of pods and the
// informer of finished pods use separate goroutines.
func TestTwoPodsOfOneNameAreNotBothCounted(t *testing.T) {
	again := func(uid string, version int) *corev1.Pod {
		pod := member(uid, "g", 2, version)
		pod.Name = "a"
		return pod
	}
	first, second := again("first", 1), again("second", 5)
	ended := second.DeepCopy()
	ended.Status.Phase = corev1.PodFailed
	for name, steps := range map[string]func(*ledger.Ledger){
		"the queue shows the second first":    func(l *ledger.Ledger) { l.Observe(first); l.Enter(second) },
		"the informer shows the second first": func(l *ledger.Ledger) { l.Enter(first); l.Observe(second) },
		"the queue still shows the first":     func(l *ledger.Ledger) { l.Observe(second); l.Enter(first) },
		"the first is deleted late":           func(l *ledger.Ledger) { l.Observe(first); l.Observe(second); l.Deleted(first) },
		"the second was never seen, deleted":  func(l *ledger.Ledger) { l.Observe(first); l.Deleted(second); l.Observe(second) },
		"the second was never seen, ended":    func(l *ledger.Ledger) { l.Observe(first); l.Finish(ended); l.FinishedGone("second") },
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLedger()
			steps(l)
			if l.Knows("first") {
				t.Error("the ledger still has the first pod")
			}
			if gangs := l.Statuses(); len(gangs) > 1 || len(gangs) == 1 && len(gangs[0].Members) != 1 {
				t.Errorf("gangs %+v, want one gang with one member, or none", gangs)
			}
			l.Deleted(first)
			l.Deleted(second)
			if gangs, pods := l.Size(); gangs != 0 || pods != 0 {
				t.Errorf("both pods are deleted, and the ledger has %d gangs and %d pods", gangs, pods)
			}
		})
	}
}
