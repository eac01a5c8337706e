package ledger_test

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// simulation is a deliberately simple scheduler around a ledger: nodes with a number of places each, and a scheduling
// queue that behaves as upstream's does where it matters. Each step performs everything that follows from it, unless late is set.
type simulation struct {
	ledger *ledger.Ledger
	clock  *testingclock.FakePassiveClock
	// room is how many places are free on all nodes, free how many on each.
	room int
	free map[string]int
	pods map[string]*simPod
	// late makes decisions be performed only when they are delivered: they wait in todo, as for the dispatcher's goroutine.
	late bool
	todo []func()
	// priority returns that of the next pod; nil if all have none.
	priority func() int32
	// told counts what members were told, by kind.
	told map[gang.Kind]int
	// cycles counts scheduling cycles, plans those that looked at every node.
	cycles, plans int
	version       int
	// interrupted says that things happen between a plan and its Commit: open is the gang cycle that goes on, nil if none does.
	interrupted bool
	open        *simCycle
	// held are the places that are held for members that do not exist yet, with their nodes; each takes a room.
	held map[gang.SlotID]string
	// floor is the least room there may be on a node: below 0 only after a restart that holds again what others took meanwhile.
	floor map[string]int
	// ended are the pods that succeeded or failed and still exist.
	ended map[string]*simPod
	// refuses says whether the API refuses to bind the pod; nil if it never does. unbound counts the binds that were refused, broken
	// the attempts that broke.
	refuses         func(*simPod) bool
	unbound, broken int
	// slow makes binds take until answer is called for them.
	slow bool
	// wrong is the first rule that was broken.
	wrong string
}

type place string

const (
	active   place = "active"   // in the scheduling queue's active part
	gated    place = "gated"    // refused by PreEnqueue
	rejected place = "rejected" // refused by a plugin of ours in a cycle
	unfit    place = "unfit"    // found no node
	backoff  place = "backoff"  // could not be bound, and is popped again after a while
	binding  place = "binding"  // is being bound
	bound    place = "bound"
)

type simPod struct {
	pod   *corev1.Pod
	group string
	need  int
	at    place
	node  string    // where it takes capacity
	seen  time.Time // when it entered the queue
	until time.Time // when its backoff ends
	// executors is how many a creator declares, reservation what was written on it with the bind.
	executors   int
	reservation string
	restarts    bool
}

// newSimulation has one node with so much room, or more nodes.
func newSimulation(rooms ...int) *simulation {
	clock := testingclock.NewFakePassiveClock(time.Unix(1_000_000, 0))
	s := &simulation{
		clock: clock, free: map[string]int{}, pods: map[string]*simPod{}, told: map[gang.Kind]int{},
		held: map[gang.SlotID]string{}, ended: map[string]*simPod{}, floor: map[string]int{},
	}
	for i, room := range rooms {
		s.give(nodeName(i), room)
	}
	s.begin()
	return s
}

// create adds a member of a group that needs so many; a need of 0 makes a plain pod. The informer may tell the ledger of
// a pod before the queue does.
func (s *simulation) create(name, group string, need int, informerFirst, withGates bool) {
	s.version++
	pod := s.newPod(name)
	if need > 0 {
		pod.Annotations = map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name":          group,
			"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(need),
		}
	}
	if withGates {
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}}
	}
	s.add(&simPod{pod: pod, group: group, need: need}, informerFirst)
}

func (s *simulation) newPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: strconv.Itoa(s.version),
			CreationTimestamp: metav1.NewTime(s.clock.Now().Truncate(time.Second)),
		},
		Spec: corev1.PodSpec{SchedulerName: "kubenexus-scheduler", Priority: s.drawPriority()},
	}
}

func (s *simulation) add(p *simPod, informerFirst bool) {
	p.at = gated
	s.pods[p.pod.Name] = p
	if informerFirst {
		s.perform(s.ledger.Observe(p.pod))
	}
	s.enter(p)
	if !informerFirst {
		s.perform(s.ledger.Observe(p.pod))
	}
}

// enter is PreEnqueue.
func (s *simulation) enter(p *simPod) {
	answer := s.ledger.Enter(p.pod)
	p.at = gated
	if answer.Verdict != gang.Refuse && len(p.pod.Spec.SchedulingGates) == 0 {
		p.at, p.seen = active, s.clock.Now()
	}
	s.perform(answer.Decisions)
}

// ungate removes a pod's scheduling gates.
func (s *simulation) ungate(p *simPod) {
	s.version++
	p.pod = p.pod.DeepCopy()
	p.pod.Spec.SchedulingGates = nil
	p.pod.ResourceVersion = strconv.Itoa(s.version)
	s.perform(s.ledger.Observe(p.pod))
	if p.at == gated { // upstream's own event for gates that are gone
		s.enter(p)
	}
}

