package topology

import (
	"cmp"
	"math"
)

// kind says what a level is used for.
type kind int

const (
	root kind = iota
	required
	preferred
	slice
	spread
)

// unscaled is the scale of which counting is believed.
const unscaled = 1024

// never is the number of a tier that there is not.
const never = math.MaxInt

// tree has what is counted for a group: a cell for all its nodes, and below it, level by level, the domains inside the domains of the level
// above. What is counted are upper bounds.
type tree struct {
	*planner
	task
	wants   []int64 // members of each class to be placed
	members int64   // of all classes
	largest int     // the class with the largest members, by which free capacity is compared
	size    int64   // of a chunk; 1 without Slice
	noRest  bool    // there must be no smaller chunk
	// scale is how many of 1,024 members that counting promises probably fit in a cell of the last tier where none were placed yet. It is
	// less than 1,024 once several classes turned out to compete for the same resources.
	scale int64
	// tiers are the levels, broadest first. tiers[0] has one cell, which has all nodes.
	tiers []cells
	// base is the tier of which one cell must hold all members: that of the required level, or 0.
	base int
	// sliced and spread are the tiers of these levels, or never.
	sliced, spread int

	index   index // the nodes of each cell of the last tier, once needed
	scanned int   // how often these were asked for
}

// cells are the domains of a level, split where they cross those of the level above.
type cells struct {
	level *Level
	kind  kind
	of    []int32 // the cell of each node, by position in the group's nodes; -1: none; nil: all in cell 0
	// parent is the cell of the tier above; -1 for a cell without nodes.
	parent []int32
	// domain is the domain that the cell is in; -1 for the nodes that are in no domain of a preferred level.
	domain []int32
	// partial says that the rest of the cell's domain, inside the required domain, is another cell.
	partial []bool

	rooms   [][]int64 // the free capacity for each class of the group
	running []int64   // members that run already
	counts  []bool    // whether members must be spread over the cell
	limit   []int64   // how many members were found to fit at most
	// chunks is how many whole chunks the cell can hold, and then rest how many members of a smaller one.
	chunks, rest []int64
	// lacks is, in the base tier, how many members a class must have for which there is no free capacity.
	lacks []int64
	// kids are the cells among which the members of each cell are divided, once needed.
	kids index
}

func (c *cells) cell(position int) int32 {
	if c.of == nil {
		return 0
	}
	return c.of[position]
}

// newTree counts the nodes of the group.
func newTree(p *planner, g task) *tree {
	t := &tree{planner: p, task: g, size: 1, scale: unscaled, sliced: never, spread: never}
	for k, c := range g.classes {
		t.wants = append(t.wants, int64(p.unplaced(c)))
		t.members += t.wants[k]
		class, largest := p.gang.Classes[c], p.gang.Classes[g.classes[t.largest]]
		if cmp.Or(cmp.Compare(class.Size, largest.Size), cmp.Compare(class.Members, largest.Members)) > 0 {
			t.largest = k
		}
	}
	t.tiers = make([]cells, 1, 3+len(g.rules.Preferred))
	t.tiers[0] = cells{kind: root, parent: []int32{0}, domain: []int32{-1}}
	if g.rules.Required != nil {
		t.add(g.rules.Required, required)
		t.base = 1
	}
	t.addLevels()
	t.count()
	return t
}

// positions is the number of nodes of the group.
func (t *tree) positions() int {
	if t.nodes == nil {
		return len(t.hosted)
	}
	return len(t.nodes)
}

func (t *tree) node(position int) int32 {
	if t.nodes == nil {
		return int32(position)
	}
	return t.nodes[position]
}

func (t *tree) last() int { return len(t.tiers) - 1 }

// unit is what the number of members in a cell of the tier is a multiple of, except in the one with the smaller chunk.
func (t *tree) unit(tier int) int64 {
	if t.sliced != never && tier <= t.sliced {
		return t.size
	}
	return 1
}

// count counts the nodes of each cell: once for each node and class in the last tier, and from there upwards.
func (t *tree) count() {
	for i := range t.tiers {
		c := &t.tiers[i]
		n := len(c.parent)
		c.rooms = make([][]int64, len(t.classes))
		for k := range c.rooms {
			c.rooms[k] = make([]int64, n)
		}
		c.running = make([]int64, n)
		numbers := make([]int64, 3*n)
		c.limit, c.chunks, c.rest = numbers[:n], numbers[n:2*n], numbers[2*n:]
	}
	last := &t.tiers[t.last()]
	for k, class := range t.classes {
		t.countClass(class, last, last.rooms[k])
	}
	for i := range t.positions() {
		if t.rules.Running == nil {
			break
		}
		if cell := last.cell(i); cell >= 0 {
			last.running[cell] += int64(t.rules.Running[t.node(i)])
		}
	}
	for tier := t.last(); tier > 0; tier-- {
		c, above := &t.tiers[tier], &t.tiers[tier-1]
		for cell, parent := range c.parent {
			if parent < 0 {
				continue
			}
			for k := range c.rooms {
				above.rooms[k][parent] += c.rooms[k][cell]
			}
			above.running[parent] += c.running[cell]
		}
	}
	if t.spread != never {
		t.countUsable()
	}
	t.forget()
}

