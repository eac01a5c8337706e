package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestAPreemptorIsNotTriedDuringItsCycle: its victims may be gone before its cycle ends. It is tried after that, and not lost: a gang that
// waits for its victims is retried for no other reason.
func TestAPreemptorIsNotTriedDuringItsCycle(t *testing.T) {
	w := newWaitingRoom()
	key := gang.Key{Namespace: "default", Name: "a", Convention: conventions.Coscheduling().Name}
	var pods []*corev1.Pod
	for i := range 2 {
		pod := w.pod(fmt.Sprint("a-", i), 0, time.Minute)
		pod.Annotations = map[string]string{
			conventions.Coscheduling().GroupAnnotation: "a", conventions.Coscheduling().MinAvailableAnnotation: "2",
		}
		w.Enter(pod)
		pods = append(pods, pod)
	}
	planned := pods[0]
	if w.Begin(planned).Verdict != gang.Plan {
		if planned = pods[1]; w.Begin(planned).Verdict != gang.Plan {
			t.Fatal("the gang is not planned")
		}
	}
	member := gang.Ref{Namespace: "default", Name: planned.Name, UID: string(planned.UID)}
	if decisions, tried := w.TryPreemptor(key, member); tried || len(decisions) > 0 {
		t.Errorf("during its cycle, it is tried: %v, %v", tried, decisions)
	}
	w.Unfit(planned.UID, gang.Finding{Awaits: &gang.AwaitsWhy{Pods: 1, Nodes: 1}})
	decisions, tried := w.TryPreemptor(key, member)
	if !tried || len(decisions) == 0 {
		t.Errorf("after its cycle, it is tried: %v, %v", tried, decisions)
	}
}

// TestAPodIsNotTriedAgainForWhatItWasTriedWith: what was freed before the pod was popped is no reason to try to preempt for it again.
func TestAPodIsNotTriedAgainForWhatItWasTriedWith(t *testing.T) {
	w := newLimited()
	pod := w.pod("p", "", 6)
	try := func() {
		w.Offer(pod)
		uid, found := w.NextTurn()
		if !found || uid != pod.UID || !w.Popped(uid) {
			t.Fatal("it is not the turn of the pod")
		}
		task := gang.Task{Gang: ledger.PodKey(pod), Members: []gang.Ref{{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}}, Need: 1}
		w.MayPreempt(w.TakerFor(task, pod))
		w.Missed(pod)
	}
	w.CapacityChanged("n", "")
	try()
	if again, _ := w.PreemptAgain(w.clock.Now()); again != (gang.Key{}) {
		t.Errorf("%v is tried again", again)
	}
	w.CapacityChanged("n", "")
	if again, _ := w.PreemptAgain(w.clock.Now()); again != ledger.PodKey(pod) {
		t.Errorf("after capacity was freed, %v is tried again", again)
	}
}
