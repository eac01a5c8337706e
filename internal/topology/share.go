package topology

import (
	"cmp"
	"slices"
)

// piece is how many members a cell gets.
type piece struct {
	cell    int32
	members int64
}

// divide divides the members of a choice among the cells of the last tier.
func (t *tree) divide(c choice) []piece {
	if c.want == 0 {
		return nil
	}
	return t.descend(nil, c.tier, piece{c.cell, c.want})
}

// descend appends the pieces of the last tier that a piece of the tier is divided into.
func (t *tree) descend(pieces []piece, tier int, p piece) []piece {
	if tier == t.last() {
		return append(pieces, p)
	}
	next, parts := t.next(tier), []piece(nil)
	if next == t.spread {
		shares := t.sharesIn(tier, p.cell)
		parts = shares.divide(p.members)
	} else {
		parts = t.fewest(next, t.kidsOf(tier, p.cell), p.members)
	}
	for _, part := range parts {
		pieces = t.descend(pieces, next, part)
	}
	return pieces
}

// fewest divides members among as few of the cells as possible: the largest first, and of those that hold what is left, the one with the
// least free capacity last. Cells in which members run already come first, and nodes in no domain come last.
func (t *tree) fewest(tier int, cells []int32, members int64) []piece {
	c := &t.tiers[tier]
	group := func(cell int32) int {
		switch {
		case c.running[cell] > 0:
			return 0
		case c.domain[cell] >= 0:
			return 1
		default:
			return 2
		}
	}
	sorted := slices.Clone(cells)
	slices.SortFunc(sorted, func(a, b int32) int {
		return cmp.Or(
			cmp.Compare(group(a), group(b)),
			cmp.Compare(c.chunks[b], c.chunks[a]),
			cmp.Compare(c.rest[b], c.rest[a]),
			t.compareFree(tier, a, b),
		)
	})
	f := filler{tree: t, tier: tier, sorted: sorted, group: group}
	pieces, left := f.fill(members, -1)
	unit := t.unit(tier)
	if members%unit == 0 {
		return pieces
	}
	// The smaller chunk is in the last cell now. It may save a cell to put it where it fits beside whole chunks.
	rider := slices.IndexFunc(sorted, func(cell int32) bool { return c.rest[cell] >= members%unit })
	if rider < 0 {
		return pieces
	}
	others, otherLeft := f.fill(members, sorted[rider])
	if cmp.Or(cmp.Compare(otherLeft, left), cmp.Compare(f.cost(others), f.cost(pieces)), cmp.Compare(len(others), len(pieces))) < 0 {
		return others
	}
	return pieces
}

// filler fills cells one after the other.
type filler struct {
	*tree
	tier   int
	sorted []int32 // the cells: by group, then the largest first
	group  func(cell int32) int
}

// cost is how many domains the pieces add to those in which members run already; nodes in no domain cost more than all domains together.
func (f *filler) cost(pieces []piece) int {
	cost := 0
	for _, p := range pieces {
		switch f.group(p.cell) {
		case 1:
			cost++
		case 2:
			cost += len(f.sorted)
		}
	}
	return cost
}

// fill divides members among the cells, and returns how many are left. The smaller chunk, if there is one, goes to the rider, together with
// the whole chunks that fit there; without a rider, to the last cell.
func (f *filler) fill(members int64, rider int32) (pieces []piece, left int64) {
	left = members
	unit := f.unit(f.tier)
	c := &f.tiers[f.tier]
	used := make([]bool, len(f.sorted))
	take := func(i int, n int64) {
		used[i] = true
		if n > 0 {
			pieces = append(pieces, piece{f.sorted[i], n})
			left -= n
		}
	}
	rest := members % unit
	if rider >= 0 {
		i := slices.Index(f.sorted, rider)
		take(i, min(c.chunks[rider], left/unit)*unit+rest)
	}
	for i, cell := range f.sorted {
		if left == 0 {
			break
		}
		if used[i] {
			continue
		}
		if c.chunks[cell] >= left/unit {
			if last := f.tightest(i, used, left); last >= 0 {
				take(last, left)
				break
			}
		}
		take(i, min(c.chunks[cell], left/unit)*unit)
	}
	for i, cell := range f.sorted { // what is left of a smaller chunk
		if left > 0 && left < unit && !used[i] {
			take(i, min(left, f.hold(f.tier, cell, left)))
		}
	}
	return pieces, left
}

// tightest returns the unused cell with the least free capacity that holds so many members, in the group of the i-th cell, or -1.
func (f *filler) tightest(i int, used []bool, members int64) int {
	best := -1
	for j := i; j < len(f.sorted) && f.group(f.sorted[j]) == f.group(f.sorted[i]); j++ {
		if used[j] || f.hold(f.tier, f.sorted[j], members) < members {
			continue
		}
		if best < 0 || f.compareFree(f.tier, f.sorted[j], f.sorted[best]) < 0 {
			best = j
		}
	}
	return best
}
