package placement

import "slices"

// tryStarts places the gang again with its first member on other nodes, if some members depend on other nodes too. Members that must share
// a zone or a rack follow the first member, and the best node for that one may be in a zone that is too small.
//
// It runs only if no plan fits, not to place a few more members.
func (p *planner) tryStarts() {
	if !slices.ContainsFunc(p.gang.Classes, func(c Class) bool { return !c.Local }) {
		return
	}
	for i := range p.byHardness {
		p.tryStartsWith(moved(p.byHardness, i, 0))
	}
}

// tryStartsWith tries nodes for the first member of the first class. It ends when members that depend on other nodes are placed on nodes
// used by an earlier attempt: then the first member's node does not decide the nodes of the others.
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

// mark marks the nodes of the first class and of the classes that may follow it. It reports whether a node of the latter was marked before.
func (p *planner) mark(used []bool, steps []step, starts int) (again bool) {
	for _, s := range steps {
		again = again || used[s.node] && !p.gang.Classes[s.class].Local
	}
	for _, s := range steps {
		used[s.node] = used[s.node] || int(s.class) == starts || !p.gang.Classes[s.class].Local
	}
	return again
}

// pickStart empties the cluster and returns the unused node with the most free capacity that fits a member, or -1. It marks the nodes that
// it tried as used.
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
