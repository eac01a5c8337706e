package view

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// candidates are the pods on the nodes, and the units that may be preempted.
type candidates struct {
	pods  []*corev1.Pod
	infos []fwk.PodInfo
	nodes []int
	units []ledger.Unit
	// leaving are the pods that are being deleted, by their places in changes.
	leaving []change
}

// candidatesOn returns the pods on the nodes, without units.
func candidatesOn(nodes []fwk.NodeInfo, now time.Time) candidates {
	var c candidates
	for i, node := range nodes {
		for _, info := range node.GetPods() {
			pod := info.GetPod()
			switch deleted := pod.DeletionTimestamp; {
			case slots.IsPlaceholder(pod):
			case deleted == nil:
				c.pods, c.infos, c.nodes = append(c.pods, pod), append(c.infos, info), append(c.nodes, i)
			case now.Sub(deleted.Time) <= hangs:
				c.leaving = append(c.leaving, change{info: info, node: i, removed: true})
			}
		}
	}
	return c
}

// roomSearch answers the questions of preempt.Choose.
type roomSearch struct {
	*view
	candidates
	task   gang.Task
	taker  ledger.Taker
	now    time.Time
	ledger *ledger.Ledger
	// found is the last plan, on has the classes of its members by node.
	found placement.Plan
	on    map[int][]int
	// slow counts the filters that putting back took so far where the node alone does not decide.
	slow int
}

// slowMost limits that. With more, what could not be checked stays gone.
const slowMost = 20_000

// problem describes the search. The resources are those that members request, and the number of pods.
func (s *roomSearch) problem(budgets Budgets) preempt.Problem {
	var names []string
	for _, c := range s.classes {
		for _, a := range c.Amounts() {
			if !slices.Contains(names, a.Resource) {
				names = append(names, a.Resource)
			}
		}
	}
	names = append(names, string(corev1.ResourcePods))
	p := preempt.Problem{Need: s.task.Need, Usable: s.usableNodes(), Budgets: budgets.Allowed()}
	if !s.bounded || !s.counted() {
		names = nil // what is free does not decide
	}
	for _, c := range s.classes {
		p.Classes = append(p.Classes, preempt.Class{Members: len(c.pods), Must: c.must, Ask: vectorOf(c.Request, names)})
	}
	p.Free = make([][]int64, len(s.snapshot))
	for i, node := range s.snapshot {
		p.Free[i] = make([]int64, len(names))
		for d, name := range names {
			p.Free[i][d] = requests.Free(node, name)
		}
	}
	for _, l := range s.leaving {
		addTo(p.Free[l.node], vectorOf(requests.Of(l.info), names))
	}
	p.Units = make([]preempt.Unit, len(s.units))
	p.Lacks = s.ledger.LacksOf(s.taker, s.now)
	for i := range s.units {
		u := &s.units[i]
		p.Units[i] = preempt.Unit{Kind: u.Kind, Core: u.Core, Priority: u.Priority, Started: u.Started, Frees: u.Frees}
		for _, at := range u.Pods {
			p.Units[i].Pods = append(p.Units[i].Pods, preempt.VictimPod{
				Node: s.nodes[at], Requests: vectorOf(requests.Of(s.infos[at]), names), Budgets: budgets.Of(s.pods[at]),
			})
		}
	}
	return p
}

// vectorOf returns the amounts of these resources.
func vectorOf(r requests.Request, names []string) []int64 {
	amounts := make([]int64, len(names))
	for d, name := range names {
		amounts[d] = r.Amount(name)
	}
	return amounts
}

func addTo(sum, amounts []int64) {
	for d, amount := range amounts {
		sum[d] += amount
	}
}

// usableNodes returns whether members of a class may use a node, whatever runs there.
func (s *roomSearch) usableNodes() func(class, node int) bool {
	uses := make([][]bool, len(s.classes))
	for i, c := range s.classes {
		uses[i] = make([]bool, len(s.snapshot))
		affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
		for node, info := range s.snapshot {
			uses[i][node] = c.excludes(info.Node()) == nil && admits(info.Node(), c.info.GetPod(), affinity)
		}
	}
	return func(class, node int) bool { return uses[class][node] }
}

// Plan plans the gang without these units and without the pods that are being deleted.
func (s *roomSearch) Plan(without []int, tiers []uint16) (map[int]int, bool) {
	if s.err != nil {
		return nil, false
	}
	s.rollBack()
	s.begin()
	changes := slices.Clone(s.leaving)
	for _, unit := range without {
		changes = append(changes, s.changesOf(unit, true)...)
	}
	if !s.assumeAll(changes) {
		return nil, false
	}
	sized := s.sized()
	if tiers != nil {
		for i := range sized {
			sized[i].Tiers, sized[i].Renew, sized[i].Follows = tiers, 0, false
		}
	}
	found, fits := placement.Find(s.view, placement.Gang{Classes: sized, Min: s.task.Need, Strategy: placement.Pack})
	if s.err != nil || !fits {
		return nil, false
	}
	s.found, s.on = found, map[int][]int{}
	uses := map[int]int{}
	for i, class := range s.placed {
		node := s.view.on[i]
		s.on[node] = append(s.on[node], class)
		uses[node]++
	}
	return uses, true
}

