package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// simQueues is the part of a simulation that has queues: as internal/cycle does, it keeps pods that may be scheduled until it is their turn.
type simQueues struct {
	// queueOf returns the queue of a group's pods, empty if they name none; nil while no queues are configured.
	queueOf func(group string) string
	// turn is the pod that was put into the scheduling queue because it goes next.
	turn *simPod
}

// configure configures queues, or none if there are none.
func (s *simulation) configure(queues ...queue.Queue) {
	var all []*corev1.Pod
	for _, p := range s.sorted() {
		all = append(all, p.pod)
	}
	var config *queue.Config
	if len(queues) > 0 {
		config = &queue.Config{Queues: queues}
	}
	s.perform(s.ledger.Configure(config, all, s.nodeObjects()))
}

func (s *simulation) nodeObjects() []*corev1.Node {
	var nodes []*corev1.Node
	for name := range s.free {
		has := *resource.NewQuantity(int64(s.sizes[name]), resource.DecimalSI)
		nodes = append(nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourceCPU: has}},
		})
	}
	return nodes
}

// inQueue returns the queue of a group's pods, empty if they name none.
func (s *simulation) inQueue(group string) string {
	if s.queueOf == nil {
		return ""
	}
	return s.queueOf(group)
}

// offer keeps a pod until its turn, if queues are configured.
func (s *simulation) offer(p *simPod) bool {
	if !s.ledger.Offer(p.pod) {
		return false
	}
	p.at = waits
	return true
}

// bringNext puts the pod that goes next into the scheduling queue.
func (s *simulation) bringNext() {
	for s.turn == nil {
		uid, found := s.ledger.NextTurn()
		if !found {
			return
		}
		p := s.pods[string(uid)]
		if p == nil || p.at != waits && p.at != gated && p.at != rejected && p.at != unfit || !s.admit(p) {
			s.ledger.Skip(uid)
		}
	}
}

// admit is the pod's PreEnqueue at its turn. It returns false if a scheduling gate keeps the pod out.
func (s *simulation) admit(p *simPod) bool {
	answer := s.ledger.Enter(p.pod)
	s.perform(answer.Decisions)
	p.at = gated
	if answer.Verdict == gang.Refuse || len(p.pod.Spec.SchedulingGates) > 0 {
		return false
	}
	p.at, p.seen, s.turn = active, s.clock.Now(), p
	return true
}

// goesNow reports whether a popped pod is to be scheduled now, or keeps it until its turn.
func (s *simulation) goesNow(p *simPod) bool {
	if s.turn == p {
		s.turn = nil
		if s.ledger.Popped(p.pod.UID) {
			return true
		}
	}
	return !s.offer(p)
}

// TestGangsStartWholeAndAreNotForgottenInQueues does what TestGangsStartWholeAndAreNotForgotten does, while queues are configured,
// configured otherwise, and removed. When the scheduler is idle, no gang waits that would fit and that its queue lets start.
func TestGangsStartWholeAndAreNotForgottenInQueues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 8)
		needs := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 5).Draw(t, "needs")
		created := 0
		names := map[string]string{}
		s.queueOf = func(group string) string { return names[group] }
		for g := range needs {
			names[fmt.Sprint("g", g)] = rapid.SampledFrom([]string{"", "default"}).Draw(t, "queue")
		}
		configs := [][]queue.Queue{
			nil,
			{queue.NewQueue("default")},
			{queue.NewQueue("other"), queue.NewQueue("default")},
		}
		s.configure(rapid.SampledFrom(configs).Draw(t, "queues")...)
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				g := rapid.IntRange(0, len(needs)-1).Draw(t, "gang")
				created++
				s.create(fmt.Sprintf("p%03d", created), fmt.Sprint("g", g), needs[g],
					rapid.Bool().Draw(t, "informerFirst"), rapid.IntRange(0, 9).Draw(t, "gates") == 0)
			},
			"plain": func(t *rapid.T) {
				created++
				s.create(fmt.Sprintf("p%03d", created), "", 0, rapid.Bool().Draw(t, "informerFirst"), false)
			},
			"remove": func(t *rapid.T) {
				if pods := s.sorted(); len(pods) > 0 {
					s.remove(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
			"ungate": func(t *rapid.T) {
				for _, p := range s.sorted() {
					if len(p.pod.Spec.SchedulingGates) > 0 {
						s.ungate(p)
						return
					}
				}
			},
			"configure": func(t *rapid.T) { s.configure(rapid.SampledFrom(configs).Draw(t, "queues")...) },
			"cycle":     func(*rapid.T) { s.cycle() },
			"deliver":   s.deliverSome,
			"time":      func(*rapid.T) { s.rest(100 * time.Millisecond) },
			"":          func(t *rapid.T) { checkStatuses(t, s) },
		})
		s.rest(30 * time.Second)
		nobodyWaits(t, s, needs)
		for _, p := range s.sorted() {
			if p.need == 0 && p.at != bound && sum(s.usable(nil)) > 0 {
				t.Fatalf("pod %s waits, and the free capacity is %d\n%s", p.pod.Name, sum(s.usable(nil)), s)
			}
		}
		s.checkUses(t)
		everythingGoes(t, s)
		s.checkUses(t)
	})
}

// checkUses checks that what runs is what the queues use.
func (s *simulation) checkUses(t *rapid.T) {
	statuses := s.ledger.QueueStatuses()
	if statuses == nil {
		return
	}
	used, waiting, running, pending := int64(0), 0, int64(0), 0
	for _, q := range statuses {
		waiting += q.Waiting
		for _, amount := range q.Used {
			used += amount
		}
	}
	for _, p := range s.sorted() {
		if p.at == bound {
			running += 1000
		} else {
			pending++
		}
	}
	if used != running || pending == 0 && waiting != 0 {
		t.Fatalf("the queues use %d millicores, and the pods %d; %d gangs and pods wait in queues of %d pods\n%s", used, running, waiting, pending, s)
	}
}
