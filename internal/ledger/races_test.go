package ledger_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// These tests call the ledger in orders that never occur in the simulation, where everything happens at once.

func newLedger() (*ledger.Ledger, *testingclock.FakePassiveClock) {
	clock := testingclock.NewFakePassiveClock(time.Unix(1_000_000, 0))
	l := ledger.New(clock)
	l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{Timeout: time.Minute})
	return l, clock
}

// member is a pod of a gang with this min-available; 0 makes a plain pod.
func member(name, group string, need, version int) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: strconv.Itoa(version)},
		Spec:       corev1.PodSpec{SchedulerName: "kubenexus-scheduler"},
	}
	if need > 0 {
		pod.Annotations = map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name":          group,
			"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(need),
		}
	}
	return pod
}

// pair is a gang of two that enters the queue.
func pair(l *ledger.Ledger) (a, b *corev1.Pod) {
	a, b = member("a", "g", 2, 1), member("b", "g", 2, 2)
	l.Enter(a)
	l.Enter(b)
	return a, b
}

// planOf is a plan with a node for each of the members.
func planOf(uids ...string) gang.Planned {
	var plan gang.Planned
	for _, uid := range uids {
		plan.Pins = append(plan.Pins, gang.Pin{UID: uid, Node: "node"})
	}
	return plan
}

// committed runs the gang cycle for the popped pod. Every member fits.
func committed(t *testing.T, l *ledger.Ledger, pod *corev1.Pod) []gang.Decision {
	t.Helper()
	answer := l.Begin(pod)
	if answer.Verdict != gang.Plan {
		t.Fatalf("%s does not begin a gang cycle: %+v", pod.Name, answer.Why)
	}
	var uids []string
	for _, ref := range answer.Task.Members {
		uids = append(uids, ref.UID)
	}
	ok, decisions := l.Commit(pod.UID, planOf(uids...))
	if !ok {
		t.Fatal("the plan is not committed")
	}
	return append(answer.Decisions, decisions...)
}

// activates reports whether the decisions activate a pod of this name.
func activates(decisions []gang.Decision, name string) bool {
	for _, d := range decisions {
		if activate, ok := d.(gang.Activate); ok {
			for _, ref := range activate.Members {
				if ref.Name == name {
					return true
				}
			}
		}
	}
	return false
}

// The end of a gang cycle has its effects even if the gang was deleted in the meantime.
func TestGangIsDeletedDuringItsCycle(t *testing.T) {
	l, _ := newLedger()
	a, b := pair(l)
	other := member("other", "other", 1, 2)
	l.Enter(other)
	l.Begin(a)
	l.Forget(a.UID)
	l.Forget(b.UID)
	if ok, _ := l.Commit(a.UID, planOf("a", "b")); ok {
		t.Error("the plan of a deleted gang was committed")
	}
	if answer := l.Begin(other); answer.Verdict != gang.Plan {
		t.Errorf("the next gang does not begin a gang cycle: %+v", answer.Why)
	}
}

// A gang that goes first may be in the queue's backoff while another gang is popped. The first gang is planned first, and the other
// one after it.
func TestOvertakenGangGoesNext(t *testing.T) {
	for name, end := range map[string]func(*ledger.Ledger) []gang.Decision{
		"the first does not fit": func(l *ledger.Ledger) []gang.Decision { return l.Unfit("high", gang.Finding{}).Decisions },
		"the first starts":       func(l *ledger.Ledger) []gang.Decision { _, d := l.Commit("high", planOf("high")); return d },
		"the first is deleted": func(l *ledger.Ledger) []gang.Decision {
			l.Forget("high")
			_, d := l.Commit("high", planOf("high"))
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLedger()
			low, high := member("low", "low", 1, 1), member("high", "high", 1, 2)
			high.Spec.Priority = new(int32(10))
			l.Enter(low)
			l.Enter(high)
			answer := l.Begin(low)
			if answer.Verdict != gang.Refuse || !activates(answer.Decisions, "high") {
				t.Fatalf("answer %+v, want the gang of higher priority to be activated", answer)
			}
			answer = l.Begin(high)
			if answer.Verdict != gang.Plan {
				t.Fatalf("answer %+v, want Plan", answer)
			}
			if decisions := slices.Concat(answer.Decisions, end(l)); !activates(decisions, "low") {
				t.Errorf("the overtaken gang is not activated: %v", decisions)
			}
		})
	}
}

// A plan must not include a terminating member.
func TestTerminatingMemberDoesNotCompleteAGang(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	l.Begin(a)
	going := member("b", "g", 2, 5)
	going.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	l.Observe(going)
	if ok, _ := l.Commit(a.UID, planOf("a", "b")); ok {
		t.Error("a plan with a terminating member was committed")
	}
	l.Enter(member("c", "g", 2, 6))
	if answer := l.Begin(a); answer.Verdict != gang.Plan || len(answer.Task.Members) != 2 {
		t.Errorf("answer %+v, want a plan for the two other members", answer)
	}
}

// A change during a gang cycle leads to a retry: no later event reports it again.
func TestGangThatChangedDuringItsCycleIsRetriedAtOnce(t *testing.T) {
	for name, end := range map[string]func(*ledger.Ledger) []gang.Decision{
		"no plan was found": func(l *ledger.Ledger) []gang.Decision { return l.Unfit("a", gang.Finding{}).Decisions },
		"a member was deleted": func(l *ledger.Ledger) []gang.Decision {
			l.Forget("b")
			_, d := l.Commit("a", planOf("a", "b"))
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLedger()
			a, _ := pair(l)
			l.Begin(a)
			l.Enter(member("c", "g", 2, 6))
			if decisions := end(l); !activates(decisions, "a") {
				t.Errorf("no member is activated: %v", decisions)
			}
		})
	}
}

