package ledger_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// newAdverseSimulation draws nodes, priorities, and whether decisions are carried out late.
func newAdverseSimulation(t *rapid.T, most int) *simulation {
	s := newSimulation(rapid.SliceOfN(rapid.IntRange(1, most), 1, 3).Draw(t, "capacities")...)
	s.interrupted, s.late = rapid.Bool().Draw(t, "interrupted"), rapid.Bool().Draw(t, "late")
	if rapid.Bool().Draw(t, "priorities") {
		s.priority = func() int32 { return int32(10 * rapid.IntRange(0, 2).Draw(t, "priority")) }
	}
	return s
}

func nodeName(i int) string {
	if i == 0 {
		return "node"
	}
	return fmt.Sprint("node-", i)
}

// give adds to a node's free capacity.
func (s *simulation) give(node string, capacity int) {
	s.free[node] += capacity
	s.capacity += capacity
}

func (s *simulation) drawPriority() *int32 {
	if s.priority == nil {
		return nil
	}
	return new(s.priority())
}

// later runs what now, or queues it if the simulation is late.
func (s *simulation) later(what func()) {
	if s.late {
		s.todo = append(s.todo, what)
	} else {
		what()
	}
}

// deliver runs the first n queued things. It reports whether there were any.
func (s *simulation) deliver(n int) bool {
	for range n {
		what := s.todo[0]
		s.todo = s.todo[1:]
		what()
	}
	return n > 0
}

// deliverSome is a step of a property.
func (s *simulation) deliverSome(t *rapid.T) {
	if len(s.todo) > 0 {
		s.deliver(rapid.IntRange(1, len(s.todo)).Draw(t, "things"))
	}
}

// nodeFor returns the node for a pod that may proceed, or "" if it does not fit.
func (s *simulation) nodeFor(answer ledger.Answer) string {
	if answer.Slot != "" {
		if s.free[answer.Slot] > 0 {
			return answer.Slot
		}
		return ""
	}
	for _, node := range sortedKeys(s.free) {
		if s.free[node] > 0 && !slices.Contains(answer.Avoid, node) {
			return node
		}
	}
	return ""
}

// usable returns the free capacity of the nodes that are not to be avoided.
func (s *simulation) usable(avoid []string) map[string]int {
	free := map[string]int{}
	for node, capacity := range s.free {
		if capacity > 0 && !slices.Contains(avoid, node) {
			free[node] = capacity
		}
	}
	return free
}

func sum(capacities map[string]int) int {
	total := 0
	for _, capacity := range capacities {
		total += capacity
	}
	return total
}

// takeFrom takes capacity from the node with the least.
func takeFrom(free map[string]int) string {
	node := slices.MinFunc(sortedKeys(free), func(a, b string) int { return cmp.Compare(free[a], free[b]) })
	if free[node]--; free[node] == 0 {
		delete(free, node)
	}
	return node
}

// place plans a task. Members that a role requires come first.
func (s *simulation) place(task gang.Task) (gang.Planned, bool) {
	plan := gang.Planned{}
	free := s.usable(task.Avoid)
	must, declared := map[string]int{}, 0
	for _, r := range task.Roles {
		must[r.Name] = r.Must - r.Declared
		declared += r.Declared
	}
	var required, optional []string
	for i, ref := range task.Members {
		if len(task.Roles) > 0 && must[task.MemberRoles[i]] > 0 {
			must[task.MemberRoles[i]]--
			required = append(required, ref.UID)
		} else {
			optional = append(optional, ref.UID)
		}
	}
	for _, left := range must {
		if left > 0 {
			return gang.Planned{}, false
		}
	}
	capacity := sum(free) - declared - len(required)
	if capacity < 0 {
		return gang.Planned{}, false
	}
	for _, r := range task.Roles {
		for range r.Declared {
			plan.Slots = append(plan.Slots, gang.Slot{Role: r.Name, Node: takeFrom(free)})
		}
	}
	for _, uid := range append(required, optional[:min(capacity, len(optional))]...) {
		plan.Pins = append(plan.Pins, gang.Pin{UID: uid, Node: takeFrom(free)})
	}
	return plan, len(plan.Pins)+len(plan.Slots) >= task.Need
}

// look checks whether the changed nodes resolve the shortages of parked gangs.
func (s *simulation) look(p *simPod, scout ledger.Parked) bool {
	found, enough := s.enough(scout)
	var lacking []ledger.Lacking
	for _, l := range s.ledger.Parked() {
		if found, enough := s.enough(l); !enough {
			lacking = append(lacking, ledger.Lacking{Key: l.Key, Found: found})
		}
	}
	goes, decisions := s.ledger.Looked(p.pod.UID, enough, found, lacking)
	s.perform(decisions)
	return goes
}

// enough reports whether the changed nodes resolve a gang's shortage, like the plugins do.
func (s *simulation) enough(l ledger.Parked) (found int, enough bool) {
	if found, enough = s.capacityOn(l); !enough {
		return found, false
	}
	whole, differs := s.ledger.SincePlan(l.Key)
	if !differs {
		return found, true
	}
	all, enough := s.capacityOn(whole)
	return all - (whole.Shortage.Missing - l.Shortage.Missing), enough
}

func (s *simulation) capacityOn(l ledger.Parked) (found int, enough bool) {
	if l.Anything {
		return 0, true
	}
	for _, node := range l.Nodes {
		found += max(0, s.free[node])
	}
	return min(found, l.Shortage.Missing), found >= l.Shortage.Missing
}

// overbooked reports whether a node has less free capacity than it may.
func (s *simulation) overbooked() bool {
	for node, capacity := range s.free {
		if capacity < s.floor[node] {
			return true
		}
	}
	return false
}

// starting returns the number of a group's pods that are bound or being bound.
func (s *simulation) starting(group string) int {
	return s.count(group, bound) + s.count(group, binding)
}

// nodes returns the names of all nodes.
func (s *simulation) nodes() []string { return slices.Sorted(maps.Keys(s.free)) }

// count returns the number of a group's pods in a state.
func (s *simulation) count(group string, at place) int {
	n := 0
	for _, p := range s.pods {
		if p.group == group && p.at == at {
			n++
		}
	}
	return n
}

func (s *simulation) sorted() []*simPod {
	pods := make([]*simPod, 0, len(s.pods))
	for _, p := range s.pods {
		pods = append(pods, p)
	}
	slices.SortFunc(pods, func(a, b *simPod) int { return cmp.Compare(a.pod.Name, b.pod.Name) })
	return pods
}
