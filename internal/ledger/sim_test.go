package ledger_test

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// simulation is a deliberately simple scheduler around a ledger: nodes with a capacity in pods, and a scheduling queue that behaves
// like upstream's where it matters. Each step carries out all its effects unless late is set.
type simulation struct {
	ledger *ledger.Ledger
	clock  *testingclock.FakePassiveClock
	// capacity is the free capacity of all nodes, free that of each node. Each pod takes 1.
	capacity int
	free     map[string]int
	pods     map[string]*simPod
	// late queues decisions in todo until they are delivered, like the dispatcher's goroutine.
	late bool
	todo []func()
	// priority returns the priority of the next pod; nil if all have none.
	priority func() int32
	// told counts the notices on members by kind.
	notified map[gang.Kind]int
	// cycles counts scheduling cycles, plans those that looked at every node.
	cycles, plans int
	version       int
	// interrupted is true if events may happen between a plan and its Commit. open is the current gang cycle, or nil.
	interrupted bool
	open        *simCycle
	// held are the slots with their nodes. Each takes a capacity of 1.
	held map[gang.SlotID]string
	// floor is the least free capacity that a node may have. It is below 0 only after a restart that holds slots again whose capacity
	// was taken in the meantime.
	floor map[string]int
	// ended are the pods that succeeded or failed and still exist.
	ended map[string]*simPod
	// refuses returns whether the API server rejects the bind of a pod; nil if it never does. unbound counts the rejected binds,
	// broken the failed attempts.
	refuses         func(*simPod) bool
	unbound, broken int
	// picky returns whether a plan fails for more than capacity; nil if it never does.
	picky func() bool
	// slow leaves binds in flight until answer is called for them.
	slow bool
	// wrong is the first violation of a rule.
	wrong string
	// sizes are the capacities of the nodes.
	sizes map[string]int
	simQueues
}

type place string

const (
	active   place = "active"   // in the active queue
	gated    place = "gated"    // refused by PreEnqueue
	waits    place = "waits"    // waits for its turn
	rejected place = "rejected" // refused by one of our plugins in a cycle
	unfit    place = "unfit"    // found no node
	backoff  place = "backoff"  // its bind was rejected; popped again after a backoff
	binding  place = "binding"  // being bound
	bound    place = "bound"
)

type simPod struct {
	pod   *corev1.Pod
	group string
	need  int
	at    place
	node  string    // where it uses capacity
	seen  time.Time // when it entered the queue
	until time.Time // when its backoff ends
	// executors is the number of executors that a creator declares, reservation the text that was written on it with the bind.
	executors   int
	reservation string
	restarts    bool
}

// newSimulation has one node for each capacity.
func newSimulation(capacities ...int) *simulation {
	clock := testingclock.NewFakePassiveClock(time.Unix(1_000_000, 0))
	s := &simulation{
		clock: clock, free: map[string]int{}, pods: map[string]*simPod{}, notified: map[gang.Kind]int{},
		sizes: map[string]int{}, held: map[gang.SlotID]string{}, ended: map[string]*simPod{}, floor: map[string]int{},
	}
	for i, capacity := range capacities {
		s.sizes[nodeName(i)] = capacity
		s.give(nodeName(i), capacity)
	}
	s.begin()
	return s
}

// create adds a member of a group with this min-available; 0 makes a plain pod. With informerFirst the ledger learns of the pod
// from the informer before the queue.
func (s *simulation) create(name, group string, need int, informerFirst, withGates bool) {
	s.version++
	pod := s.newPod(name)
	if need > 0 {
		pod.Annotations = map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name":          group,
			"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(need),
		}
	}
	if name := s.inQueue(group); name != "" {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations["kubenexus.io/queue"] = name
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
		Spec: corev1.PodSpec{
			SchedulerName: "kubenexus-scheduler", Priority: s.drawPriority(),
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
			}}},
		},
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

