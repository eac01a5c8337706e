package ledger_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// waitingRoom is a ledger in which nothing fits.
type waitingRoom struct {
	*ledger.Ledger
	clock *testingclock.FakePassiveClock
}

func newWaitingRoom() waitingRoom {
	clock := testingclock.NewFakePassiveClock(time.Unix(100_000, 0))
	w := waitingRoom{ledger.New(clock), clock}
	w.Serve("s", conventions.Coscheduling().Name, ledger.Defaults{})
	return w
}

func (w waitingRoom) pass(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }

func (w waitingRoom) pod(name string, priority int32, ago time.Duration) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(w.clock.Now().Add(-ago)),
		},
		Spec: corev1.PodSpec{SchedulerName: "s", Priority: &priority},
	}
}

// gang observes a gang of two, created so long ago, and fails to plan it.
func (w waitingRoom) gang(name string, priority int32, ago time.Duration) {
	pods := make([]*corev1.Pod, 2)
	for i := range pods {
		pod := w.pod(fmt.Sprintf("%s-%d", name, i), priority, ago)
		pod.Annotations = map[string]string{
			conventions.Coscheduling().GroupAnnotation: name, conventions.Coscheduling().MinAvailableAnnotation: "2",
		}
		w.Enter(pod)
		pods[i] = pod
	}
	for _, pod := range pods { // one of them stands for the gang
		if w.Begin(pod).Verdict == gang.Plan {
			w.Unfit(pod.UID, gang.Finding{Shortage: gang.Shortage{Missing: 1}})
		}
	}
}

func (w waitingRoom) due(but ...string) []string {
	names := []string{}
	for _, d := range w.Due(10, func(key gang.Key) ledger.Grouped { return ledger.Grouped{LeaveOut: slices.Contains(but, key.Name)} }) {
		names = append(names, d.Key.Name)
	}
	return names
}

func expectDue(t *testing.T, w waitingRoom, want ...string) {
	t.Helper()
	if got := w.due(); !slices.Equal(got, want) {
		t.Errorf("due are %v, want %v", got, want)
	}
}

// TestWhoHasBeenPassedByForTooLong: gangs and pods without a gang, 10 minutes after they were complete, in their order.
func TestWhoHasBeenPassedByForTooLong(t *testing.T) {
	w := newWaitingRoom()
	w.pass(time.Minute) // it observes what comes now
	w.gang("a", 0, 0)
	w.pass(time.Minute)
	w.gang("b", 1, 0)
	w.Missed(w.pod("p", 0, 0))
	expectDue(t, w)
	if at := w.DueAt(); !at.Equal(w.clock.Now().Add(9 * time.Minute)) {
		t.Errorf("due at %v, want when a gang has waited for 10 minutes", at)
	}
	w.pass(9 * time.Minute)
	expectDue(t, w, "a")
	w.pass(time.Minute)
	expectDue(t, w, "b", "a", "p")
	if got := w.due("a"); !slices.Equal(got, []string{"b", "p"}) {
		t.Errorf("without one of them: %v", got)
	}
	w.Placed(w.pod("p", 0, 0))
	w.Deleted(w.pod("a-0", 0, 0))
	expectDue(t, w, "b")
	if key := (gang.Key{Namespace: "default", Name: "a", Convention: conventions.Coscheduling().Name}); w.Waits(key) {
		t.Error("a gang that is not complete waits for capacity")
	}
}

// TestAProcessThatJustStartedTakesTheCreationOfPods for the time since when a gang waits.
func TestAProcessThatJustStartedTakesTheCreationOfPods(t *testing.T) {
	w := newWaitingRoom()
	w.gang("a", 0, time.Hour)
	w.Missed(w.pod("p", 0, time.Hour))
	w.Missed(w.pod("new", 0, time.Minute))
	expectDue(t, w, "a", "p")
}

// TestForEver: with a wait of 0, capacity is set aside for nobody.
func TestForEver(t *testing.T) {
	w := newWaitingRoom()
	w.SetMaxWait(func(gang.Key) time.Duration { return 0 })
	w.gang("a", 0, time.Hour)
	w.Missed(w.pod("p", 0, time.Hour))
	expectDue(t, w)
}

// TestPodsWithoutAGangAreForgotten once they are gone, even if that is observed before they fail for the last time.
func TestPodsWithoutAGangAreForgotten(t *testing.T) {
	w := newWaitingRoom()
	p := w.pod("p", 0, time.Hour)
	w.Missed(p)
	w.Deleted(p)
	expectDue(t, w)
	w.Missed(p)
	w.Retain(func(gang.Ref) bool { return false })
	expectDue(t, w)
}

// TestAPodIsToldOnce that capacity is set aside for it.
func TestAPodIsToldOnce(t *testing.T) {
	w := newWaitingRoom()
	p := w.pod("p", 0, time.Hour)
	w.Missed(p)
	told := 0
	for held := range 3 {
		told += len(w.SetAside(ledger.PodKey(p), &gang.SetAsideWhy{Held: held, Of: 1}))
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestPodsForWhichCapacityIsSetAsideAreCountedByQueue while that capacity is free and they wait for it.
func TestPodsForWhichCapacityIsSetAsideAreCountedByQueue(t *testing.T) {
	w := newWaitingRoom()
	p, q := w.pod("p", 0, time.Hour), w.pod("q", 0, time.Hour)
	p.Annotations = map[string]string{conventions.QueueAnnotation: "research"}
	count := func(want map[string]int) {
		t.Helper()
		if got := w.PodsSetAside(); !maps.Equal(got, want) {
			t.Errorf("capacity is set aside for %v, want %v", got, want)
		}
	}
	count(nil)
	w.Configure(teams(), nil, nil)
	for _, pod := range []*corev1.Pod{p, q} {
		w.Missed(pod)
		w.SetAside(ledger.PodKey(pod), &gang.SetAsideWhy{Held: 0, Of: 1})
	}
	count(nil)
	for _, pod := range []*corev1.Pod{p, q} {
		w.SetAside(ledger.PodKey(pod), &gang.SetAsideWhy{Held: 1, Of: 1})
	}
	count(map[string]int{"research": 1, "default": 1})
	w.SetAside(ledger.PodKey(p), nil)
	count(map[string]int{"default": 1})
	w.Placed(q)
	count(nil)
}