// The queue ignores the activation of a pod that it does not hold, such as a popped one that is not parked yet.
func TestMemberActivatedBeforeItIsParkedIsPoppedAgain(t *testing.T) {
	l, _ := newLedger()
	one := member("one", "one", 1, 1)
	l.Enter(one)
	l.Begin(one)
	l.Unfit("one", gang.Finding{Shortage: gang.Shortage{Missing: 1}})
	if !activates(l.CapacityChanged("node", ""), "one") {
		t.Fatal("the gang is not retried although capacity became free")
	}
	if verdict := l.Stays("one"); verdict != gang.Plan {
		t.Errorf("Stays returned %v, want Plan", verdict)
	}
	l.Enter(one)
	if answer := l.Begin(one); answer.Verdict != gang.Plan {
		t.Errorf("answer %+v, want Plan", answer)
	}
}

// A plan that is too small for what the gang needs now is not committed.
func TestTooSmallPlanIsNotCommitted(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	l.Begin(a)
	for i, name := range []string{"a", "b", "c"} {
		l.Observe(member(name, "g", 3, 10+i))
	}
	if ok, _ := l.Commit("a", planOf("a", "b")); ok {
		t.Error("a plan for two members was committed for a gang that needs three now")
	}
}

func TestUnreserveIsIdempotent(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	committed(t, l, a)
	l.Unreserve("a")
	if decisions := l.Unreserve("a"); len(decisions) != 0 {
		t.Errorf("the second Unreserve returned decisions: %v", decisions)
	}
}

// A member in a cycle of its own, outside the gang cycle, is refused: it would start alone.
func TestMemberIsRefusedOutsideTheGangCycle(t *testing.T) {
	l, _ := newLedger()
	a, _ := pair(l)
	if answer := l.Single(a); answer.Verdict != gang.Refuse {
		t.Errorf("answer %+v, want Refuse", answer)
	}
	committed(t, l, a)
	bound := member("a", "g", 2, 9)
	bound.Spec.NodeName = "node"
	l.Observe(bound)
	joins := member("c", "g", 2, 10)
	l.Enter(joins)
	if answer := l.Single(joins); answer.Verdict != gang.Refuse {
		t.Errorf("answer %+v for a joining member that was not popped, want Refuse", answer)
	}
	l.Begin(joins)
	if answer := l.Single(joins); answer.Verdict != gang.Go {
		t.Errorf("answer %+v, want Go", answer)
	}
}

func TestQueueDoesNotBringBackADeletedPod(t *testing.T) {
	l, clock := newLedger()
	l.Enter(member("a", "g", 2, 1))
	l.Forget("a")
	l.Enter(member("a", "g", 2, 1))
	if _, pods := l.Size(); pods != 0 {
		t.Errorf("the ledger has %d pods, want none", pods)
	}
	clock.SetTime(clock.Now().Add(time.Hour))
	l.Retain(func(gang.Ref) bool { return true })
	l.Enter(member("a", "g", 2, 1))
	if _, pods := l.Size(); pods != 1 {
		t.Error("the ledger still ignores a pod deleted an hour ago")
	}
}

// If more than capacity was short, any change may lead to a retry, but not immediately and repeatedly.
func TestAnyChangeRetriesAGangThatNeedsMoreThanCapacity(t *testing.T) {
	l, clock := newLedger()
	a, _ := pair(l)
	l.Begin(a)
	l.Unfit("a", gang.Finding{Shortage: gang.Shortage{Anything: true}})
	tried := func(after time.Duration) bool {
		clock.SetTime(clock.Now().Add(after))
		return activates(l.Tick(), "a")
	}
	if tried(time.Minute) {
		t.Error("the gang is retried although nothing changed")
	}
	l.AnythingChanged()
	if !tried(time.Second) {
		t.Error("the gang is not retried")
	}
}

// A standby replica sees pods come and go for weeks without scheduling any.
func TestDeletedPodsAreForgottenEventually(t *testing.T) {
	l, clock := newLedger()
	for i := range 1000 {
		name := strconv.Itoa(i)
		l.Observe(member(name, "g", 2, 1))
		l.Forget(types.UID(name))
		clock.SetTime(clock.Now().Add(time.Second))
	}
	if n := l.Remembered(); n > 180 {
		t.Errorf("%d deleted pods are remembered, want at most three minutes' worth", n)
	}
}

// A member that becomes invalid or is deleted during its gang cycle does not start, and no other member starts alone.
func TestMemberThatLeavesDuringTheCycleDoesNotStartAlone(t *testing.T) {
	spoilt := func(l *ledger.Ledger) {
		pod := member("a", "g", 2, 5)
		pod.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "many"
		l.Observe(pod)
	}
	for name, leave := range map[string]func(*ledger.Ledger){
		"invalid": spoilt, "deleted": func(l *ledger.Ledger) { l.Forget("a") }, "plain": func(l *ledger.Ledger) { l.Observe(member("a", "", 0, 5)) },
	} {
		l, _ := newLedger()
		a, _ := pair(l)
		l.Begin(a)
		leave(l)
		if ok, _ := l.Commit("a", planOf("a", "b")); ok {
			t.Errorf("%s during the cycle: the gang starts", name)
		}
		if answer := l.Permit("b", "node"); answer.Verdict != gang.Refuse {
			t.Errorf("%s during the cycle: the other member starts alone", name)
		}
	}
}
