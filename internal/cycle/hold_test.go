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

// TestAHoldWaitsForVictimsOfOthersOnItsNodes: two pods preempted one pod each on the same node, and the victim of the first one is gone. The
// pod does not fit while the victim of the other is in the snapshot, because what is held for the other is in its place. That is no reason
// to give up its hold.
func TestAHoldWaitsForVictimsOfOthersOnItsNodes(t *testing.T) {
	popped := time.Unix(1_000, 0)
	before, after := popped.Add(-time.Millisecond), popped.Add(time.Millisecond)
	victim := func(node string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "victim"}, Spec: corev1.PodSpec{NodeName: node}}
	}
	for _, test := range []struct {
		name   string
		node   string // of the other pod, and of its victim
		gone   bool   // the other's victim is gone
		ended  bool   // the other was put into the scheduling queue
		over   time.Time
		broken bool // the other does not wait for its victim, which hangs
		waits  bool
		awaits int // pods
	}{
		{name: "its victim is still there", node: "n1", waits: true, awaits: 1},
		{name: "its victim has just gone", node: "n1", gone: true, waits: true},
		{name: "its victim went after the pod was popped", node: "n1", gone: true, ended: true, over: after, waits: true},
		{name: "its victim went at that time", node: "n1", gone: true, ended: true, over: popped, waits: true},
		{name: "its victim went before", node: "n1", gone: true, ended: true, over: before},
		{name: "its victim hangs", node: "n1", gone: true, ended: true, over: after, broken: true},
		{name: "it is on another node", node: "n2"},
		{name: "it is on another node, and its victim has just gone", node: "n2", gone: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHold(before)
			h.pins, h.ended, h.over = []gang.Pin{{Node: "n1"}}, true, before
			other := newHold(before)
			other.pins, other.going = []gang.Pin{{Node: test.node}}, []*corev1.Pod{victim(test.node)}
			other.ended, other.over, other.broken = test.ended, test.over, test.broken
			if !test.gone {
				other.await(other.going[0])
			}
			p := &Preemption{popped: popped, holds: map[gang.Key]*hold{{Name: "a"}: h, {Name: "b"}: other}}
			if waits := p.awaitOthers(h); waits != test.waits || h.ended == waits || len(h.left) != test.awaits {
				t.Errorf("it waits: %v, for %d pods", waits, len(h.left))
			}
		})
	}
}
