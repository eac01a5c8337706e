package topology

import (
	"cmp"
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
		o.finding = t.explainParts()
	}
	return o
}

// explainParts returns why the best plan is not enough: a rule of the whole gang if it would not fit without the rules of its parts either.
func (t *trial) explainParts() *Finding {
	c := t.best.choice
	if t.best.finding == nil || t.rules.Required == nil || c.cell < 0 {
		return cmp.Or(t.best.finding, t.explain(c))
	}
	t.undo(t.mark)
	t.put(within(t.nodesIn(c.tier, c.cell), int(t.members)), offer{classes: t.task.classes, least: t.least, budget: oneOrder})
	finding := t.best.finding
	if !t.planner.holds(t.least, t.task.classes) {
		finding = t.explain(c)
	}
	t.replay(t.best.steps)
	return finding
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
		hopeless := false
		for _, way := range ways {
			if hopeless || t.fits >= allBudget && most > 0 {
				break
			}
			t.undo(t.mark)
			var finding *Finding
			finding, hopeless = t.placeParts(t.tasks(r, nodes, way.reversed), way.neededFirst)
			t.keep(c, finding)
			placed, lacking := int64(len(t.steps)-t.mark), int64(t.lacking(t.task.classes))
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

// ways are the orders in which the parts are placed. neededFirst says that the members that classes must have are placed first.
//
//nolint:gochecknoglobals // a constant table
var ways = []struct{ reversed, neededFirst bool }{{false, false}, {true, false}, {false, true}, {true, true}}

// tasks returns a task for each part, and then one for the classes that are in none.
func (t *trial) tasks(r *Request, nodes []int32, reversed bool) []task {
	var tasks []task
	rest := t.planner.all()
	for i := range r.Parts {
		part := &r.Parts[i]
		if len(part.Classes) == 0 {
			continue
		}
		tasks = append(tasks, task{
			classes: part.Classes, rules: &part.Rules, nodes: nodes, least: t.lacking(part.Classes), part: i + 1,
		})
		rest = slices.DeleteFunc(rest, func(c int) bool { return slices.Contains(part.Classes, c) })
	}
	if len(rest) > 0 {
		rules := Rules{Slice: r.Slice, SliceSize: r.SliceSize, Spread: r.Spread, Usable: r.Usable, Running: r.Running}
		tasks = append(tasks, task{classes: rest, rules: &rules, nodes: nodes, least: t.lacking(rest)})
	}
	if reversed {
		slices.Reverse(tasks)
	}
	return tasks
}

// placeParts places one task after the other. It returns why the first of them that does not fit does not. hopeless says that it would not
// fit alone.
func (t *trial) placeParts(tasks []task, neededFirst bool) (finding *Finding, hopeless bool) {
	if neededFirst {
		t.planner.needed = true
		for _, task := range tasks {
			t.group(task)
		}
		t.planner.needed = false
		for i := range tasks {
			tasks[i].rules = t.withPlaced(tasks[i], t.steps)
		}
	}
	for i, task := range tasks {
		o := t.group(task)
		hopeless = hopeless || i == 0 && !neededFirst && o.finding != nil && len(task.classes) == 1 && t.local[task.classes[0]]
		finding = cmp.Or(finding, o.finding)
	}
	return finding, hopeless
}
