package ledger_test

import (
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestAPodIsToldOnceWhyItWaits: an update of the pod, such as of the condition in which it was told, is no reason to tell it again.
func TestAPodIsToldOnceWhyItWaits(t *testing.T) {
	clock := testingclock.NewFakePassiveClock(time.Unix(1_000, 0))
	l := ledger.New(clock)
	l.Serve("kubenexus-scheduler", conventions.Coscheduling().Name, ledger.Defaults{Timeout: time.Minute})
	none := queue.NewQueue("none")
	none.Limit = queue.Amounts{"cpu": 0}
	l.Configure(&queue.Config{Queues: []queue.Queue{none}}, nil, nil)
	pod := inQueue("pod", "none", "", 0, 1, 10)
	for update := range 3 {
		l.Enter(pod)
		l.Offer(pod)
		told := 0
		for range 15 {
			clock.SetTime(clock.Now().Add(time.Second))
			for _, decision := range l.Tick() {
				if notice, ok := decision.(gang.Notify); ok && notice.Explanation.Kind == gang.KindBeyondLimit {
					told++
				}
			}
		}
		if want := map[int]int{0: 1}[update]; told != want {
			t.Errorf("after %d updates the pod is told %d times, want %d", update, told, want)
		}
	}
}
