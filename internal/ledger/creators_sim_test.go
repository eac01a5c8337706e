package ledger_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// choices are the settings that all members of a group share.
type choices struct {
	wholeGang, evictsPartial bool
	// reservation is how long slots are held for the members that the creator declares.
	reservation time.Duration
}

func (c choices) annotate(pod *corev1.Pod) {
	if c.wholeGang {
		pod.Annotations[conventions.RestartPolicyAnnotation] = string(gang.WholeGang)
	}
	if c.evictsPartial {
		pod.Annotations[conventions.OnPartialAnnotation] = string(gang.EvictOnPartial)
	}
}

// begin starts a process.
func (s *simulation) begin() {
	s.ledger = ledger.New(s.clock)
	s.ledger.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{Timeout: 10 * time.Second, ReservationTimeout: time.Minute})
}

// addCreator adds a creator that declares executors.
func (s *simulation) addCreator(name, group string, executors int, c choices, informerFirst bool) {
	s.version++
	pod := s.newPod(name)
	pod.Annotations = map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name": group,
		conventions.RoleAnnotation:              "driver",
		conventions.RolesAnnotation: fmt.Sprintf(`[{"name":"driver","min":1,"creates":true},
			{"name":"executor","min":%d,"requests":{"cpu":"1"}}]`, executors),
		conventions.ReservationTimeoutAnnotation: c.reservation.String(),
	}
	c.annotate(pod)
	s.add(&simPod{pod: pod, group: group, need: executors + 1, executors: executors, restarts: c.wholeGang}, informerFirst)
}

// execute adds an executor. A silent one has only Spark's labels.
func (s *simulation) execute(name, group string, executors int, c choices, silent, informerFirst bool) {
	s.version++
	pod := s.newPod(name)
	if silent {
		pod.Labels = map[string]string{"spark-role": "executor", "spark-app-selector": group}
	} else {
		pod.Annotations = map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name":          group,
			"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(executors + 1),
			conventions.RoleAnnotation:                       "executor",
		}
		c.annotate(pod)
	}
	s.add(&simPod{pod: pod, group: group, need: executors + 1, restarts: c.wholeGang && !silent}, informerFirst)
}

// createChoosing adds a member of a gang without a creator, with the settings of its group.
func (s *simulation) createChoosing(name string, g group, informerFirst bool) {
	s.version++
	pod := s.newPod(name)
	pod.Annotations = map[string]string{
		"pod-group.scheduling.sigs.k8s.io/name":          g.name,
		"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(g.need),
	}
	g.annotate(pod)
	s.add(&simPod{pod: pod, group: g.name, need: g.need, restarts: g.wholeGang}, informerFirst)
}

// end lets a pod run to completion, or its kubelet reject it. The two informers may deliver that in either order.
func (s *simulation) end(p *simPod, phase corev1.PodPhase, rejects, finishedFirst bool) {
	s.version++
	p.pod = p.pod.DeepCopy()
	p.pod.ResourceVersion = strconv.Itoa(s.version)
	p.pod.Status.Phase = phase
	p.pod.Status.Conditions = append(p.pod.Status.Conditions, corev1.PodCondition{
		Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(s.clock.Now().Truncate(time.Second)),
	})
	if rejects {
		p.pod.Status.Reason = "OutOfcpu"
	}
	delete(s.pods, p.pod.Name)
	s.ended[p.pod.Name] = p
	if finishedFirst {
		s.perform(s.ledger.Finish(p.pod))
	}
	s.perform(s.ledger.Forget(p.pod.UID))
	if !finishedFirst {
		s.perform(s.ledger.Finish(p.pod))
	}
	s.give(p.node, 1)
	s.event(p)
}

// collect deletes a finished pod.
func (s *simulation) collect(p *simPod) {
	delete(s.ended, p.pod.Name)
	s.perform(s.ledger.FinishedGone(p.pod.UID))
}

// nodeGone simulates a node that is deleted for a moment while its pods stay.
func (s *simulation) nodeGone(node string) {
	s.perform(s.ledger.NodeGone(node))
	s.follow()
	s.enterUnfit(nil)
	s.perform(s.ledger.CapacityChanged(node, ""))
}

