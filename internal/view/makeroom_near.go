package view

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// This file finds the few nodes where a single pod preempts the cheapest. It bounds for each node from below what room there costs, as if
// each pod of a lower priority could go alone. Victims are then searched on the nodes with the lowest bounds only, and what is found counts
// only if no other node can be cheaper. Otherwise all nodes are searched.

// nearNodes is how many nodes are searched.
const nearNodes = 16

// bound is what room on a node costs at least, in the order of preempt.Rank: no disruption beyond budgets, the highest priority, how many
// pods, and when the one of them that has run longest started.
type bound struct {
	node    int
	highest int32
	pods    int
	started int64
}

// compare returns a negative number if the bound is cheaper than another one. Nodes count last.
func (b bound) compare(o bound) int {
	return cmp.Or(cmp.Compare(b.highest, o.highest), cmp.Compare(b.pods, o.pods), cmp.Compare(o.started, b.started),
		cmp.Compare(b.node, o.node))
}

// near is a search on the nodes with the lowest bounds.
type near struct {
	*view
	*standings
	r     *RoomRequest
	names []string
	ask   []int64
	// What follows is only here to be used again.
	free, sum []int64
	lower     []*stander
	amounts   []int64
}

// boundOf returns the bound of a node, and false if the pod does not fit there even without all pods of lower priorities.
func (n *near) boundOf(i int) (bound, bool) {
	node := n.snapshot[i]
	for d, name := range n.names {
		n.free[d] = requests.Free(node, name)
	}
	for _, info := range n.nominated(n.classes[0].info.GetPod(), node) {
		takes := requests.Of(info)
		n.take(n.free, &takes, -1)
	}
	n.lower = n.lower[:0]
	pods, chosen := n.on(i, node), n.chosen(node)
	for k := range pods {
		p := &pods[k]
		switch {
		case n.r.leaves(p, chosen):
			n.take(n.free, &p.takes, 1)
		case p.priority < n.r.Taker.Priority && p.deleted == nil:
			n.lower = append(n.lower, p)
		}
	}
	b, last := bound{node: i}, 0
	copy(n.sum, n.free)
	for ; !n.fits(n.sum); last++ {
		if last == len(n.lower) {
			return bound{}, false
		}
		n.take(n.sum, &n.lower[last].takes, 1)
		b.highest = n.lower[last].priority
	}
	if last == 0 {
		return b, true
	}
	for last < len(n.lower) && n.lower[last].priority == b.highest {
		last++
	}
	may := n.lower[:last]
	b.pods = n.fewest(may)
	if may[0].priority < b.highest {
		slices.SortFunc(may, func(a, b *stander) int { return cmp.Compare(b.started, a.started) })
	}
	b.started = may[b.pods-1].started
	return b, true
}

// chosen returns the pods on the node that go for others.
func (n *near) chosen(node fwk.NodeInfo) map[types.UID]int {
	if len(n.r.Chosen) == 0 {
		return nil
	}
	return n.r.Chosen[node.Node().Name]
}

func (n *near) take(sum []int64, takes *requests.Request, times int64) {
	for d, name := range n.names {
		sum[d] += times * takes.Amount(name)
	}
}

func (n *near) fits(free []int64) bool {
	for d, ask := range n.ask {
		if ask > 0 && free[d] < ask {
			return false
		}
	}
	return true
}

// fewest returns how many of the pods have to go at least, for each resource alone.
func (n *near) fewest(pods []*stander) int {
	fewest := 0
	for d, ask := range n.ask {
		lacks := ask - n.free[d]
		if ask == 0 || lacks <= 0 {
			continue
		}
		n.amounts = n.amounts[:0]
		largest := int64(0)
		for _, p := range pods {
			amount := p.takes.Amount(n.names[d])
			n.amounts, largest = append(n.amounts, amount), max(largest, amount)
		}
		if largest >= lacks {
			fewest = max(fewest, 1)
			continue
		}
		slices.Sort(n.amounts)
		need := 0
		for _, amount := range slices.Backward(n.amounts) {
			if lacks <= 0 {
				break
			}
			lacks -= amount
			need++
		}
		fewest = max(fewest, need)
	}
	return fewest
}

