package ledger_test

import (
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// These tests ask the ledger in orders in which the simulation, where everything happens at once, never does.

func newLedger() (*ledger.Ledger, *testingclock.FakePassiveClock) {
	clock := testingclock.NewFakePassiveClock(time.Unix(1_000_000, 0))
	l := ledger.New(clock)
	l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{Timeout: time.Minute})
	return l, clock
}

// member is a pod of a gang that needs so many; a need of 0 makes a plain pod.
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

// placed runs a member through a cycle that finds a node, and returns Permit's answer.
func placed(t *testing.T, l *ledger.Ledger, pod *corev1.Pod) ledger.Answer {
	t.Helper()
	if answer := begun(l, pod); answer.Verdict != gang.Go {
		t.Fatalf("%s may not be placed: %+v", pod.Name, answer.Why)
	}
	l.Reserve(pod.UID, "node")
	return l.Permit(pod.UID)
}

// begun begins a cycle. If the gang is to be planned, all members get a place.
func begun(l *ledger.Ledger, pod *corev1.Pod) ledger.Answer {
	answer := l.Begin(pod)
	if answer.Verdict != gang.Plan {
		return answer
	}
	var plan gang.Placed
	for _, ref := range answer.Task.Members {
		plan.Pins = append(plan.Pins, gang.Pin{UID: ref.UID, Node: "node"})
	}
	return l.Planned(pod.UID, plan)
}

// unplaced says twice that a member does not fit where it was planned: it may plan again once.
func unplaced(l *ledger.Ledger, pod *corev1.Pod) []gang.Decision {
	l.Unplaced(pod.UID, noRoom)
	begun(l, pod)
	decisions, _ := l.Unplaced(pod.UID, noRoom)
	return decisions
}

func rejects(decisions []gang.Decision, name string) bool {
	for _, d := range decisions {
		if r, ok := d.(gang.Reject); ok {
			for _, ref := range r.Members {
				if ref.Name == name {
					return true
				}
			}
		}
	}
	return false
}

func TestTheTurnPassesWhenTheGangIsDeletedInItsCycle(t *testing.T) {
	l, _ := newLedger()
	one, other := member("one", "one", 1, 1), member("other", "other", 1, 2)
	l.Enter(one)
	l.Begin(one)
	l.Forget("one")
	l.Enter(other)
	if answer := l.Begin(other); answer.Verdict != gang.Plan {
		t.Errorf("the turn is still that of a gang which is gone: %+v", answer.Why)
	}
}

func TestMemberThatLeavesItsGangDoesNotWaitInPermit(t *testing.T) {
	l, _ := newLedger()
	a, b := member("a", "g", 2, 1), member("b", "g", 2, 2)
	l.Enter(a)
	l.Enter(b)
	if answer := placed(t, l, a); answer.Verdict != gang.Wait {
		t.Fatalf("Permit: %v, want it to wait", answer.Verdict)
	}
	if decisions := l.Observe(member("a", "", 0, 3)); !rejects(decisions, "a") {
		t.Errorf("the pod became plain and still waits for a gang: %v", decisions)
	}
}

func TestTerminatingMemberDoesNotCompleteAGang(t *testing.T) {
	l, _ := newLedger()
	for _, name := range []string{"a", "b", "c", "d"} {
		l.Enter(member(name, "g", 3, 1))
	}
	placed(t, l, member("a", "g", 3, 1))
	placed(t, l, member("b", "g", 3, 1))
	going := member("a", "g", 3, 5)
	going.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	l.Observe(going)
	if answer := placed(t, l, member("c", "g", 3, 1)); answer.Verdict != gang.Wait {
		t.Errorf("Permit: %v with 2 of 3 members that stay, want it to wait", answer.Verdict)
	}
	if answer := placed(t, l, member("d", "g", 3, 1)); answer.Verdict != gang.Go {
		t.Errorf("Permit: %v with 3 members that stay, want them to go", answer.Verdict)
	}
}

func TestNewAttemptWaitsUntilTheLastOneHasGivenEverythingBack(t *testing.T) {
	l, _ := newLedger()
	for _, name := range []string{"0r", "a", "b", "c", "d"} {
		l.Enter(member(name, "g", 3, 1))
	}
	placed(t, l, member("0r", "g", 3, 1))
	placed(t, l, member("a", "g", 3, 1))
	l.Forget("0r")
	l.Unreserve("0r")
	if d := member("d", "g", 3, 1); begun(l, d).Verdict == gang.Go {
		if decisions := unplaced(l, d); !rejects(decisions, "a") {
			t.Fatalf("the attempt failed and a keeps its room: %v", decisions)
		}
	}
	if answer := l.Begin(member("c", "g", 3, 1)); answer.Verdict != gang.Refuse {
		t.Errorf("a new attempt begins while a member of the last one still holds room")
	}
	var woken bool
	for _, d := range l.Unreserve("a") {
		_, activates := d.(gang.Activate)
		woken = woken || activates
	}
	if !woken {
		t.Error("everything was given back, and nobody stands for the gang")
	}
}

