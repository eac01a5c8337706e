package placement

// tryStarts places the gang again with the first member elsewhere. Members that must be together in a zone or a rack all
// follow the first, which goes where a node is best, not where the zone is large enough.
//
// It is for gangs that did not reach Min, not for a few members more, and ends as soon as a start leads to nodes that were used before: then where the first goes does not decide where the
// others do.
func (p *planner) tryStarts() {
	for i, class := range p.byHardness {
		if p.gang.Classes[class].Local {
			continue
		}
		order := moved(p.byHardness, i, 0)
		used := make([]bool, p.nodes)
		mark(used, p.best, class)
		for len(p.best) < p.gang.Min && !p.settled() && !p.spent() {
			p.start = p.pickStart(class, used)
			if p.start < 0 {
				break
			}
			p.run(order, p.gang.Strategy)
			if mark(used, p.steps, class) {
				break
			}
		}
		p.start = -1
	}
}

// mark marks the nodes of the class, and says whether one was marked before.
func mark(used []bool, steps []step, class int) (again bool) {
	fresh := make([]int32, 0, len(steps))
	for _, s := range steps {
		if int(s.class) == class {
			again = again || used[s.node]
			fresh = append(fresh, s.node)
		}
	}
	for _, node := range fresh {
		used[node] = true
	}
	return again
}

// pickStart empties the cluster and finds the unused node with the most room that takes a member, or -1. The nodes that
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
		p.fits++
		if p.cluster.Fits(class, node) {
			return node
		}
		used[node] = true
		p.misses++
	}
	return -1
}
