package cycle

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/backend/queue"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// activeQueue is a scheduling queue with these pods in its active part. asked is how often they were listed.
type activeQueue struct {
	queue.SchedulingQueue
	pods  []*corev1.Pod
	asked int
}

func (q *activeQueue) PodsInActiveQ() []*corev1.Pod {
	q.asked++
	return q.pods
}

// TestAHoldWaitsForThoseBeforeIt: while the pod of a hold is in the scheduling queue, it had no chance to use what is held for it. The queue
// is asked only if a hold is overdue.
func TestAHoldWaitsForThoseBeforeIt(t *testing.T) {
	over := time.Unix(1_000, 0)
	waits, tried := gang.Ref{Name: "waits", UID: "waits"}, gang.Ref{Name: "tried", UID: "tried"}
	q := &activeQueue{pods: []*corev1.Pod{{ObjectMeta: metav1.ObjectMeta{UID: "another"}}, {ObjectMeta: metav1.ObjectMeta{UID: "waits"}}}}
	p := &Preemption{
		Parts: Parts{Ledger: ledger.New(clock.RealClock{})}, sched: &scheduler.Scheduler{SchedulingQueue: q},
		holds: map[gang.Key]*hold{{Name: "waits"}: {ended: true, over: over}},
	}
	for _, test := range []struct {
		after time.Duration
		ref   gang.Ref
		holds bool
	}{
		{unusedMost, tried, true},
		{unusedMost + 1, tried, false},
		{unusedMost + 1, waits, true},
		{queuedMost, waits, true},
		{queuedMost + 1, waits, false},
	} {
		h := &hold{ended: true, over: over, members: []gang.Ref{test.ref}}
		if got := !h.overdue(over.Add(test.after), p.queued(over.Add(test.after))); got != test.holds {
			t.Errorf("%s after its victims were gone, the hold of the pod that %s stands: %v, want %v", test.after, test.ref.Name, got, test.holds)
		}
	}
	if q.asked != 4 {
		t.Errorf("the queue was asked %d times, want 4: not before a hold is overdue", q.asked)
	}
}
