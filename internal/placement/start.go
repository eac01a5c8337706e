package placement

import "slices"

// tryStarts places the gang again with the first member elsewhere, if some members look beyond their node. Members that
// must be together in a zone or a rack follow the first one, which takes the best node, even in a zone that is too
// small.
//
// It is for gangs without a plan that fits, not for a few members more.
func (p *planner) tryStarts() {
	if !slices.ContainsFunc(p.gang.Classes, func(c Class) bool { return !c.Local }) {
		return
	}
	for i := range p.byHardness {
		p.tryStartsWith(moved(p.byHardness, i, 0))
	}
}

// tryStartsWith tries nodes for the first member of the first class. It ends as soon as members that look beyond their
// node get to nodes that were used before: then where the first goes does not decide where the others do.
func (p *planner) tryStartsWith(order []int) {
	used := make([]bool, p.nodes)
	p.mark(used, p.best, order[0])
	for !p.reached() && !p.settled() && !p.spent() {
		p.start = p.pickStart(order[0], used)
		if p.start < 0 {
			return
		}
		p.run(order, p.gang.Strategy)
		if p.mark(used, p.steps, order[0]) {
			return
		}
	}
}

// mark marks the nodes of the class that starts and of those that may follow it. It says whether one of the latter was
// marked before.
func (p *planner) mark(used []bool, steps []step, starts int) (again bool) {
	for _, s := range steps {
		again = again || used[s.node] && !p.gang.Classes[s.class].Local
	}
	for _, s := range steps {
		used[s.node] = used[s.node] || int(s.class) == starts || !p.gang.Classes[s.class].Local
	}
	return again
}

// pickStart empties the cluster and finds the unused node with the most free capacity that fits a member, or -1. The nodes that
// it asks become used.
func (p *planner) pickStart(class int, used []bool) int {
	p.reset()
	p.misses = 0
	p.rank(class, Spread)
	for len(p.ranked) > 0 && p.misses < patience {
		node := p.ranked.pop()
		if used[node] {
			continue
		}
		if p.query(class, node) {
			return node
		}
		used[node] = true
		p.misses++
	}
	return -1
}
