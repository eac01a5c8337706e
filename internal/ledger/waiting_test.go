package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// waitingGang makes the ledger know a gang of two, and returns its pods.
func waitingGang(l *ledger.Ledger, namespace, name, queueName string, cpu int, created int64, change func(*corev1.Pod)) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range 2 {
		pod := inQueue(fmt.Sprint(name, "-", i), queueName, name, 2, cpu, created)
		pod.Namespace = namespace
		if queueName == "" {
			delete(pod.Annotations, conventions.QueueAnnotation)
		}
		if change != nil {
			change(pod)
		}
		l.Observe(pod)
		pods = append(pods, pod)
	}
	return pods
}

// turnsOf returns the turns in a short form: namespace/name, queue and position.
func turnsOf(l *ledger.Ledger, namespace string) []string {
	var all []string
	for _, t := range l.Turns(namespace) {
		all = append(all, fmt.Sprintf("%s %s %d", t.Key, t.Queue, t.Position))
	}
	return all
}

func TestTurnsAreTheGangsThatWaitInTheirOrder(t *testing.T) {
	l, nodes := serving()
	pods := slices.Concat(
		waitingGang(l, "default", "old", "", 1, 10, nil),
		waitingGang(l, "other", "older", "", 1, 5, nil),
		waitingGang(l, "default", "important", "", 1, 20, func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(7)) }),
		waitingGang(l, "default", "runs", "", 1, 1, func(pod *corev1.Pod) { pod.Spec.NodeName = "n" }),
	)
	l.Observe(inQueue("half-0", "default", "half", 2, 1, 1)) // its other member does not exist yet
	l.Observe(inQueue("alone", "default", "", 0, 1, 1))

	if diff := cmp.Diff([]string{"default/important  0", "other/older  1", "default/old  2"}, turnsOf(l, "")); diff != "" {
		t.Errorf("without queues, the turns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"default/important  0", "default/old  2"}, turnsOf(l, "default")); diff != "" {
		t.Errorf("without queues, the turns of one namespace (-want +got):\n%s", diff)
	}
	l.Configure(teams(), pods, nodes)
	waitingGang(l, "default", "teaching-a", "teaching", 1, 30, nil)
	waitingGang(l, "default", "research-a", "research", 2, 40, nil)
	waitingGang(l, "default", "research-b", "research", 1, 50, nil)
	l.Offer(inQueue("alone-0", "research", "", 0, 1, 35))
	// The default queue uses 2 cores of 16, and the others none. The pod without a gang goes first.
	want := []string{
		"default/important default 0", "default/research-a research 1", "other/older default 1", "default/research-b research 2",
		"default/old default 2", "default/teaching-a teaching 0",
	}
	if diff := cmp.Diff(want, turnsOf(l, "")); diff != "" {
		t.Errorf("with queues, the turns (-want +got):\n%s", diff)
	}
	if got := turnsOf(l, "other"); len(got) != 1 || got[0] != "other/older default 1" {
		t.Errorf("with queues, the turns of one namespace are %v", got)
	}
}

// checkTurns compares the turns with the statuses: what a gang waits for does not depend on who asks.
func checkTurns(t rapid.TB, l *ledger.Ledger) {
	waiting := map[gang.Key]gang.Status{}
	var order []gang.Key
	for _, status := range l.Statuses() {
		if status.Phase == gang.Ready || status.Phase == gang.Placing {
			waiting[status.Key] = status
			order = append(order, status.Key)
		}
	}
	turns := l.Turns("")
	if len(turns) != len(waiting) {
		t.Fatalf("%d gangs have turns, and %d wait", len(turns), len(waiting))
	}
	for i, turn := range turns {
		status := waiting[turn.Key]
		got := gang.Waits{Key: status.Key, Why: status.Why, SetAside: status.SetAside, NextTry: status.NextTry, Shortage: status.Shortage}
		if diff := cmp.Diff(&got, turn.Waits); diff != "" {
			t.Fatalf("the turn of %s (-status +turn):\n%s", turn.Key, diff)
		}
		switch {
		case turn.Queue != status.Queue:
			t.Fatalf("the turn of %s is in queue %q, its status in %q", turn.Key, turn.Queue, status.Queue)
		case status.Position != nil && turn.Position != *status.Position:
			t.Fatalf("the turn of %s is at %d, its status at %d", turn.Key, turn.Position, *status.Position)
		case status.Position == nil && (turn.Position != i || turn.Key != order[i]):
			t.Fatalf("without queues, turn %d is %+v, want that of %s", i, turn, order[i])
		}
	}
}

func TestATurnSaysWhatIsSetAside(t *testing.T) {
	w := newWaitingRoom()
	w.gang("first", 0, time.Hour)
	w.gang("second", 0, time.Minute)
	key := gang.Key{Namespace: "default", Name: "first", Convention: conventions.Coscheduling().Name}
	w.SetAside(key, &gang.SetAsideWhy{Held: 1, Of: 2, In: time.Minute, After: "gang default/runs"})
	want := &gang.SetAsideStatus{Held: 1, Of: 2, StartsAt: w.clock.Now().Add(time.Minute), After: "gang default/runs"}
	if diff := cmp.Diff(want, w.Turns("")[0].SetAside); diff != "" {
		t.Errorf("what is set aside (-want +got):\n%s", diff)
	}
	checkTurns(t, w.Ledger)
}

func TestGangsOfPodsAndTheirTopologyKeys(t *testing.T) {
	l, _ := serving()
	waitingGang(l, "default", "near", "", 1, 10, func(pod *corev1.Pod) {
		pod.Annotations[conventions.TopologyRequiredAnnotation] = "example.com/rack"
		pod.Annotations[conventions.TopologyPreferredAnnotation] = "example.com/host"
	})
	waitingGang(l, "other", "near", "", 1, 10, func(pod *corev1.Pod) {
		pod.UID += "-other"
		pod.Annotations[conventions.TopologySpreadAnnotation] = "example.com/rack"
	})
	l.Observe(inQueue("alone", "default", "", 0, 1, 1))
	of := func(namespace string) gang.Key {
		return gang.Key{Namespace: namespace, Name: "near", Convention: conventions.Coscheduling().Name}
	}
	got := l.GangsOf([]types.UID{"near-1", "alone", "unknown", "near-0-other"})
	if diff := cmp.Diff([]gang.Key{of("default"), {}, {}, of("other")}, got); diff != "" {
		t.Errorf("the gangs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"example.com/rack": 2, "example.com/host": 1}, l.TopologyKeys()); diff != "" {
		t.Errorf("the keys (-want +got):\n%s", diff)
	}
}
