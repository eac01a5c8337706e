package view

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

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
	standings
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
	copy(n.sum, n.free)
	pods, chosen := n.on(node), n.r.Chosen[node.Node().Name]
	for k := range pods {
		p := &pods[k]
		switch {
		case n.r.leaves(p, chosen):
			n.take(n.free, &p.takes, 1)
			n.take(n.sum, &p.takes, 1)
		case p.priority < n.r.Taker.Priority && p.deleted == nil:
			n.lower = append(n.lower, p)
			n.take(n.sum, &p.takes, 1)
		}
	}
	if !n.fits(n.sum) {
		return bound{}, false
	}
	slices.SortFunc(n.lower, func(a, b *stander) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.started, a.started))
	})
	b := bound{node: i}
	copy(n.sum, n.free)
	for k := 0; k < len(n.lower) && !n.fits(n.sum); k++ {
		n.take(n.sum, &n.lower[k].takes, 1)
		b.highest = n.lower[k].priority
	}
	last := 0
	for last < len(n.lower) && n.lower[last].priority <= b.highest {
		last++
	}
	b.pods = n.fewest(n.lower[:last])
	if b.pods > 0 {
		slices.SortFunc(n.lower[:last], func(a, b *stander) int { return cmp.Compare(b.started, a.started) })
		b.started = n.lower[b.pods-1].started
	}
	return b, true
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
		for _, p := range pods {
			n.amounts = append(n.amounts, p.takes.Amount(n.names[d]))
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

// shortlist returns the nodes to search, and the bound that an answer has to reach: the lowest one of all other nodes. It returns false if
// a node has room without victims by counting.
func (n *near) shortlist(most int) (nodes []bound, others *bound, ok bool) {
	bounds := make([]bound, 0, len(n.snapshot))
	for i := range n.snapshot {
		if b, fits := n.boundOf(i); fits {
			bounds = append(bounds, b)
		}
	}
	slices.SortFunc(bounds, bound.compare)
	c := n.classes[0]
	affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
	for i := range bounds {
		b := bounds[i]
		node := n.snapshot[b.node].Node()
		switch {
		case c.excludes(node) != nil || !admits(node, c.info.GetPod(), affinity):
		case b.pods == 0:
			return nil, nil, false
		case len(nodes) == most:
			return nodes, &b, true
		default:
			nodes = append(nodes, b)
		}
	}
	return nodes, nil, true
}

// candidates returns the pods on some nodes.
func (n *near) candidates(nodes []bound) candidates {
	var c candidates
	for _, b := range nodes {
		node := n.snapshot[b.node]
		pods, chosen := n.on(node), n.r.Chosen[node.Node().Name]
		for k := range pods {
			p := &pods[k]
			switch {
			case n.r.leaves(p, chosen):
				c.leaving = append(c.leaving, change{info: p.PodInfo, node: b.node, removed: true})
			case p.deleted == nil:
				c.pods, c.infos, c.nodes = append(c.pods, p.pod), append(c.infos, p.PodInfo), append(c.nodes, b.node)
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
		pods := n.on(n.snapshot[b.node])
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
	n := &near{view: v, standings: p.standings, r: r, names: resourcesOf(v.classes)}
	takes := v.classes[0].Request
	n.ask, n.free, n.sum = vectorOf(takes, n.names), make([]int64, len(n.names)), make([]int64, len(n.names))
	nodes, others, ok := n.shortlist(p.nearest())
	if !ok || len(nodes) == 0 {
		return nil, choice, false
	}
	c := n.candidates(nodes)
	c.units = p.Ledger.UnitsAmong(r.Taker, c.pods, r.Now)
	v.inside = sets.New[int]()
	for _, b := range nodes {
		v.inside.Insert(b.node)
	}
	s = v.searchRoom(r, c, p.Ledger)
	v.begin()
	choice, found := s.choose(s.problem(r.Budgets))
	if found && n.reaches(choice.Rank, nodes, others, p.Ledger) {
		return s, choice, true
	}
	v.rollBack()
	v.inside = nil
	return nil, choice, false
}

// nearest returns how many nodes are searched first for a single pod.
func (p *Planner) nearest() int { return cmp.Or(p.near, nearNodes) }
