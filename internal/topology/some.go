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
}

func newTrial(s search) *trial {
	return &trial{search: s, best: record{choice: choice{cell: -1}, lacking: s.lacking(s.classes)}, latest: choice{cell: -1}}
}

// some looks for the best plan.
func (s *search) some() choice {
	t := newTrial(*s)
	for t.fits < firstBudget {
		t.rise()
		c := t.choose()
		if !t.promising(c) {
			break
		}
		complete, learned := t.attempt(c)
		if complete {
			return c
		}
		if !learned {
			break
		}
	}
	t.restore()
	if !t.holds(t.least, t.classes) && t.plain() {
		t.thorough()
	}
	return t.best.choice
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
	short := t.fill(pieces)
	if !short || t.plain() { // otherwise chunks are incomplete, or members uneven
		t.keep(c, nil)
	}
	if !short && t.lacking(t.classes) == 0 {
		return true, true
	}
	if short && len(pieces) > 1 && t.plain() && t.tries == divisions {
		t.undo(t.mark)
		placed := t.put(t.nodesIn(c.tier, c.cell), t.classes, offer{quota: int(c.want), parts: 1, budget: oneOrder})
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
func (t *trial) fill(pieces []piece) (short bool) {
	last := &t.tiers[t.tree.last()]
	for i, piece := range pieces {
		nodes, o := t.nodesOf(piece.cell), offer{quota: int(piece.members), parts: 1, budget: oneOrder}
		if t.spread != never {
			o.parts = len(pieces) - i // each class is spread too
		}
		placed := t.put(nodes, t.classes, o)
		if o.quota -= placed; o.quota > 0 && o.parts > 1 {
			o.parts = 1
			placed += t.put(nodes, t.classes, o)
		}
		if int64(placed) < piece.members {
			last.limit[piece.cell] = int64(placed)
			short = true
		}
	}
	return short
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
		for k, left := range t.tree.left {
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
		t.put(t.nodesIn(t.base, cell), t.classes, offer{quota: int(t.members), parts: 1, budget: share})
		t.keep(choice{tier: t.base, cell: cell}, nil)
		if t.holds(t.least, t.classes) {
			return
		}
	}
	t.restore()
}
