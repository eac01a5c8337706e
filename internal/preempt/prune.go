package preempt

// prune gives back what the members do not need, the dearest first. With one class members may move: only how many fit counts. With several
// they stay where they were placed.
func (g *greedy) prune() {
	moves := len(g.m.needs) == 1
	spare := 0
	if moves {
		spare = g.lift()
	}
	for _, id := range g.dearest() {
		if g.stays(id) {
			continue
		}
		fits, less := true, 0
		for _, p := range g.m.units[id].parts {
			if moves {
				less += g.less(p)
			} else {
				fits = fits && g.holds(p)
			}
		}
		if fits && less <= spare {
			spare -= less
			g.restore(id)
		}
	}
}

// lift takes the members off their nodes, and returns how many more fit than have to.
func (g *greedy) lift() int {
	n := g.m.needs[0]
	g.class = n.class
	fit := 0
	for node := range g.m.nodes {
		free := g.m.row(g.free, node)
		for r, ask := range g.m.classes[g.class].Ask {
			free[r] += ask * int64(g.placed[node*len(g.m.classes)+g.class])
		}
		if g.may(node) {
			fit += g.m.fit(free, g.class)
		}
	}
	return fit - n.members
}

// less returns how many members fewer fit on a node without what the unit frees there.
func (g *greedy) less(p part) int {
	if !g.may(p.node) {
		return 0
	}
	free := g.m.row(g.free, p.node)
	g.trial.reset(free)
	subtract(g.trial.free, p.frees)
	return g.m.fit(free, g.class) - g.m.fit(g.trial.free, g.class)
}

// holds reports whether the members on a node still fit there without what the unit frees.
func (g *greedy) holds(p part) bool {
	node := p.node
	free := g.m.row(g.free, node)
	for c, class := range g.m.classes {
		if g.placed[node*len(g.m.classes)+c] == 0 {
			continue
		}
		for r, ask := range class.Ask {
			if ask > 0 && free[r] < p.frees[r] {
				return false
			}
		}
	}
	return true
}