// enter is the pod's PreEnqueue.
func (s *simulation) enter(p *simPod) {
	answer := s.ledger.Enter(p.pod)
	p.at = gated
	if answer.Verdict != gang.Refuse && !s.offer(p) && len(p.pod.Spec.SchedulingGates) == 0 {
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
	if p.at == gated { // upstream's own event for removed gates
		s.enter(p)
	}
}

// remove deletes a pod.
func (s *simulation) remove(p *simPod) {
	delete(s.pods, p.pod.Name)
	s.perform(s.ledger.Forget(p.pod.UID))
	if s.turn == p {
		s.turn = nil
		s.ledger.Skip(p.pod.UID)
	}
	if p.at == binding {
		s.perform(s.ledger.Unreserve(p.pod.UID))
		s.perform(s.ledger.Unreserved(p.pod.UID))
	}
	if p.at == bound || p.at == binding {
		s.give(p.node, 1)
		s.event(p)
	}
}

// event reports to the queue that a pod's capacity is free.
func (s *simulation) event(gone *simPod) {
	s.enterUnfit(gone)
	s.perform(s.ledger.CapacityChanged(gone.node, gone.pod.UID))
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

// answer completes a bind, or rejects it.
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
	s.ledger.AnythingChanged() // as every bound pod does
}

// giveBack releases the capacity of a pod that Permit rejected.
func (s *simulation) giveBack(p *simPod) {
	p.at = rejected
	s.give(p.node, 1)
	s.perform(s.ledger.Unreserve(p.pod.UID))
	s.perform(s.ledger.Unreserved(p.pod.UID))
	s.event(p)
}

// perform carries out decisions, or queues them if the simulation is late.
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
	case gang.Notify:
		s.notified[d.Kind] += len(d.Members)
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
		if p := s.pods[ref.Name]; p != nil && (p.at == gated || p.at == waits || p.at == rejected || p.at == unfit || p.at == backoff) {
			s.enter(p)
		}
	}
}

// rest lets the scheduler work for this long.
func (s *simulation) rest(d time.Duration) {
	for range d / (100 * time.Millisecond) {
		s.work()
		s.clock.SetTime(s.clock.Now().Add(100 * time.Millisecond))
		s.endBackoffs()
		s.tick()
	}
	s.work()
}

// tick has the ledger tick, and compares that with ticking all gangs.
func (s *simulation) tick() {
	if err := s.ledger.CheckSkipped(); err != nil {
		panic(err)
	}
	decisions := s.ledger.Tick()
	if err := s.ledger.CheckLooked(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, s))
	}
	s.perform(decisions)
}

// work runs cycles and queued decisions until none are left.
func (s *simulation) work() {
	before := s.cycles
	for busy := true; busy; {
		busy = s.cycle() || s.deliver(len(s.todo))
		if s.cycles-before > maxCycles {
			panic("the scheduler never becomes idle\n" + s.String())
		}
	}
}

// maxCycles is far more than the number of scheduling cycles that any step of a test causes.
const maxCycles = 50_000

func (s *simulation) less(a, b *simPod) bool {
	if s.turn == a || s.turn == b {
		return s.turn == b
	}
	key := func(p *simPod) queue.SortKey {
		if k, ok := s.ledger.Order(p.pod.UID); ok {
			return k
		}
		return queue.SortKey{Priority: corev1helpers.PodPriority(p.pod), Age: p.seen}
	}
	return cmp.Or(key(a).Compare(key(b)), cmp.Compare(a.pod.Name, b.pod.Name)) < 0
}

func (s *simulation) String() string {
	text := fmt.Sprintf("free capacity %d on %v, %d slots held, %d things to do\n", s.capacity, s.free, len(s.held), len(s.todo))
	for _, p := range s.sorted() {
		text += fmt.Sprintf("  %s of %q (needs %d): %s %s\n", p.pod.Name, p.group, p.need, p.at, p.node)
	}
	return text
}