// changesOf returns the changes that take the pods of a unit off their nodes, or put them back.
func (s *roomSearch) changesOf(unit int, removed bool) []change {
	changes := make([]change, len(s.units[unit].Pods))
	for i, at := range s.units[unit].Pods {
		changes[i] = change{info: s.infos[at], node: s.nodes[at], removed: removed}
	}
	return changes
}

// assumeAll assumes changes, and reports whether that worked.
func (s *roomSearch) assumeAll(changes []change) bool {
	if len(changes) == 0 {
		return true
	}
	if _, err := s.nodeNamed(s.snapshot[0].Node().Name); err != nil { // makes a copy of the list of nodes
		s.err = err
		return false
	}
	if err := s.assume(changes); err != nil && s.err == nil {
		s.err = err
	}
	return s.err == nil
}

// Back puts a unit back if the members planned on its nodes still fit there.
func (s *roomSearch) Back(unit int) bool {
	if s.err != nil {
		return false
	}
	for _, c := range s.classes {
		if !c.local {
			return s.backSlowly(unit)
		}
	}
	byNode := map[int][]fwk.PodInfo{}
	for _, at := range s.units[unit].Pods {
		byNode[s.nodes[at]] = append(byNode[s.nodes[at]], s.infos[at])
	}
	var undo []func()
	for node, infos := range byNode {
		restore, fits := s.backOn(node, infos)
		if !fits {
			for _, f := range undo {
				f()
			}
			return false
		}
		undo = append(undo, restore)
	}
	for _, f := range undo {
		s.change(f)
	}
	return true
}

// backOn puts pods back on a node if the members that are planned there still fit. It returns what undoes that.
func (s *roomSearch) backOn(node int, infos []fwk.PodInfo) (undo func(), fits bool) {
	empty, filled := s.snapshot[node], s.view.nodes[node]
	undo = func() { s.snapshot[node], s.view.nodes[node] = empty, filled }
	with := empty.Snapshot()
	for _, info := range infos {
		with.AddPodInfo(info)
	}
	s.snapshot[node], s.view.nodes[node] = with, with
	if len(s.on[node]) > 0 {
		s.view.nodes[node] = with.Snapshot()
	}
	for _, class := range s.on[node] {
		if s.Room(class, node) == 0 || !s.Fits(class, node) {
			undo()
			return nil, false
		}
		s.view.nodes[node].AddPodInfo(s.classes[class].info)
	}
	return undo, true
}

// backSlowly does what Back does for members that do not depend on their node alone: it places them all again.
func (s *roomSearch) backSlowly(unit int) bool {
	if s.slow += len(s.placed); s.slow > slowMost {
		return false
	}
	placed, on := slices.Clone(s.placed), slices.Clone(s.view.on)
	s.begin()
	if s.assumeAll(s.changesOf(unit, false)) && s.placeAgain(placed, on) {
		s.commit()
		return true
	}
	s.rollBack()
	return false
}

// placeAgain places members on their nodes, and reports whether all of them fit.
func (s *roomSearch) placeAgain(classes, on []int) bool {
	for i, class := range classes {
		if !s.Fits(class, on[i]) {
			return false
		}
		s.Place(class, on[i])
	}
	return s.err == nil
}

// Allows reports whether the rules between queues allow these victims together.
func (s *roomSearch) Allows(victims []int) bool {
	units := make([]*ledger.Unit, len(victims))
	for i, unit := range victims {
		units[i] = &s.units[unit]
	}
	return s.ledger.MayTakeAll(s.taker, units, s.now)
}

// confirm plans the members once more on the nodes of the plan, without the victims only. The search has checked the nodes one by one.
func (s *roomSearch) confirm(victims []int) bool {
	placed, on := slices.Clone(s.placed), slices.Clone(s.view.on)
	s.rollBack()
	s.begin()
	changes := slices.Clone(s.leaving)
	for _, unit := range victims {
		changes = append(changes, s.changesOf(unit, true)...)
	}
	return s.assumeAll(changes) && s.placeAgain(placed, on)
}

// result describes the plan that was confirmed.
func (s *roomSearch) result(choice preempt.Choice, t team) RoomPlan {
	p := RoomPlan{Plan: s.pins(s.found, t), Broken: choice.Rank.Broken}
	for i, class := range s.placed {
		name := s.snapshot[s.view.on[i]].Node().Name
		p.Hold = append(p.Hold, slots.Aside{Node: name, Requests: s.classes[class].Request})
	}
	for _, unit := range choice.Victims {
		for _, at := range s.units[unit].Pods {
			p.Victims = append(p.Victims, Victim{Pod: s.pods[at], Unit: &s.units[unit]})
		}
	}
	for _, l := range s.leaving {
		if len(s.on[l.node]) > 0 {
			p.Leaving = append(p.Leaving, l.info.GetPod())
		}
	}
	return p
}
