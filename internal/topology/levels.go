package topology

import "slices"

// addLevels adds the levels below the required one.
func (t *tree) addLevels() {
	rules := t.rules
	extra, extraKind := rules.Slice, slice
	if extra == nil {
		extra, extraKind = rules.Spread, spread
	} else {
		t.size = int64(max(1, rules.SliceSize))
	}
	// Chunks and shares are below the broad levels that their domains are inside of, and above the others, which divide them.
	below := len(rules.Preferred)
	for extra != nil && below > 0 && inside(extra, rules.Preferred[below-1]) {
		below--
	}
	for i := len(rules.Preferred) - 1; i >= -1; i-- {
		if extra != nil && i < below {
			if extraKind == slice {
				t.sliced = len(t.tiers)
			} else {
				t.spread = len(t.tiers)
			}
			t.add(extra, extraKind)
			extra = nil
		}
		if i >= 0 {
			t.add(rules.Preferred[i], preferred)
		}
	}
}

// inside reports whether each domain of a level is inside one domain of the other.
func inside(narrow, broad *Level) bool {
	const unseen = -2
	of := make([]int32, len(narrow.Names))
	for d := range of {
		of[d] = unseen
	}
	for n, d := range narrow.Of {
		switch {
		case d < 0:
		case of[d] == unseen:
			of[d] = broad.Of[n]
		case of[d] != broad.Of[n]:
			return false
		}
	}
	return true
}

// add adds a level below the last tier.
func (t *tree) add(level *Level, kind kind) {
	above := &t.tiers[len(t.tiers)-1]
	c := cells{level: level, kind: kind, parent: make([]int32, len(level.Names)), domain: make([]int32, len(level.Names))}
	for d := range c.domain {
		c.parent[d], c.domain[d] = -1, int32(d)
	}
	c.partial = make([]bool, len(level.Names))
	if above.of == nil && t.nodes == nil && (kind != preferred || !slices.Contains(level.Of, -1)) {
		c.of = level.Of
		clear(c.parent)
		t.tiers = append(t.tiers, c)
		return
	}
	type crossing struct{ parent, domain int32 }
	var crossings map[crossing]int32
	c.of = make([]int32, t.positions())
	for i := range c.of {
		parent, domain := above.cell(i), level.Of[t.node(i)]
		switch {
		case parent < 0, domain < 0 && kind != preferred:
			c.of[i] = -1
		case domain >= 0 && (c.parent[domain] == parent || c.parent[domain] < 0):
			c.parent[domain], c.of[i] = parent, domain
		default: // the domain crosses domains of the level above, or the node is in none
			cell, known := crossings[crossing{parent, domain}]
			if !known {
				if crossings == nil {
					crossings = map[crossing]int32{}
				}
				cell = int32(len(c.parent))
				crossings[crossing{parent, domain}] = cell
				c.parent, c.domain, c.partial = append(c.parent, parent), append(c.domain, domain), append(c.partial, false)
				t.markPartial(&c, cell)
			}
			c.of[i] = cell
		}
	}
	t.tiers = append(t.tiers, c)
}

// markPartial marks the cell, which was just added below the last tier, and others of its domain.
func (t *tree) markPartial(c *cells, cell int32) {
	above := len(t.tiers) - 1
	base := min(t.base, above)
	for other, domain := range c.domain {
		if domain == c.domain[cell] && other != int(cell) &&
			t.ancestor(above, c.parent[other], base) == t.ancestor(above, c.parent[cell], base) {
			c.partial[other], c.partial[cell] = true, true
		}
	}
}