// countClass adds up the free capacity for the class in each cell.
func (t *tree) countClass(class int, c *cells, sums []int64) {
	rooms := t.rooms[class]
	if t.nodes == nil && len(t.steps) == 0 && c.of != nil {
		for n, cell := range c.of {
			if cell >= 0 {
				sums[cell] += int64(rooms[n])
			}
		}
		return
	}
	for i := range t.positions() {
		if cell := c.cell(i); cell >= 0 {
			sums[cell] += int64(t.room(class, t.node(i)))
		}
	}
}

// countUsable finds the cells that members must be spread over.
func (t *tree) countUsable() {
	c := &t.tiers[t.spread]
	c.counts = make([]bool, len(c.parent))
	for i := range t.positions() {
		if cell := c.cell(i); cell >= 0 && (len(t.rules.Usable) == 0 || t.rules.Usable[t.node(i)]) {
			c.counts[cell] = true
		}
	}
}

// forget removes what was found when members were placed.
func (t *tree) forget() {
	for i := range t.tiers {
		for cell := range t.tiers[i].limit {
			t.tiers[i].limit[cell] = math.MaxInt64
		}
	}
	t.scale = unscaled
	t.countLacks()
}

// countLacks compares the free capacity with the members that each class must have.
func (t *tree) countLacks() {
	base := &t.tiers[t.base]
	base.lacks = make([]int64, len(base.parent))
	for k, class := range t.classes {
		must := int64(t.must(class))
		for cell, room := range base.rooms[k] {
			base.lacks[cell] += max(0, must-room)
		}
	}
}

// rise computes how much each cell can hold, from the last tier upwards.
func (t *tree) rise() {
	for tier := t.last(); tier >= 0; tier-- {
		c := &t.tiers[tier]
		clear(c.chunks)
		clear(c.rest)
		switch {
		case t.next(tier) == t.spread:
			t.riseEven(tier)
		case tier < t.last():
			t.riseSum(tier)
		}
		t.cap(tier)
		if t.noRest {
			clear(c.rest)
		}
	}
}

// cap limits what the cells of the tier can hold to what their nodes can, all together.
func (t *tree) cap(tier int) {
	c, unit := &t.tiers[tier], t.unit(tier)
	for cell := range c.chunks {
		most := t.bound(c, cell)
		if tier == t.last() && c.limit[cell] == math.MaxInt64 {
			most = (most*t.scale + unscaled - 1) / unscaled
		}
		switch {
		case tier == t.sliced && tier < t.last(): // the cells below count in members
			most = min(most, c.chunks[cell])
			c.chunks[cell], c.rest[cell] = most/unit, most%unit
		case tier == t.last() || c.chunks[cell] > most/unit:
			c.chunks[cell], c.rest[cell] = most/unit, most%unit
		default:
			c.rest[cell] = min(c.rest[cell], most-c.chunks[cell]*unit)
		}
	}
}

// riseSum adds up what the cells below the tier can hold.
func (t *tree) riseSum(tier int) {
	c, below := &t.tiers[tier], &t.tiers[tier+1]
	for cell, parent := range below.parent {
		if parent < 0 {
			continue
		}
		c.chunks[parent] += below.chunks[cell]
		c.rest[parent] = max(c.rest[parent], below.rest[cell])
	}
}

// riseEven computes how many members the cells of the tier can hold if these are spread evenly.
func (t *tree) riseEven(tier int) {
	for cell := range t.tiers[tier].chunks {
		shares := t.sharesIn(tier, int32(cell))
		t.tiers[tier].chunks[cell] = shares.most()
	}
}

// bound is how many members the cell can hold by free capacity, and by what was found when members were placed there.
func (t *tree) bound(c *cells, cell int) int64 {
	most := int64(0)
	for k, left := range t.wants {
		most += min(left, c.rooms[k][cell])
	}
	return min(most, c.limit[cell])
}

// hold is the most members up to want that the cell can hold.
func (t *tree) hold(tier int, cell int32, want int64) int64 {
	c, unit := &t.tiers[tier], t.unit(tier)
	chunks, rest := c.chunks[cell], c.rest[cell]
	if k := want / unit; chunks > k || chunks == k && rest >= want%unit {
		return want
	}
	return chunks*unit + rest
}
