package queue

import (
	"maps"
	"math"
	"slices"
)

// A queue bounds what is started in it in dimensions: the limit of a resource is one, and the guarantee of a resource, for what may only
// start within guarantees, is another. What an entry needs in each, and how much room is left in each, are slices by dimension. A dimension
// exists if any queue of the tree has a bound in it.

// dimension identifies a dimension.
type dimension struct {
	// kind is BeyondLimit or BeyondGuarantee.
	kind     WhyKind
	resource int
}

// bound is an amount of a resource that a queue is limited to, or guaranteed.
type bound struct {
	resource int
	amount   int64
	// dim is the number of the dimension.
	dim int
}

// room returns how much may still be added; 0 if too much is used already.
func (b bound) room(use Vector) int64 { return max(0, b.amount-use.Get(b.resource)) }

// bounds returns amounts in the order of the names of their resources, so that the one that is named as the reason is always the same.
func (t *Tree) bounds(kind WhyKind, amounts Amounts) []bound {
	bounds := make([]bound, 0, len(amounts))
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		b := bound{resource: t.resources.Index(name), amount: amounts[name]}
		key := dimension{kind, b.resource}
		dim, known := t.dimensions[key]
		if !known {
			dim = len(t.dimensions)
			t.dimensions[key] = dim
			if kind == BeyondLimit {
				t.limited = append(t.limited, make([]int, max(0, b.resource+1-len(t.limited)))...)
				t.limited[b.resource] = dim + 1
			}
		}
		b.dim = dim
		bounds = append(bounds, b)
	}
	return bounds
}

// limitOf returns the dimension of the limits of a resource.
func (t *Tree) limitOf(resource int) (dim int, exists bool) {
	if resource >= len(t.limited) {
		return 0, false
	}
	return t.limited[resource] - 1, t.limited[resource] > 0
}

// needs returns what an entry needs in each dimension in which its queue, or one above, has a bound.
func (t *Tree) needs(e *Entry) []int64 {
	needs := make([]int64, len(t.dimensions))
	for _, n := range e.Leaf.node.path {
		for _, b := range n.limits {
			needs[b.dim] = e.Ask.Get(b.resource)
		}
		for _, b := range n.guarantees {
			if e.Guaranteed {
				needs[b.dim] = e.Ask.Get(b.resource)
			}
		}
	}
	return needs
}

// fits reports whether room is left for needs, or else a dimension in which there is too little.
func fits(needs, room []int64) (lacks int, ok bool) {
	for d, need := range needs {
		if need > room[d] {
			return d, false
		}
	}
	return 0, true
}

// confine sets the room of a queue: in each dimension the least that it and the queues above it leave.
func (n *node) confine(above []int64) {
	copy(n.room, above)
	for _, bounds := range [...][]bound{n.limits, n.guarantees} {
		for _, b := range bounds {
			n.room[b.dim] = min(n.room[b.dim], b.room(n.use))
		}
	}
}

// span is the range of room within which an answer stays the same: low[d] <= room[d] <= high[d] in each dimension d.
type span struct{ low, high []int64 }

// newSpan returns a span of all room.
func newSpan(dimensions int) span {
	s := span{make([]int64, dimensions), make([]int64, dimensions)}
	s.reset()
	return s
}

// reset makes it a span of all room.
func (s span) reset() {
	for d := range s.low {
		s.low[d], s.high[d] = 0, math.MaxInt64
	}
}

// empty makes it a span of no room.
func (s span) empty() {
	for d := range s.low {
		s.low[d], s.high[d] = 1, 0
	}
}

// includes reports whether an answer holds for an amount of room.
func (s span) includes(room []int64) bool {
	for d, r := range room {
		if r < s.low[d] || r > s.high[d] {
			return false
		}
	}
	return true
}

// intersect sets it to what two spans have in common.
func (s span) intersect(a, b span) {
	for d := range s.low {
		s.low[d], s.high[d] = max(a.low[d], b.low[d]), min(a.high[d], b.high[d])
	}
}

// seenFromAbove sets it to the span of a queue in terms of the room of the queue above it: more room above changes nothing where the queue
// itself leaves too little.
func (s span) seenFromAbove(n *node) {
	copy(s.low, n.span.low)
	copy(s.high, n.span.high)
	for _, bounds := range [...][]bound{n.limits, n.guarantees} {
		for _, b := range bounds {
			if b.room(n.use) <= s.high[b.dim] {
				s.high[b.dim] = math.MaxInt64
			}
		}
	}
}
