package ledger_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestWhatStillDoesNotFitDoesNotHoldUpItsSibling: vision holds all GPUs and waits for more, so its team has a dominant share of 1. After a
// change that may help everybody the other team goes first. As soon as it is known that the change does not help vision, only CPUs count, and
// the team's other queue, whose gang is older, goes first.
func TestWhatStillDoesNotFitDoesNotHoldUpItsSibling(t *testing.T) {
	l, nodes := serving()
	const gpu = "example.com/gpu"
	nodes[0].Status.Allocatable[gpu] = resource.MustParse("4")
	team := queue.NewQueue("team")
	team.Queues = []queue.Queue{queue.NewQueue("vision"), queue.NewQueue("nlp")}
	l.Configure(&queue.Config{Queues: []queue.Queue{team, queue.NewQueue("others")}}, nil, nodes)
	ofVision := func(name string) *corev1.Pod {
		pod := inQueue(name, "vision", name, 1, 0, 10)
		pod.Spec.Containers[0].Resources.Requests[gpu] = resource.MustParse("4")
		return pod
	}
	holder := ofVision("holder")
	holder.Spec.NodeName = "n"
	l.Observe(holder)
	gangs := map[types.UID]*corev1.Pod{
		"vision": ofVision("vision"), "nlp": inQueue("nlp", "nlp", "nlp", 1, 1, 20), "others": inQueue("others", "others", "others", 1, 1, 30),
	}
	for _, uid := range []types.UID{"vision", "nlp", "others"} {
		l.Enter(gangs[uid])
		l.Offer(gangs[uid])
	}
	begin := func(want types.UID) ledger.Answer {
		t.Helper()
		if uid, _ := l.NextTurn(); uid != want || !l.Popped(uid) {
			t.Fatalf("%s goes next, want %s", uid, want)
		}
		return l.Begin(gangs[want])
	}
	for range gangs { // nobody fits
		uid, _ := l.NextTurn()
		l.Popped(uid)
		l.Begin(gangs[uid])
		l.Unfit(uid, gang.Finding{Shortage: gang.Shortage{Missing: 1}})
	}

	l.CapacityChanged("n", "")
	if asked := begin("others"); asked.Scout == nil {
		t.Fatal("the first gang after a change does not compare what changed with the shortages of all")
	}
	var compared []string
	for _, parked := range l.Parked() {
		compared = append(compared, parked.Key.Name)
	}
	if want := []string{"vision", "nlp"}; !slices.Equal(compared, want) {
		t.Errorf("the shortages of %v are compared, want those of %v", compared, want)
	}
	goes, _ := l.Looked("others", true, 1, []ledger.Lacking{{Key: gang.Key{Namespace: "default", Name: "vision", Convention: "Coscheduling"}}})
	if goes {
		t.Error("the gang of the other team is planned, want that it is not its turn")
	}
	if asked := begin("nlp"); asked.Verdict != gang.Plan {
		t.Errorf("the gang of the team gets %v, want that it is planned", asked.Verdict)
	}
	if goes, _ := l.Looked("nlp", true, 1, nil); !goes {
		t.Error("the gang of the team is not planned")
	}
	if committed, _ := l.Commit("nlp", gang.Planned{Pins: []gang.Pin{{UID: "nlp", Node: "n"}}}); !committed {
		t.Fatal("nlp does not start")
	}
	l.Reserved(gangs["nlp"])
	if asked := begin("others"); asked.Verdict != gang.Plan || asked.Scout != nil {
		t.Errorf("the gang that yielded gets %v and scouts: %v; want that it is planned as it stands", asked.Verdict, asked.Scout)
	}
}
