package topology

// index has the members of each group, in ascending order.
type index struct {
	starts  []int32
	members []int32
}

// newIndex groups the numbers 0 to count-1 by the group of each; those of a group below 0 are left out.
func newIndex(groups, count int, group func(i int) int32) index {
	x := index{starts: make([]int32, groups+1)}
	for i := range count {
		if g := group(i); g >= 0 {
			x.starts[g+1]++
		}
	}
	for g := range groups {
		x.starts[g+1] += x.starts[g]
	}
	x.members = make([]int32, x.starts[groups])
	next := make([]int32, groups)
	copy(next, x.starts)
	for i := range count {
		if g := group(i); g >= 0 {
			x.members[next[g]] = int32(i)
			next[g]++
		}
	}
	return x
}

// of returns the members of the group.
func (x index) of(group int32) []int32 { return x.members[x.starts[group]:x.starts[group+1]] }

// next is the tier among whose cells the members of a cell are divided: the next one, or the one to spread over.
func (t *tree) next(tier int) int {
	if t.spread != never && tier < t.spread {
		return t.spread
	}
	return tier + 1
}

// kidsOf returns the cells among which the members of the cell are divided.
func (t *tree) kidsOf(tier int, cell int32) []int32 {
	c := &t.tiers[tier]
	if c.kids.starts == nil {
		next := t.next(tier)
		c.kids = newIndex(len(c.parent), len(t.tiers[next].parent), func(i int) int32 { return t.ancestor(next, int32(i), tier) })
	}
	return c.kids.of(cell)
}

// ancestor returns the cell of the broader tier that the cell is in, or -1.
func (t *tree) ancestor(tier int, cell int32, broader int) int32 {
	for ; tier > broader && cell >= 0; tier-- {
		cell = t.tiers[tier].parent[cell]
	}
	return cell
}

// nodesIn returns the nodes of a cell; nil means all of the cluster.
func (t *tree) nodesIn(tier int, cell int32) []int32 {
	c := &t.tiers[tier]
	if c.of == nil {
		return t.nodes
	}
	nodes := []int32{}
	for i, of := range c.of {
		if of == cell {
			nodes = append(nodes, t.node(i))
		}
	}
	return nodes
}

// scans is for how many cells of the last tier all nodes are searched before these are indexed. Often one is enough.
const scans = 3

// nodesOf returns the nodes of a cell of the last tier. It is cheap for many cells.
func (t *tree) nodesOf(cell int32) []int32 {
	last := &t.tiers[t.last()]
	if t.scanned++; last.of == nil || t.scanned <= scans {
		return t.nodesIn(t.last(), cell)
	}
	if t.index.starts == nil {
		t.index = newIndex(len(last.parent), t.positions(), last.cell)
		for i, position := range t.index.members {
			t.index.members[i] = t.node(int(position))
		}
	}
	return t.index.of(cell)
}