// shortlist returns the nodes to search, at most so many and the cheapest first, and the bound that an answer has to reach: the lowest one
// of all other nodes. It returns false if a node has room without victims by counting.
func (n *near) shortlist(most int) (nodes []bound, others *bound, ok bool) {
	c := n.classes[0]
	pod := c.info.GetPod()
	affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
	nodes = make([]bound, 0, most+2)
	for i := range n.snapshot {
		b, fits := n.boundOf(i)
		if !fits || b.pods > 0 && len(nodes) > most && nodes[most].compare(b) < 0 {
			continue
		}
		if node := n.snapshot[i].Node(); c.excludes(node) != nil || !admits(node, pod, affinity) {
			continue
		}
		if b.pods == 0 {
			return nil, nil, false
		}
		at, _ := slices.BinarySearchFunc(nodes, b, bound.compare)
		nodes = slices.Insert(nodes, at, b)
		nodes = nodes[:min(len(nodes), most+1)]
	}
	if len(nodes) > most {
		return nodes[:most], &nodes[most], true
	}
	return nodes, nil, true
}

// candidates returns the pods on some nodes, which are numbered in this order.
func (n *near) candidates(nodes []bound) candidates {
	var c candidates
	for i, b := range nodes {
		node := n.snapshot[b.node]
		pods, chosen := n.on(b.node, node), n.chosen(node)
		for k := range pods {
			p := &pods[k]
			switch {
			case n.r.leaves(p, chosen):
				c.leaving = append(c.leaving, change{info: p.PodInfo, node: i, removed: true})
			case p.deleted == nil:
				c.pods, c.infos, c.nodes = append(c.pods, p.pod), append(c.infos, p.PodInfo), append(c.nodes, i)
			}
		}
	}
	return c
}

// reaches reports whether nothing can be cheaper than what was chosen: the other nodes, and the gangs of which some pods are on the nodes
// that were searched.
func (n *near) reaches(rank preempt.Rank, nodes []bound, others *bound, l *ledger.Ledger) bool {
	found := bound{highest: rank.Highest, pods: rank.Pods, started: rank.Started.UnixNano(), node: -1}
	if rank.Broken > 0 || rank.Gangs > 0 || others != nil && found.compare(*others) > 0 {
		return false
	}
	for _, b := range nodes {
		if found.compare(b) <= 0 {
			continue
		}
		pods := n.on(b.node, n.snapshot[b.node])
		if slices.ContainsFunc(pods, func(p stander) bool { _, member := l.GangOf(p.pod.UID); return member }) {
			return false
		}
	}
	return true
}

// searchNear looks for victims of a single pod on the nodes with the lowest bounds. It returns true if what it
// chose is the best answer.
func (v *view) searchNear(r *RoomRequest, p *Planner) (s *roomSearch, choice preempt.Choice, settled bool) {
	if r.Task.Need != 1 || v.where.asked() || len(v.classes) != 1 || !v.classes[0].local || !v.bounded || !v.counted() ||
		!p.Ledger.OnlyPriorities() {
		return nil, choice, false
	}
	p.stand(v.snapshot)
	n := &near{view: v, standings: &p.standings, r: r, names: resourcesOf(v.classes)}
	takes := v.classes[0].Request
	n.ask, n.free, n.sum = vectorOf(takes, n.names), make([]int64, len(n.names)), make([]int64, len(n.names))
	nodes, others, ok := n.shortlist(p.nearest())
	if !ok || len(nodes) == 0 {
		return nil, choice, false
	}
	c := n.candidates(nodes)
	c.units = p.Ledger.UnitsAmong(r.Taker, c.pods, r.Now)
	few := v.narrowed(nodes)
	s = few.searchRoom(r, c, p.Ledger)
	few.begin()
	choice, found := s.choose(s.problem(r.Budgets))
	if found && n.reaches(choice.Rank, nodes, others, p.Ledger) {
		return s, choice, true
	}
	few.rollBack()
	v.err = few.err
	return nil, choice, false
}

// narrowed returns a view of these nodes only, for classes for which only the node decides. The classes are those of the view, so one of
// the two views can be used at a time.
func (v *view) narrowed(nodes []bound) *view {
	few := make([]fwk.NodeInfo, len(nodes))
	for i, b := range nodes {
		few[i] = v.snapshot[b.node]
	}
	narrowed := *v
	narrowed.placements = placements{shared: few, snapshot: few, nodes: slices.Clone(few)}
	narrowed.allocations, narrowed.hypotheses = allocations{group: v.group}, hypotheses{}
	return &narrowed
}

// nearest returns how many nodes are searched first for a single pod.
func (p *Planner) nearest() int { return cmp.Or(p.near, nearNodes) }