// restart starts a new process that reads what the previous one wrote. The queue may ask about pods before that is read.
func (s *simulation) restart(entersEarly bool) {
	for _, node := range s.held {
		s.give(node, 1)
	}
	clear(s.held)
	s.dropCycle()
	s.todo = nil
	s.begin()
	for _, p := range s.sorted() {
		switch {
		case p.at == binding:
			s.give(p.node, 1)
			fallthrough
		case p.at != bound:
			p.at = gated
		}
		s.perform(s.ledger.Observe(p.pod))
		if entersEarly && p.at == gated {
			s.enter(p)
		}
	}
	for _, name := range sortedKeys(s.ended) {
		s.perform(s.ledger.Finish(s.ended[name].pod))
	}
	for _, p := range s.sorted() {
		var r gang.Reservation
		if p.at != bound || p.reservation == "" {
			continue
		}
		if err := json.Unmarshal([]byte(p.reservation), &r); err != nil {
			s.fault("reservation %q: %v", p.reservation, err)
		}
		s.perform(s.ledger.Restore(p.pod.UID, r))
	}
	floor := s.floor
	s.floor = nil // members and nodes have changed since the reservation was written
	s.follow()
	s.floor = map[string]int{}
	for node, capacity := range s.free {
		s.floor[node] = min(floor[node], capacity)
	}
	for _, p := range s.sorted() {
		if !entersEarly && p.at == gated {
			s.enter(p)
		}
	}
}

// dropCycle releases the capacity of a gang cycle whose process ended.
func (s *simulation) dropCycle() {
	if s.open == nil {
		return
	}
	for _, pin := range s.open.plan.Pins {
		s.give(pin.Node, 1)
	}
	s.open = nil
}

// follow applies the moves of slots to the free capacity. It reports whether slots were released.
func (s *simulation) follow() bool {
	freed := false
	for _, m := range s.ledger.Moves() {
		node, held := s.held[m.ID]
		switch {
		case m.Held == held:
			s.fault("slot %v: held is already %t", m.ID, m.Held)
		case m.Held:
			s.held[m.ID] = m.Node
			s.give(m.Node, -1)
		default:
			delete(s.held, m.ID)
			s.give(node, 1)
			freed = freed || m.Free
		}
	}
	if s.floor != nil && s.overbooked() {
		s.fault("the free capacity is below its floor: %v", s.free)
	}
	return freed
}

func (s *simulation) heldBy(group string) int {
	n := 0
	for id := range s.held {
		if id.Gang.Name == group {
			n++
		}
	}
	return n
}

// startCreator checks, when a creator is bound, that slots are held for all members that it declares.
func (s *simulation) startCreator(p *simPod) {
	text, err := s.ledger.Reservation(p.pod.UID)
	if err != nil {
		s.fault("reservation of %s: %v", p.pod.Name, err)
	}
	p.reservation = text
	if s.count(p.group, bound) > 0 || s.late {
		return // it joins the rest of another creator's gang, or others were lost since the plan
	}
	s.follow()
	there := s.heldBy(p.group) + s.count(p.group, binding) + s.succeeded(p.group) - 1 // without the creator
	if there < p.executors {
		s.fault("creator %s starts with capacity for %d of %d executors", p.pod.Name, there, p.executors)
	}
}

// checkJoin checks that no replacement joins the rest of a gang that restarts as a whole. It skips gangs with a creator, because
// they may not have been whole before.
func (s *simulation) checkJoin(p *simPod) {
	if p.pod.Annotations[conventions.RoleAnnotation] != "" || len(p.pod.Labels) > 0 {
		return
	}
	first, restarts := time.Time{}, false
	for _, other := range s.pods {
		restarts = restarts || other.group == p.group && other.restarts
		if other.group != p.group || other.at != bound {
			continue
		}
		if at := other.pod.Status.Conditions[0].LastTransitionTime.Time; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	there := s.count(p.group, bound) + s.heldBy(p.group) + s.succeeded(p.group)
	if restarts && !first.IsZero() && p.pod.CreationTimestamp.After(first) && there+1 < p.need {
		s.fault("%s joins a gang with %d of the %d members that it needs", p.pod.Name, there, p.need)
	}
}

func (s *simulation) succeeded(group string) int {
	n := 0
	for _, p := range s.ended {
		if p.group == group && p.pod.Status.Phase == corev1.PodSucceeded {
			n++
		}
	}
	return n
}

// fault records the first violation of a rule.
func (s *simulation) fault(format string, args ...any) {
	if s.wrong == "" {
		s.wrong = fmt.Sprintf(format, args...)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
