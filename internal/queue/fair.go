package queue

import (
	"cmp"
	"slices"
)

// fairShare is what a queue demands, and its fair share of that.
type fairShare struct{ demand, fair Vector }

// fairShares returns what every queue demands and its fair share, by water-filling from the root down, for each resource alone: first
// guarantees, then what is left by priority and weight, never above demand or limit. This is the fair share of KAI Scheduler's proportion
// plugin (pkg/scheduler/plugins/proportion/resource_division), on every level of the tree.
func (t *Tree) fairShares() map[*node]fairShare { return t.fairSharesWith(nil, nil) }

// fairSharesWith returns the fair shares if a leaf demands at least what it uses and an ask, whether or not the ask waits in the tree.
func (t *Tree) fairSharesWith(leaf *node, ask Vector) map[*node]fairShare {
	shares := map[*node]fairShare{}
	t.demand(t.root, shares, leaf, ask)
	t.divide(t.root, t.total, shares)
	return shares
}

// demand notes what a queue demands. A leaf demands what it uses and what everything that waits in it and could ever start asks for, and a
// queue above what those below demand, but never above its limit. One leaf demands at least what it uses and an ask.
func (t *Tree) demand(n *node, shares map[*node]fairShare, leaf *node, ask Vector) Vector {
	var demand Vector
	if n.leaf() {
		demand.Add(n.use, 1)
		demand.Add(n.asks, 1)
	}
	if n == leaf {
		for r, amount := range ask {
			demand.Set(r, max(demand.Get(r), n.use.Get(r)+min(amount, mostCounted)))
		}
	}
	for _, c := range n.children {
		demand.Add(t.demand(c, shares, leaf, ask), 1)
	}
	for _, b := range n.limits {
		if demand.Get(b.resource) > b.amount {
			demand.Set(b.resource, b.amount)
		}
	}
	shares[n] = fairShare{demand: demand, fair: make(Vector, t.resources.Len())}
	return demand
}

// divide divides what a queue may have among those below it.
func (t *Tree) divide(n *node, available Vector, shares map[*node]fairShare) {
	for r := range available {
		t.divideOne(n, r, available[r], shares)
	}
	for _, c := range n.children {
		t.divide(c, shares[c].fair, shares)
	}
}

// divideOne divides an amount of one resource: guarantees first, in proportion to themselves if there is too little for all; then by
// priority, the higher first, and of equal priority by weight; then among queues of weight 0 likewise, all with equal parts.
func (t *Tree) divideOne(n *node, r int, available int64, shares map[*node]fairShare) {
	portions := make([]portion, len(n.children))
	for i, c := range n.children {
		guarantee := c.guaranteed(r)
		portions[i] = portion{queue: c, weight: float64(guarantee), most: min(guarantee, shares[c].demand.Get(r))}
	}
	available = fill(portions, available, shares, r)
	for i, c := range n.children {
		portions[i].weight = c.config.Weight
		portions[i].most = shares[c].demand.Get(r) - shares[c].fair.Get(r)
	}
	slices.SortStableFunc(portions, func(a, b portion) int {
		return cmp.Or(first(a.weight > 0, b.weight > 0), cmp.Compare(b.queue.config.Priority, a.queue.config.Priority))
	})
	for len(portions) > 0 && available > 0 {
		same := 1
		for same < len(portions) && portions[same].sameClass(portions[0]) {
			same++
		}
		if portions[0].weight <= 0 {
			for i := range same {
				portions[i].weight = 1
			}
		}
		available = fill(portions[:same], available, shares, r)
		portions = portions[same:]
	}
}

// portion is what a queue may get of a resource.
type portion struct {
	queue  *node
	weight float64
	// most is what it can use at most.
	most int64
}

// sameClass reports whether two queues share by weight.
func (p portion) sameClass(o portion) bool {
	return p.queue.config.Priority == o.queue.config.Priority && (p.queue.config.Weight > 0) == (o.queue.config.Weight > 0)
}

// fill divides an amount by weight, gives nobody more than it can use, and returns what is left. Those that need the least for their
// weight come first: when their part of what is left is enough for them, the others share the rest. Parts are rounded down, and what is
// left over by that goes to those that come later.
func fill(portions []portion, available int64, shares map[*node]fairShare, r int) int64 {
	portions = slices.DeleteFunc(slices.Clone(portions), func(p portion) bool { return p.most <= 0 || p.weight <= 0 })
	slices.SortStableFunc(portions, func(a, b portion) int {
		return cmp.Compare(float64(a.most)/a.weight, float64(b.most)/b.weight)
	})
	weights := make([]float64, len(portions)+1) // of a portion and all later ones
	for i := len(portions) - 1; i >= 0; i-- {
		weights[i] = weights[i+1] + portions[i].weight
	}
	for i, p := range portions {
		part := available
		if i < len(portions)-1 {
			part = min(part, int64(float64(available)*(p.weight/weights[i])))
		}
		part = min(part, p.most)
		shares[p.queue].fair[r] += part
		available -= part
	}
	return available
}