func TestGivingBackTwiceChangesNothing(t *testing.T) {
	l, _ := newLedger()
	l.Enter(member("a", "g", 2, 1))
	l.Enter(member("b", "g", 2, 1))
	placed(t, l, member("a", "g", 2, 1))
	unplaced(l, member("b", "g", 2, 1))
	l.Unreserve("a")
	if decisions := l.Unreserve("a"); len(decisions) != 0 {
		t.Errorf("the second time something follows: %v", decisions)
	}
}

func TestDeletedPodDoesNotComeBackWithTheQueue(t *testing.T) {
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
		t.Error("deleted pods are remembered for ever")
	}
}

// Where more than room was missing any change may help, but not again and again at once.
func TestPlanThatBrokeIsRepeatedAfterAChange(t *testing.T) {
	l, clock := newLedger()
	l.Enter(member("a", "g", 2, 1))
	l.Enter(member("b", "g", 2, 1))
	placed(t, l, member("a", "g", 2, 1))
	begun(l, member("b", "g", 2, 1))
	unplaced(l, member("b", "g", 2, 1))
	l.Unreserve("a")
	tried := func(after time.Duration) bool {
		clock.SetTime(clock.Now().Add(after))
		for _, d := range l.Tick() {
			if _, ok := d.(gang.Activate); ok {
				return true
			}
		}
		return false
	}
	if tried(time.Minute) {
		t.Error("the gang is tried again though nothing changed")
	}
	l.AnythingChanged()
	if !tried(time.Second) {
		t.Error("the gang is not tried again")
	}
}

// A standby sees every pod come and go for weeks, and nobody tidies up for it.
func TestDeletedPodsAreNotRememberedForEver(t *testing.T) {
	l, clock := newLedger()
	for i := range 1000 {
		name := strconv.Itoa(i)
		l.Observe(member(name, "g", 2, 1))
		l.Forget(types.UID(name))
		clock.SetTime(clock.Now().Add(time.Second))
	}
	if n := l.Remembered(); n > 180 {
		t.Errorf("%d deleted pods are remembered, of which a minute's worth is 60", n)
	}
}

// A member that somebody else gates for ever must not let its gang take the turn from others again and again.
func TestGangThatStallsTakesTheTurnLessAndLess(t *testing.T) {
	l, clock := newLedger()
	l.Enter(member("a", "g", 2, 1))
	l.Enter(member("b", "g", 2, 1)) // it will never be popped
	starts, waits := 0, false
	for range 20 * 60 * 10 { // 20 minutes
		clock.SetTime(clock.Now().Add(100 * time.Millisecond))
		decisions := l.Tick()
		decisions = append(decisions, l.RoomChanged("node", "")...) // something happens all the time
		for _, d := range decisions {
			switch d.(type) {
			case gang.Activate:
				if !waits && begun(l, member("a", "g", 2, 1)).Verdict == gang.Go {
					l.Reserve("a", "node")
					if waits = l.Permit("a").Verdict == gang.Wait; waits {
						starts++
					}
				}
			case gang.Reject:
				waits = false
				l.Unreserve("a")
			}
		}
	}
	if starts == 0 || starts > 10 {
		t.Errorf("the gang took the turn %d times in 20 minutes, want a few", starts)
	}
}

// A member whose annotations become invalid, or that is deleted, within its scheduling cycle does not start alone.
func TestMemberThatLeavesItsGangInItsCycleDoesNotStartAlone(t *testing.T) {
	spoilt := func(l *ledger.Ledger) {
		pod := member("a", "g", 2, 5)
		pod.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "many"
		l.Observe(pod)
	}
	for name, leave := range map[string]func(*ledger.Ledger){
		"spoilt": spoilt, "deleted": func(l *ledger.Ledger) { l.Forget("a") },
	} {
		l, _ := newLedger()
		l.Enter(member("a", "g", 2, 1))
		l.Enter(member("b", "g", 2, 2))
		if answer := l.Begin(member("a", "g", 2, 1)); answer.Verdict != gang.Plan {
			t.Fatalf("%s: %+v", name, answer)
		}
		leave(l)
		plan := gang.Placed{Pins: []gang.Pin{{UID: "a", Node: "node"}, {UID: "b", Node: "node"}}}
		if answer := l.Planned("a", plan); answer.Verdict != gang.Refuse {
			t.Errorf("%s while it was planned: it goes on alone", name)
		}
	}
	l, _ := newLedger()
	l.Enter(member("a", "g", 2, 1))
	l.Enter(member("b", "g", 2, 2))
	begun(l, member("a", "g", 2, 1))
	l.Reserve("a", "node")
	spoilt(l)
	if answer := l.Permit("a"); answer.Verdict != gang.Refuse {
		t.Error("spoilt while it held room: it starts alone")
	}
}
