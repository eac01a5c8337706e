package topology

import (
	"math"
	"slices"
)

// withParts plans a gang of which some classes have rules of their own: the rules of the whole gang choose a cell, and the parts are placed
// in it one after the other.
func (p *planner) withParts(r *Request) outcome {
	whole := r.Rules
	whole.Slice, whole.Spread = nil, nil
	g := task{classes: p.all(), rules: &whole, least: r.Gang.Min}
	g.nodes = p.home(g)
	t := newTrial(search{tree: newTree(p, g)})
	for t.fits < allBudget {
		t.rise()
		c := t.choose()
		if !t.promising(c) {
			break
		}
		if t.attemptParts(r, c) {
			return t.outcome(c)
		}
	}
	t.restore()
	o := t.outcome(t.best.choice)
	if !p.holds(g.least, g.classes) {
		if o.finding = t.best.finding; o.finding == nil {
			o.finding = t.explain(t.best.choice)
		}
	}
	return o
}

// attemptParts places the parts in the domains that the choice is divided into, or else anywhere in its cell, and reports whether all
// members are placed.
func (t *trial) attemptParts(r *Request, c choice) bool {
	regions := [][]int32{t.nodesIn(c.tier, c.cell)}
	if pieces := t.divide(c); c.tier < t.tree.last() {
		few := []int32{}
		for _, piece := range pieces {
			few = append(few, t.nodesOf(piece.cell)...)
		}
		slices.Sort(few)
		regions = slices.Insert(regions, 0, few)
	}
	most, lacks := int64(0), int64(math.MaxInt64)
	for _, nodes := range regions {
		for _, restFirst := range []bool{false, true} {
			t.undo(t.mark)
			finding := t.placeParts(r, nodes, restFirst)
			t.keep(c, finding)
			placed, lacking := int64(len(t.steps)-t.mark), int64(t.lacking(t.classes))
			if placed == t.members && lacking == 0 {
				return true
			}
			most, lacks = max(most, placed), min(lacks, lacking)
		}
	}
	t.tiers[c.tier].limit[c.cell] = min(c.want-1, most)
	if c.tier == t.base {
		t.tiers[t.base].lacks[c.cell] = max(c.lacks, lacks)
	}
	return false
}

// placeParts places the parts on the nodes, and the classes that are in none before or after them. It returns why the first of them does not
// fit, if it does not.
func (t *trial) placeParts(r *Request, nodes []int32, restFirst bool) (finding *Finding) {
	var tasks []task
	rest := t.planner.all()
	for i := range r.Parts {
		part := &r.Parts[i]
		tasks = append(tasks, task{classes: part.Classes, rules: &part.Rules, nodes: nodes, least: t.lacking(part.Classes)})
		rest = slices.DeleteFunc(rest, func(c int) bool { return slices.Contains(part.Classes, c) })
	}
	if len(rest) > 0 {
		rules := Rules{Slice: r.Slice, SliceSize: r.SliceSize, Spread: r.Spread, Usable: r.Usable, Running: r.Running}
		last := task{classes: rest, rules: &rules, nodes: nodes, least: t.lacking(rest)}
		if restFirst {
			tasks = slices.Insert(tasks, 0, last)
		} else {
			tasks = append(tasks, last)
		}
	} else if restFirst {
		return nil // nothing else to try
	}
	for _, task := range tasks {
		if o := t.group(task); o.finding != nil && finding == nil {
			finding = o.finding
		}
	}
	return finding
}
