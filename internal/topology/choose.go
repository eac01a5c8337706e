package topology

import "cmp"

// choice is a cell, and how many members are to be placed in it.
type choice struct {
	tier  int
	cell  int32
	want  int64
	lacks int64 // of the members that classes must have
}

// choose returns the best cell by what is known: one that holds all members, at the narrowest preferred level that has any, or the cell of
// the base tier that holds the most.
func (t *tree) choose() choice {
	want := t.target()
	for tier := t.last(); tier > t.base; tier-- {
		if t.tiers[tier].kind != preferred || tier > t.spread {
			continue
		}
		if best := t.best(tier, want); best.cell >= 0 && best.want == want {
			return best
		}
	}
	return t.best(t.base, want)
}

// target is how many members are wanted.
func (t *tree) target() int64 {
	if t.noRest {
		return t.members - t.members%t.size
	}
	return t.members
}

// best returns the cell of the tier that holds the most members up to want; of these, the one with the least free capacity.
func (t *tree) best(tier int, want int64) choice {
	c := &t.tiers[tier]
	best := choice{tier: tier, cell: -1}
	for i := range c.parent {
		cell := int32(i)
		if c.parent[cell] < 0 || tier > t.base && !t.mayHoldAll(tier, cell) {
			continue
		}
		next := choice{tier: tier, cell: cell, want: t.hold(tier, cell, want)}
		if tier == t.base {
			next.lacks = c.lacks[cell]
		}
		if best.cell < 0 || t.compare(next, best) < 0 {
			best = next
		}
	}
	return best
}

// mayHoldAll reports whether all members that run already are in the cell, and it is a domain: a whole one if members must be spread over
// it.
func (t *tree) mayHoldAll(tier int, cell int32) bool {
	c := &t.tiers[tier]
	return c.domain[cell] >= 0 && c.running[cell] == t.tiers[0].running[0] && (t.spread == never || !c.partial[cell])
}

// compare orders cells of one tier, the best first.
func (t *tree) compare(a, b choice) int {
	if o := cmp.Or(cmp.Compare(a.lacks, b.lacks), cmp.Compare(b.want, a.want)); o != 0 {
		return o
	}
	return t.compareFree(a.tier, a.cell, b.cell)
}

// compareFree compares two cells by their free capacity, then by name.
func (t *tree) compareFree(tier int, a, b int32) int {
	return cmp.Or(t.compareCapacity(tier, a, b), t.compareNames(tier, a, b))
}

// compareCapacity compares two cells by their free capacity, counted in the largest members, then in all.
func (t *tree) compareCapacity(tier int, a, b int32) int {
	c := &t.tiers[tier]
	rooms := c.rooms[t.largest]
	return cmp.Or(
		cmp.Compare(min(rooms[a], c.limit[a]), min(rooms[b], c.limit[b])),
		cmp.Compare(total(c.rooms, a), total(c.rooms, b)),
	)
}

// compareNames compares two cells by the names of their domains; those of one domain are in different domains of a level above.
func (t *tree) compareNames(tier int, a, b int32) int {
	one, other := a, b
	for ; tier > 0 && one != other; tier-- {
		c := &t.tiers[tier]
		if o := cmp.Compare(c.name(one), c.name(other)); o != 0 {
			return o
		}
		one, other = c.parent[one], c.parent[other]
	}
	return cmp.Compare(a, b)
}

func total(rooms [][]int64, cell int32) int64 {
	sum := int64(0)
	for _, of := range rooms {
		sum += of[cell]
	}
	return sum
}

// name is the name of the cell's domain.
func (c *cells) name(cell int32) string {
	if c.level == nil || c.domain[cell] < 0 {
		return ""
	}
	return c.level.Names[c.domain[cell]]
}
