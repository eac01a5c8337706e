package topology

import (
	"cmp"
	"slices"
)

// record is a plan, with the members that it lacks though their classes must have them.
type record struct {
	choice
	steps   []step
	lacking int
	placed  int
	finding *Finding // why a part does not fit
}

// trial is the search for a plan for several classes, or for one whose members depend on other nodes. What was learned about one domain may
// then be true only for the members that were tried there, so the best plan of all attempts counts.
type trial struct {
	search
	best record
	// tries is how often in a row the latest choice was attempted.
	latest choice
	tries  int
	budget int  // of calls of Fits for each attempt
	scales bool // whether scale may be used
}

func newTrial(s search) *trial {
	return &trial{search: s, best: record{choice: choice{cell: -1}, lacking: s.lacking(s.classes)}, latest: choice{cell: -1}}
}

// some looks for the best plan.
func (s *search) some() choice {
	t := newTrial(*s)
	t.budget, t.scales = oneOrder, true
	t.run(firstBudget)
	switch {
	case t.holds(t.least, t.task.classes):
	case t.plain():
		t.thorough()
	default:
		t.budget, t.scales = thoroughBudget, false
		t.forget()
		t.run(allBudget)
	}
	return t.best.choice
}

// run attempts choices until one can be kept, or none is better than the best plan, or so many calls of Fits are spent. The cluster then
// holds the best plan.
func (t *trial) run(most int) {
	most = max(most, t.fits+leastBudget)
	for t.fits < most {
		t.rise()
		c := t.choose()
		if c.want < t.target() && t.scale < unscaled { // the scale is only for choosing among more than enough cells
			t.scale, t.scales = unscaled, false
			continue
		}
		if !t.promising(c) {
			break
		}
		if complete, learned := t.attempt(c); complete || !learned {
			break
		}
		if t.shorts >= patience {
			t.undo(t.mark)
		}
		t.probe()
	}
	t.restore()
}

// plain reports whether one call of placement.Find may place all members of a cell.
func (t *tree) plain() bool { return t.sliced == never && t.spread == never }

// promising reports whether the choice may be better than the best plan.
func (t *trial) promising(c choice) bool {
	if t.best.cell < 0 {
		t.best.choice = c // what is explained if no member fits
	}
	return c.cell >= 0 && cmp.Or(cmp.Compare(c.lacks, int64(t.best.lacking)), cmp.Compare(int64(t.best.placed), c.want)) < 0
}

// attempt places the members of the choice. It reports whether all are placed, and otherwise whether the next choice will differ.
func (t *trial) attempt(c choice) (complete, learned bool) {
	t.undo(t.mark)
	if c.tier != t.latest.tier || c.cell != t.latest.cell {
		t.latest, t.tries = c, 0
	}
	t.tries++
	pieces := t.divide(c)
	short := t.fill(c, pieces)
	if !short || t.plain() { // otherwise chunks are incomplete, or members uneven
		t.keep(c, nil)
	}
	if !short && t.lacking(t.classes) == 0 {
		return true, true
	}
	if short && len(pieces) > 1 && t.plain() && t.tries == divisions {
		t.undo(t.mark)
		placed := t.put(within(t.nodesIn(c.tier, c.cell), int(c.want)), offer{classes: t.task.classes, budget: t.budget})
		t.keep(c, nil)
		if int64(placed) == c.want && t.lacking(t.classes) == 0 {
			return true, true
		}
		t.tiers[c.tier].limit[c.cell] = min(c.want-1, int64(placed))
	}
	if c.tier != t.base {
		return false, short
	}
	lacks := &t.tiers[t.base].lacks[c.cell]
	before := *lacks
	*lacks = max(before, int64(t.lacking(t.classes)))
	return false, short || *lacks > before
}

// fill places the pieces and reports whether some cell took fewer members than it was to get.
func (t *trial) fill(c choice, pieces []piece) (short bool) {
	if t.spread != never && t.budget == oneOrder {
		if t.fillEach(pieces) {
			return false
		}
		t.undo(t.mark)
	}
	r := region{quotas: make([]int, len(pieces))}
	for i, piece := range pieces {
		r.quotas[i] = int(piece.members)
	}
	if len(pieces) == 1 {
		r.nodes = t.nodesOf(pieces[0].cell)
	} else {
		r.nodes = []int32{}
		for i, piece := range pieces {
			for _, node := range t.nodesOf(piece.cell) {
				r.nodes, r.group = append(r.nodes, node), append(r.group, int32(i))
			}
		}
	}
	placed := t.put(r, offer{classes: t.task.classes, budget: t.budget})
	last := &t.tiers[t.last()]
	for i, piece := range pieces {
		if left := int64(t.left[i]); left > 0 {
			last.limit[piece.cell] = piece.members - left
			short = true
		}
	}
	if short && len(pieces) > 1 && t.scales {
		t.scale = t.scale * int64(placed) / c.want
	}
	return short
}

// fillEach places one piece after the other, with the same part of each class, and reports whether all took as many as they were to get.
func (t *trial) fillEach(pieces []piece) bool {
	for i, piece := range pieces {
		o := offer{classes: t.task.classes, parts: len(pieces) - i, budget: oneOrder}
		left := int(piece.members) - t.put(within(t.nodesOf(piece.cell), int(piece.members)), o)
		if o.parts = 1; left > 0 && t.put(within(t.nodesOf(piece.cell), left), o) < left {
			return false
		}
	}
	return true
}

// keep records what the cluster holds if it is the best plan so far.
func (t *trial) keep(c choice, finding *Finding) {
	lacking, placed := t.lacking(t.classes), len(t.steps)-t.mark
	if lacking < t.best.lacking || lacking == t.best.lacking && placed > t.best.placed {
		t.best = record{choice: c, steps: slices.Clone(t.steps), lacking: lacking, placed: placed, finding: finding}
	}
}

// restore makes the cluster hold the best plan.
func (t *trial) restore() {
	if t.best.placed == 0 {
		t.undo(t.mark)
	} else if !slices.Equal(t.steps, t.best.steps) {
		t.replay(t.best.steps)
	}
}

// thorough tries the cells of the base tier that may hold enough members with all orders of classes, those first that took the most.
func (t *trial) thorough() {
	base := &t.tiers[t.base]
	before := 0 // members placed before this search
	for _, c := range t.classes {
		before += t.placed[c]
	}
	before -= t.best.placed
	var cells []int32
	for cell := range base.parent {
		most := int64(before)
		for k, left := range t.wants {
			most += min(left, base.rooms[k][cell])
		}
		if most >= int64(t.least) {
			cells = append(cells, int32(cell))
		}
	}
	slices.SortStableFunc(cells, func(a, b int32) int {
		return cmp.Or(cmp.Compare(t.bound(base, int(b)), t.bound(base, int(a))), t.compareFree(t.base, a, b))
	})
	for i, cell := range cells {
		if t.fits >= allBudget {
			break
		}
		t.undo(t.mark)
		share := max(1, (allBudget-t.fits)/(len(cells)-i))
		r := within(t.nodesIn(t.base, cell), int(t.members))
		t.put(r, offer{classes: t.task.classes, least: t.least - before, budget: share})
		t.keep(choice{tier: t.base, cell: cell, want: t.members}, nil)
		if t.holds(t.least, t.classes) {
			return
		}
	}
	t.restore()
}
