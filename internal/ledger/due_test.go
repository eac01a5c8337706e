package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// limited is a cluster of 16 cores with a queue that may use 8 of them.
type limited struct {
	waitingRoom
	nodes []*corev1.Node
}

func newLimited() limited {
	_, nodes := serving()
	clock := testingclock.NewFakePassiveClock(time.Unix(100_000, 0))
	l := ledger.New(clock)
	l.Serve("kubenexus-scheduler", conventions.Coscheduling().Name, ledger.Defaults{})
	w := limited{waitingRoom{l, clock}, nodes}
	w.limit(8)
	w.pass(time.Minute) // it observes what comes now
	return w
}

// limit changes how many cores the queue may use.
func (w limited) limit(cores int64) {
	q := queue.NewQueue("team")
	q.Limit = queue.Amounts{"cpu": 1000 * cores}
	w.Configure(&queue.Config{Queues: []queue.Queue{q}}, nil, w.nodes)
}

// pod is one of the queue that requests so many cores.
func (w limited) pod(name, group string, cores int) *corev1.Pod {
	return inQueue(name, "team", group, 2, cores, w.clock.Now().Unix())
}

// gang has a gang of two complete, and fail to be planned.
func (w limited) gang(name string, cores int) {
	for i := range 2 {
		w.Enter(w.pod(fmt.Sprint(name, "-", i), name, cores))
	}
	w.fail(name, cores)
}

// fail has the plan of a gang fail.
func (w limited) fail(name string, cores int) {
	for i := range 2 {
		pod := w.pod(fmt.Sprint(name, "-", i), name, cores)
		w.Offer(pod)
		if uid, found := w.NextTurn(); found && w.Popped(uid) && w.Begin(pod).Verdict == gang.Plan {
			w.Unfit(pod.UID, gang.Finding{Shortage: gang.Shortage{Missing: 1}})
			return
		}
	}
}

// uses has a pod of the queue run, until the function is called.
func (w limited) uses(cores int) (end func()) {
	pod := w.pod("runs", "", cores)
	pod.Spec.NodeName = "n"
	w.Observe(pod)
	return func() { w.Deleted(pod) }
}

// TestTheTimeBeyondALimitDoesNotCount: a gang, or a pod, whose queue does not let it start is not passed by.
func TestTheTimeBeyondALimitDoesNotCount(t *testing.T) {
	t.Run("it was found not to fit before", func(t *testing.T) {
		w := newLimited()
		w.gang("a", 3)
		p := w.pod("p", "", 6)
		w.Offer(p)
		w.Missed(p)
		end := w.uses(4)
		w.pass(10 * time.Minute)
		expectDue(t, w.waitingRoom)
		w.pass(10 * time.Minute)
		expectDue(t, w.waitingRoom)
		end()
		w.pass(9 * time.Minute)
		expectDue(t, w.waitingRoom)
		w.pass(time.Minute)
		expectDue(t, w.waitingRoom, "a", "p")
	})
	t.Run("it was never tried", func(t *testing.T) {
		w := newLimited()
		end := w.uses(4)
		w.gang("a", 3)
		w.pass(time.Hour)
		expectDue(t, w.waitingRoom)
		end()
		w.fail("a", 3)
		w.pass(9 * time.Minute)
		expectDue(t, w.waitingRoom)
		w.pass(time.Minute)
		expectDue(t, w.waitingRoom, "a")
	})
	t.Run("the limit is lowered", func(t *testing.T) {
		w := newLimited()
		w.gang("a", 3)
		w.pass(10 * time.Minute)
		expectDue(t, w.waitingRoom, "a")
		w.limit(4)
		expectDue(t, w.waitingRoom)
	})
}

// TestOfEachGroupTheFirstIsDue, and of all others so many.
func TestOfEachGroupTheFirstIsDue(t *testing.T) {
	w := newWaitingRoom()
	for i := range 200 {
		w.gang(fmt.Sprintf("a%03d", i), 0, time.Duration(1000-i)*time.Minute)
	}
	w.gang("b", 0, 30*time.Minute)
	w.gang("c", 0, 20*time.Minute)
	for known, want := range map[int][]string{
		0:   {"a000", "a001", "a002"},
		100: {"a000", "a100", "a101", "a102"},
		200: {"a000", "b", "c"},
		// a199 is to be kept
		199: {"a000", "a199", "b", "c"},
	} {
		var got []string
		for _, d := range w.Due(3, func(key gang.Key) ledger.Grouped {
			if key.Name[0] == 'a' && key.Name < fmt.Sprintf("a%03d", known) {
				return ledger.Grouped{Group: "group"}
			}
			if known == 199 && key.Name == "a199" {
				return ledger.Grouped{Keep: true}
			}
			return ledger.Grouped{}
		}) {
			got = append(got, d.Key.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %d of a group, due are %v, want %v", known, got, want)
		}
	}
}

// TestTheFirstOfManyGroupsAreDue: a tenant may make a group of each of its gangs, and the cost stays the same.
func TestTheFirstOfManyGroupsAreDue(t *testing.T) {
	w := newWaitingRoom()
	for i := range 50 {
		w.gang(fmt.Sprintf("a%03d", i), 0, time.Duration(1000-i)*time.Minute)
	}
	var got []string
	for _, d := range w.Due(3, func(key gang.Key) ledger.Grouped { return ledger.Grouped{Group: key.Name} }) {
		got = append(got, d.Key.Name)
	}
	if want := []string{"a000", "a001", "a002"}; !slices.Equal(got, want) {
		t.Errorf("due are %v, want %v", got, want)
	}
}

// TestPodsGoByTheirCreation, not by when they were tried first.
func TestPodsGoByTheirCreation(t *testing.T) {
	w := newWaitingRoom()
	w.pass(time.Hour) // it has observed all that follows
	older, younger := w.pod("older", 0, 2*time.Minute), w.pod("younger", 0, time.Minute)
	older.CreationTimestamp, younger.CreationTimestamp = metav1.NewTime(w.clock.Now()), metav1.NewTime(w.clock.Now().Add(time.Second))
	w.Missed(younger)
	w.pass(time.Second)
	w.Missed(older)
	w.pass(10 * time.Minute)
	expectDue(t, w, "older", "younger")
}
