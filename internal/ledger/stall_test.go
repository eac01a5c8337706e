package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// slowly lets the scheduler take so long for what it is doing, while time passes for the ledger.
func slowly(l *ledger.Ledger, clock interface{ SetTime(time.Time) }, now *time.Time, long time.Duration) {
	for range long / time.Second {
		*now = now.Add(time.Second)
		clock.SetTime(*now)
		l.Tick()
	}
}

// pair is a gang of two that enters the queue.
func pair(l *ledger.Ledger) (a, b *corev1.Pod) {
	a, b = member("a", "g", 2, 1), member("b", "g", 2, 2)
	l.Enter(a)
	l.Enter(b)
	return a, b
}

func planOf(uids ...string) gang.Placed {
	var plan gang.Placed
	for _, uid := range uids {
		plan.Pins = append(plan.Pins, gang.Pin{UID: uid, Node: "node"})
	}
	return plan
}

// An extender may take 5 seconds to answer for one node, so a plan may take as long as it likes.
func TestPlanThatTakesLongIsKept(t *testing.T) {
	l, clock := newLedger()
	now := clock.Now()
	a, b := pair(l)
	if answer := l.Begin(a); answer.Verdict != gang.Plan {
		t.Fatalf("%+v, want a to plan", answer)
	}
	slowly(l, clock, &now, 20*time.Second)
	if answer := l.Planned("a", planOf("a", "b")); answer.Verdict != gang.Go {
		t.Fatalf("the plan that took 20 seconds is dropped: %+v", answer.Why)
	}
	l.Reserve("a", "node")
	l.Permit("a")
	if answer := placed(t, l, b); answer.Verdict != gang.Go {
		t.Errorf("%v, want that the gang starts", answer.Verdict)
	}
}

// The second plan of an attempt may take as long as the first.
func TestSecondPlanThatTakesLongIsKept(t *testing.T) {
	l, clock := newLedger()
	now := clock.Now()
	a, b := pair(l)
	placed(t, l, a)
	if answer := l.Begin(b); answer.Verdict != gang.Go {
		t.Fatalf("%+v, want b to go on", answer)
	}
	l.Unplaced("b", noRoom)
	if answer := l.Begin(b); answer.Verdict != gang.Plan {
		t.Fatalf("%+v, want b to plan the rest", answer)
	}
	slowly(l, clock, &now, 20*time.Second)
	if answer := l.Planned("b", planOf("b")); answer.Verdict != gang.Go {
		t.Fatalf("the second plan is dropped: %+v", answer.Why)
	}
	l.Reserve("b", "node")
	if answer := l.Permit("b"); answer.Verdict != gang.Go {
		t.Errorf("%v, want that the gang starts", answer.Verdict)
	}
}

// A member that goes where it was planned is filtered once more, by extenders too.
func TestMemberWhoseCycleTakesLongIsWaitedFor(t *testing.T) {
	l, clock := newLedger()
	now := clock.Now()
	a, b := pair(l)
	placed(t, l, a)
	l.Begin(b)
	slowly(l, clock, &now, 20*time.Second)
	l.Reserve("b", "node")
	if answer := l.Permit("b"); answer.Verdict != gang.Go {
		t.Errorf("%v, want that the gang starts: %+v", answer.Verdict, answer.Why)
	}
}

// A member that does not come still ends the attempt after 2 seconds: before its cycle, or after one that ended in an error,
// which plugins notice only when the next pod is popped.
func TestMemberThatDoesNotComeStillStallsTheAttempt(t *testing.T) {
	for name, lose := range map[string]func(l *ledger.Ledger, b *corev1.Pod){
		"never popped":          func(*ledger.Ledger, *corev1.Pod) {},
		"planner is not popped": func(l *ledger.Ledger, b *corev1.Pod) { l.Begin(b); l.Unplaced("b", noRoom) },
		"its cycle failed":      func(l *ledger.Ledger, b *corev1.Pod) { l.Begin(b); l.Stays("b") },
		"another pod is popped": func(l *ledger.Ledger, b *corev1.Pod) { l.Begin(b); l.Begin(member("plain", "", 0, 9)) },
	} {
		l, clock := newLedger()
		now := clock.Now()
		a, b := pair(l)
		placed(t, l, a)
		lose(l, b)
		slowly(l, clock, &now, 3*time.Second)
		if why := l.Why("a"); why.Kind != gang.KindStalled {
			t.Errorf("%s: the gang waits because of %q, want that it stalled", name, why.Kind)
		}
	}
}
