// Package preempt chooses what has to end so that a gang can start.
//
// It is pure: it asks a planner "where would the members go without these?" through a narrow interface, reads no clock and uses no
// randomness, so the same input gives the same choice. A plan with all filters is expensive, so the package asks for few of them and counts
// resources first:
//
//   - model.go is the problem in numbers: units in one order from the cheapest, and what each frees on each node.
//   - hopeful.go counts whether the gang could fit at all.
//   - greedy.go chooses units by counting: one step after the other, always one with the fewest pods for each member that then fits.
//     step.go has the steps, prune.go gives back what turned out to be unnecessary, improve.go tries other choices within a bound.
//   - search.go asks the planner about what was chosen by counting, finds the lowest priority that is enough, and keeps the best answer.
//   - giveback.go gives back what a plan does not need, the dearest first.
//   - allowed.go finds units that the rules between queues allow together.
package preempt

import (
	"slices"
	"time"
)

// Kind says what a unit is. The zero value is the dearest.
type Kind int

const (
	// Gang is the members of a gang that it needs. The whole gang goes: its surplus too.
	Gang Kind = iota
	// Surplus is one member of a gang above its min-available.
	Surplus
	// Pod is a pod without a gang.
	Pod
)

// Unit is a set of pods that go together.
type Unit struct {
	Kind Kind
	// Core is, for a Surplus, the index of the unit of its gang, or -1 if the gang itself may not go. If the core goes, all its surplus
	// goes too. Other kinds do not use it.
	Core     int
	Priority int32
	// Started is when the last of its pods started. Of equal units the one that started last goes first.
	Started time.Time
	Pods    []VictimPod
	// Frees is how much the unit frees of each bound; see Problem.Lacks.
	Frees []int64
}

// VictimPod is a pod of a unit.
type VictimPod struct {
	// Node is an index of Problem.Free. A pod on no such node frees nothing there.
	Node int
	// Requests are by resource, as in Problem.Free.
	Requests []int64
	// Budgets are the indexes of the disruption budgets that select the pod.
	Budgets []int
}

// Class is a set of equal members of the gang that wants to start.
type Class struct {
	// Members is how many there are; Must of them have to be in the plan.
	Members, Must int
	// Ask is what one member requests, by resource.
	Ask []int64
}

// Problem is a gang that does not fit, and what may be evicted for it.
type Problem struct {
	Units []Unit
	// Free is what is free now, by node, then by resource. It may be negative.
	Free [][]int64
	// Usable reports whether a member of the class may use the node at all, whatever is free there. nil: all may use all.
	Usable  func(class, node int) bool
	Classes []Class
	// Need is how many members have to be in the plan, of all classes together.
	Need int
	// Budgets are the disruptions that each budget still allows.
	Budgets []int
	// Lacks is how much must be freed of each bound, such as the limit of a queue. Nothing must be freed where it is not above 0.
	Lacks []int64
}

// Cluster is the planner with all filters. Its state is that of the last Plan and of the units given back since. The same questions must
// get the same answers: Choose asks the best one again if it was not the last.
type Cluster interface {
	// Plan plans the gang on the cluster without these units, preferring nodes of lower tiers. Tiers has one for each node, 0 to MaxTier.
	// Plan returns the number of planned members on each node that it uses, and false if no plan fits.
	// A plan should not have more members than have to be placed: more of them need more victims.
	Plan(without []int, tiers []uint16) (uses map[int]int, fits bool)
	// Back gives a unit back that the last Plan was without, if the members planned on its nodes still fit there with it. Otherwise it
	// changes nothing and returns false.
	Back(unit int) bool
	// Allows reports whether the rules between queues allow these victims together. A subset of an allowed set is allowed.
	Allows(victims []int) bool
}

// MaxTier is the highest tier of a node.
const MaxTier = 4095

// Choice is what has to go.
type Choice struct {
	// Victims are indexes of Problem.Units, in ascending order.
	Victims []int
	Rank    Rank
}

// Choose returns the cheapest victims that it found, and false if there are none with which the gang fits. When it returns true, the
// cluster's last plan is the one to carry out: exactly the victims are gone in it.
//
// With no victims the gang fits as it is.
func Choose(p Problem, c Cluster) (Choice, bool) {
	if !Hopeful(p) {
		return Choice{}, false
	}
	m := newModel(p)
	s := newSearch(m, c)
	if !s.run(m.all()) {
		return Choice{}, false
	}
	if s.best == nil {
		s.amongAllowed()
	}
	return s.finish()
}

// Hopeful reports whether the gang could fit by what is free if all units were gone. false means that there is no plan. It only counts, and
// never calls the planner.
func Hopeful(p Problem) bool {
	free, lacks := make([][]int64, len(p.Free)), slices.Clone(p.Lacks)
	for n := range free {
		free[n] = slices.Clone(p.Free[n])
	}
	for i := range p.Units {
		for k := range p.Units[i].Pods {
			if pod := &p.Units[i].Pods[k]; pod.Node >= 0 && pod.Node < len(free) {
				add(free[pod.Node], pod.Requests)
			}
		}
		subtract(lacks, p.Units[i].Frees)
	}
	p.Units, p.Free, p.Lacks = nil, free, lacks
	return newModel(p).hopeful(nil)
}
