package view

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"k8s.io/apimachinery/pkg/labels"
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
	// leaving are the pods that are being deleted, or go for others.
	leaving []change
}

// candidatesOn returns the pods on the nodes, without units.
func candidatesOn(nodes []fwk.NodeInfo, r *RoomRequest) candidates {
	total := 0
	for _, node := range nodes {
		total += len(node.GetPods())
	}
	c := candidates{pods: make([]*corev1.Pod, 0, total), infos: make([]fwk.PodInfo, 0, total), nodes: make([]int, 0, total)}
	for i, node := range nodes {
		for _, info := range node.GetPods() {
			pod := info.GetPod()
			switch deleted := pod.DeletionTimestamp; {
			case slots.IsPlaceholder(pod):
			case deleted == nil && r.Chosen.Has(pod):
				c.leaving = append(c.leaving, change{info: info, node: i, removed: true})
			case deleted == nil:
				c.pods, c.infos, c.nodes = append(c.pods, pod), append(c.infos, info), append(c.nodes, i)
			case r.Now.Sub(deleted.Time) <= hangs:
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
	// asks are what members request, by class, and counts is true if that decides whether they fit.
	asks   [][]gang.Amount
	counts bool
	// selectors are by what labels members select other pods. exact is true if all filters run when a unit is put back, although no filter
	// that we know of needs it.
	selectors []labels.Selector
	exact     bool
	// slow counts the filters that putting back took so far where the node alone does not decide.
	slow int
}

// slowMost limits that. With more, what could not be checked stays gone.
const slowMost = 20_000

func (v *view) searchRoom(r *RoomRequest, c candidates, l *ledger.Ledger) *roomSearch {
	s := &roomSearch{view: v, candidates: c, task: r.Task, taker: r.Taker, now: r.Now, ledger: l, counts: v.counted()}
	for _, c := range v.classes {
		s.asks = append(s.asks, c.Amounts())
	}
	s.selectors = selectorsOf(v.classes)
	return s
}

// choose chooses victims, and plans the members without exactly these. It returns false if the gang does not fit, or needs no victims.
func (s *roomSearch) choose(p preempt.Problem) (preempt.Choice, bool) {
	choice, found := preempt.Choose(p, s)
	if s.err != nil || !found || len(choice.Victims) == 0 {
		return preempt.Choice{}, false
	}
	if s.confirm(choice.Victims) {
		return choice, true
	}
	if s.exact || s.local() || s.err != nil {
		return preempt.Choice{}, false
	}
	s.exact = true // a filter looks at what we did not expect
	return s.choose(p)
}

// problem describes the search. The resources are those that members request, and the number of pods.
func (s *roomSearch) problem(budgets Budgets) preempt.Problem {
	names := resourcesOf(s.classes)
	p := preempt.Problem{Need: s.task.Need, Usable: s.usableNodes(), Budgets: budgets.Allowed()}
	if !s.bounded || !s.counts {
		names = nil // what is free does not decide
	}
	p.Classes, p.Free = s.classesInNumbers(names), s.freeNow(names)
	for _, l := range s.leaving {
		addTo(p.Free[l.node], vectorOf(requests.Of(l.info), names), 1)
	}
	p.Units, p.Lacks = s.inNumbers(names, budgets), s.ledger.LacksOf(s.taker, s.now)
	return p
}

// resourcesOf returns what members request, and the number of pods.
func resourcesOf(classes []*class) []string {
	var names []string
	for _, c := range classes {
		for _, a := range c.Amounts() {
			if !slices.Contains(names, a.Resource) {
				names = append(names, a.Resource)
			}
		}
	}
	return append(names, string(corev1.ResourcePods))
}

// inNumbers describes the units to the search.
func (s *roomSearch) inNumbers(names []string, budgets Budgets) []preempt.Unit {
	units, total := make([]preempt.Unit, len(s.units)), 0
	for i := range s.units {
		total += len(s.units[i].Pods)
	}
	pods, takes := make([]preempt.VictimPod, 0, total), rows(total, len(names))
	for i := range s.units {
		u := &s.units[i]
		for _, at := range u.Pods {
			requested := takes[len(pods)]
			r := requests.Of(s.infos[at])
			for d, name := range names {
				requested[d] = r.Amount(name)
			}
			pods = append(pods, preempt.VictimPod{Node: s.nodes[at], Requests: requested, Budgets: budgets.Of(s.pods[at])})
		}
		own := pods[len(pods)-len(u.Pods) : len(pods) : len(pods)]
		units[i] = preempt.Unit{Kind: u.Kind, Core: u.Core, Priority: u.Priority, Started: u.Started, Pods: own, Frees: u.Frees}
	}
	return units
}

// rows returns vectors that are zero.
func rows(count, length int) [][]int64 {
	all, list := make([]int64, count*length), make([][]int64, count)
	for i := range list {
		list[i] = all[i*length : (i+1)*length : (i+1)*length]
	}
	return list
}

// vectorOf returns the amounts of these resources.
func vectorOf(r requests.Request, names []string) []int64 {
	amounts := make([]int64, len(names))
	for d, name := range names {
		amounts[d] = r.Amount(name)
	}
	return amounts
}

func addTo(sum, amounts []int64, times int64) {
	for d, amount := range amounts {
		sum[d] += times * amount
	}
}

// usableNodes returns whether members of a class may use a node, whatever runs there.
func (v *view) usableNodes() func(class, node int) bool {
	uses := make([][]bool, len(v.classes))
	for i, c := range v.classes {
		uses[i] = make([]bool, len(v.snapshot))
		if v.stopped() {
			continue
		}
		affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
		for node, info := range v.snapshot {
			uses[i][node] = !v.outside(node) && c.excludes(info.Node()) == nil && admits(info.Node(), c.info.GetPod(), affinity)
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
	found, fits := s.view.find(sized, s.task.Need, placement.Pack)
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

// hopeless reports whether counting says that there are no victims which the rules between queues allow.
func (s *roomSearch) hopeless() bool {
	tally := s.countUnits(s.candidates)
	return tally.hopeless(s.task.Need, s.lacksAfterAll()) ||
		tally.beyond(s.task.Need, s.ledger.MostFreed(s.taker, s.units, tally.names, tally.takes, s.now))
}

// lacksAfterAll returns how much of each bound is lacking when all units are gone.
func (s *roomSearch) lacksAfterAll() []int64 {
	lacks := s.ledger.LacksOf(s.taker, s.now)
	for i := range s.units {
		for b, frees := range s.units[i].Frees[:min(len(lacks), len(s.units[i].Frees))] {
			lacks[b] -= frees
		}
	}
	return lacks
}
