package topology

import "slices"

const (
	// firstBudget limits the calls of Fits while domains are tried with one order of classes each: about 0.15 s. allBudget is the limit
	// when some of them are tried again with all orders: 0.25 s. One local class needs no limit.
	firstBudget, allBudget = 40_000, 60_000
	// leastBudget is what a part gets in any case.
	leastBudget = 1000
	// oneOrder makes placement.Find try one order of classes.
	oneOrder = 1
	// divisions is how often a group of several classes is divided among the domains inside a cell before it is placed there as a whole.
	divisions = 3
	// thoroughBudget limits the calls of Fits for one division of a group of several classes.
	thoroughBudget = 5000
)

// task is a group of classes that follow the same rules.
type task struct {
	classes []int
	rules   *Rules
	nodes   []int32 // where members may go, in ascending order; nil means everywhere
	least   int     // members that must be placed
	part    int     // the number of the part, from 1; 0 for the whole gang
}

// outcome is how a task ended.
type outcome struct {
	level   *Level // the domain that holds all members; nil if there is none
	domain  int
	finding *Finding // set if the task failed because of its rules
}

// group places the members of the task.
func (p *planner) group(g task) outcome {
	g.nodes = p.home(g)
	before := len(p.steps)
	broken := p.complete(g)
	if len(p.steps) > before {
		g.rules = p.withPlaced(g, p.steps[before:])
	}
	t := newTree(p, g)
	t.noRest = broken
	s := search{tree: t, mark: len(p.steps)}
	var c choice
	if len(g.classes) == 1 && p.local[g.classes[0]] {
		c = s.exact()
	} else {
		c = s.some()
	}
	o := t.outcome(c)
	if !p.holds(g.least, g.classes) {
		o.finding = t.explain(c)
	}
	return o
}

// outcome returns the domain that was chosen.
func (t *tree) outcome(c choice) outcome {
	placed := 0
	for _, class := range t.classes {
		placed += t.placed[class]
	}
	if c.cell < 0 || placed == 0 {
		return outcome{domain: -1}
	}
	if c.want == 0 { // all are in chunks that missed them
		c.cell, c.tier = t.ancestor(c.tier, c.cell, t.base), t.base
	}
	if cells := &t.tiers[c.tier]; cells.level != nil && cells.domain[c.cell] >= 0 {
		return outcome{level: cells.level, domain: int(cells.domain[c.cell])}
	}
	return outcome{domain: -1}
}

// search looks for the best plan of one group.
type search struct {
	*tree
	mark int // the steps of earlier groups
	// in is how many members of the group are in each cell of the last tier.
	in []int64
	// shorts is how many attempts failed, probed how many nodes were probed since.
	shorts, probed int
}

// exact finds the best plan for one local class. In each round, a domain turns out to hold fewer members than it promised, or the plan is
// complete. Since what fits in one domain does not depend on other domains, what was learned stays true.
func (s *search) exact() choice {
	last := &s.tiers[s.last()]
	s.in = make([]int64, len(last.parent))
	for {
		s.rise()
		c := s.choose()
		pieces := s.divide(c)
		s.shrink(pieces)
		short := false
		for _, piece := range pieces {
			more := piece.members - s.in[piece.cell]
			if more <= 0 {
				continue
			}
			placed := s.put(within(s.nodesOf(piece.cell), int(more)), offer{classes: s.task.classes, budget: oneOrder})
			s.in[piece.cell] += int64(placed)
			if int64(placed) < more {
				last.limit[piece.cell] = s.in[piece.cell]
				short = true
			}
		}
		if !short {
			return c
		}
		s.probe()
	}
}

// shrink removes the group's members if some cell has more of them than its piece.
func (s *search) shrink(pieces []piece) {
	if len(s.steps) == s.mark {
		return
	}
	excess := slices.Clone(s.in)
	for _, piece := range pieces {
		excess[piece.cell] -= piece.members
	}
	if slices.Max(excess) > 0 {
		s.undo(s.mark)
		clear(s.in)
	}
}
