package ledger_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// twoQueues is a ledger with one pod that waits in each of two queues: "first" goes before "second".
func twoQueues() *ledger.Ledger {
	l, _ := newLedger()
	high, low := queue.NewQueue("high"), queue.NewQueue("low")
	high.Priority = 1
	l.Configure(&queue.Config{Queues: []queue.Queue{high, low}}, nil, nil)
	for _, pod := range []*corev1.Pod{inQueue("first", "high", "", 0, 1, 10), inQueue("second", "low", "", 0, 1, 20)} {
		l.Enter(pod)
		l.Offer(pod)
	}
	return l
}

// tryTurn tries the pod whose turn it is, during which the function is called. The pod does not fit.
func tryTurn(t *testing.T, l *ledger.Ledger, want string, during func()) {
	t.Helper()
	uid, _ := l.NextTurn()
	if string(uid) != want || !l.Popped(uid) {
		t.Fatalf("it is the turn of %q, want %q", uid, want)
	}
	during()
	l.Stays(uid)
}

// TestCapacityFreedDuringAnAttempt: the attempt may not have seen what was freed, so the pod is tried again before one behind it takes
// the capacity. It is tried again once only, or else one that does not fit would hold up all behind it where pods end all the time.
func TestCapacityFreedDuringAnAttempt(t *testing.T) {
	l := twoQueues()
	free := func() { l.CapacityChanged("node", "") }
	tryTurn(t, l, "first", free)
	tryTurn(t, l, "first", free)
	tryTurn(t, l, "second", func() {})
}

// TestNothingFreedDuringAnAttempt: the pod behind the one that does not fit has its turn.
func TestNothingFreedDuringAnAttempt(t *testing.T) {
	l := twoQueues()
	tryTurn(t, l, "first", func() {})
	tryTurn(t, l, "second", func() {})
	if uid, found := l.NextTurn(); found {
		t.Errorf("it is the turn of %s, although neither pod fits", uid)
	}
}