// remove deletes a pod.
func (s *simulation) remove(p *simPod) {
	delete(s.pods, p.pod.Name)
	s.perform(s.ledger.Forget(p.pod.UID))
	if p.at == binding {
		s.perform(s.ledger.Unreserve(p.pod.UID))
	}
	if p.at == bound || p.at == binding {
		s.give(p.node, 1)
		s.event(p)
	}
}

// event tells the queue that a pod's room is free.
func (s *simulation) event(gone *simPod) {
	s.enterUnfit(gone)
	s.perform(s.ledger.RoomChanged(gone.node, gone.pod.UID))
}

func (s *simulation) enterUnfit(but *simPod) {
	for _, p := range s.sorted() {
		if p.at == unfit && but != p {
			s.enter(p)
		}
	}
}

func (s *simulation) bind(p *simPod) {
	p.at = binding
	if !s.slow {
		s.later(func() {
			if p.at == binding && s.pods[p.pod.Name] == p {
				s.answer(p)
			}
		})
	}
}

// answer is the API's to a bind.
func (s *simulation) answer(p *simPod) {
	if s.refuses != nil && s.refuses(p) {
		s.refuseBind(p)
		return
	}
	if p.executors > 0 {
		s.startCreator(p)
	}
	p.at = bound
	s.version++
	p.pod = p.pod.DeepCopy()
	p.pod.Spec.NodeName = p.node
	p.pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(s.clock.Now().Truncate(time.Second)),
	}}
	p.pod.ResourceVersion = strconv.Itoa(s.version)
	s.perform(s.ledger.Observe(p.pod))
	s.ledger.AnythingChanged() // as each pod that is bound does
}

// giveBack is what follows when a pod that holds room is rejected.
func (s *simulation) giveBack(p *simPod) {
	p.at = rejected
	s.give(p.node, 1)
	s.perform(s.ledger.Unreserve(p.pod.UID))
	s.event(p)
}

// perform carries decisions out, or has them wait.
func (s *simulation) perform(decisions []gang.Decision) {
	s.checkTold(decisions)
	for _, decision := range decisions {
		s.later(func() { s.do(decision) })
	}
}

func (s *simulation) do(decision gang.Decision) {
	switch d := decision.(type) {
	case gang.Activate:
		s.activate(d)
	case gang.Ended:
		if !d.Started {
			s.broken++
		}
	case gang.Tell:
		s.told[d.Kind] += len(d.Members)
	case gang.Evict:
		for _, ref := range d.Members {
			if p := s.pods[ref.Name]; p != nil {
				s.remove(p)
			}
		}
	case gang.Freed:
		if s.follow() {
			s.enterUnfit(nil)
		}
	}
}

func (s *simulation) activate(d gang.Activate) {
	for _, ref := range d.Members {
		if p := s.pods[ref.Name]; p != nil && (p.at == gated || p.at == rejected || p.at == unfit || p.at == backoff) {
			s.enter(p)
		}
	}
}

// rest lets the scheduler work, and so much time pass.
func (s *simulation) rest(d time.Duration) {
	for range d / (100 * time.Millisecond) {
		s.work()
		s.clock.SetTime(s.clock.Now().Add(100 * time.Millisecond))
		s.endBackoffs()
		s.perform(s.ledger.Tick())
	}
	s.work()
}

// work is all that there is to do.
func (s *simulation) work() {
	before := s.cycles
	for busy := true; busy; {
		busy = s.cycle() || s.deliver(len(s.todo))
		if s.cycles-before > maxCycles {
			panic("the scheduler never comes to rest\n" + s.String())
		}
	}
}

// maxCycles is many more scheduling cycles than follow from anything that happens at once in a test.
const maxCycles = 50_000

func (s *simulation) less(a, b *simPod) bool {
	key := func(p *simPod) ledger.SortKey {
		if k, ok := s.ledger.Order(p.pod.UID); ok {
			return k
		}
		return ledger.SortKey{Priority: corev1helpers.PodPriority(p.pod), Age: p.seen}
	}
	return cmp.Or(key(a).Compare(key(b)), cmp.Compare(a.pod.Name, b.pod.Name)) < 0
}

func (s *simulation) String() string {
	text := fmt.Sprintf("%d places free on %v, %d held, %d things to do\n", s.room, s.free, len(s.held), len(s.todo))
	for _, p := range s.sorted() {
		text += fmt.Sprintf("  %s of %q (needs %d): %s %s\n", p.pod.Name, p.group, p.need, p.at, p.node)
	}
	return text
}
