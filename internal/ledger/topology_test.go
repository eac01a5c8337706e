package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestTheRepresentativeOfASlicedGangIsRefused: it is not the first member of the task, and goes back to where it waits all the same.
func TestTheRepresentativeOfASlicedGangIsRefused(t *testing.T) {
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1_000, 0)))
	l.Serve("kubenexus-scheduler", conventions.Coscheduling().Name, ledger.Defaults{Timeout: time.Minute})
	none := queue.NewQueue("none")
	none.Limit = queue.Amounts{"cpu": 0}
	l.Configure(&queue.Config{Queues: []queue.Queue{none}}, nil, nil)
	first, oldest := inQueue("w-0", "none", "g", 2, 1, 20), inQueue("w-1", "none", "g", 2, 1, 10)
	first.Annotations[conventions.TopologySliceRequiredAnnotation] = "example.com/rack"
	first.Annotations[conventions.TopologySliceSizeAnnotation] = "2"
	l.Enter(oldest)
	l.Enter(first)
	answer := l.Begin(oldest)
	if answer.Verdict != gang.Refuse || answer.Why.Kind != gang.KindBeyondLimit {
		t.Fatalf("Begin returned %v because of %s", answer.Verdict, answer.Why.Kind)
	}
	want := []gang.Ref{{Namespace: "default", Name: "w-0", UID: "w-0"}, {Namespace: "default", Name: "w-1", UID: "w-1"}}
	if diff := cmp.Diff(want, answer.Task.Members); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if stays := l.Stays("w-1"); stays != gang.Refuse {
		t.Errorf("Stays returned %v, want that the pod is parked", stays)
	}
}

// TestAPodWithoutAGangIsPlannedInItsTopology checks what is planned for capacity that is set aside.
func TestAPodWithoutAGangIsPlannedInItsTopology(t *testing.T) {
	w := newWaitingRoom()
	pod := w.pod("a", 0, time.Hour)
	pod.Annotations = map[string]string{conventions.TopologyRequiredAnnotation: "example.com/rack"}
	w.Enter(pod)
	w.Missed(pod)
	waiting, waits := w.StillWaits(ledger.PodKey(pod))
	want := gang.Topology{Required: "example.com/rack"}
	if diff := cmp.Diff(want, waiting.Task.Topology); diff != "" || !waits {
		t.Errorf("waits: %t, -want +got:\n%s", waits, diff)
	}
	if diff := cmp.Diff(want, ledger.TopologyOf(pod)); diff != "" {
		t.Errorf("TopologyOf -want +got:\n%s", diff)
	}
	pod.Annotations[conventions.TopologySpreadAnnotation] = "no key"
	if answer := w.Enter(pod); answer.Verdict != gang.Refuse || answer.Why.Kind != gang.KindInvalid {
		t.Errorf("a bad value: Enter returned %v because of %s", answer.Verdict, answer.Why.Kind)
	}
}

// TestTheStatusHasTheDomain: of each key that the gang asks for, the domain that has all members with a node, with and without queues.
func TestTheStatusHasTheDomain(t *testing.T) {
	for name, queues := range map[string]*queue.Config{"without queues": nil, "with queues": {}} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLedger()
			nodes := []*corev1.Node{
				{ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{"rack": "r1", "block": "b1"}}},
				{ObjectMeta: metav1.ObjectMeta{Name: "n2", Labels: map[string]string{"rack": "r2", "block": "b1"}}},
			}
			for _, node := range nodes {
				l.NodeChanged(node.Name, node)
			}
			if queues != nil {
				l.Configure(queues, nil, nodes)
			}
			for i, node := range nodes {
				pod := member(fmt.Sprintf("g-%d", i), "g", 2, i+1)
				pod.Annotations[conventions.TopologyPreferredAnnotation] = "rack,block"
				l.Observe(bindsTo(pod, node.Name))
			}
			key, _ := l.GangOf("g-0")
			status, _ := l.Status(key)
			want := []gang.DomainStatus{{Key: "block", Name: "b1"}}
			if diff := cmp.Diff(want, status.Domains); diff != "" {
				t.Errorf("domains (-want +got):\n%s", diff)
			}
			l.NodeChanged("n2", nil)
			if status, _ := l.Status(key); len(status.Domains) > 0 {
				t.Errorf("a node is gone, and the gang is in %v", status.Domains)
			}
		})
	}
}
