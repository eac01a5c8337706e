package placement

import (
	"cmp"
	"iter"
	"slices"
)

// surveyBudget is how many calls of Room the survey may make: 30 ms.
const surveyBudget = 1 << 20

// hardness is what classes are ordered by: nothing in it depends on the order in which they are given.
type hardness struct {
	candidates int    // nodes with free capacity, or a sample of them
	shape      uint64 // a hash of the free capacity of each node, to distinguish classes that look equal
}

// survey computes the free capacity for each class, orders the classes and bounds how many members fit. A gang of one local class
// needs none of it: its first order is exact.
func (p *planner) survey() {
	classes := p.gang.Classes
	p.byHardness = make([]int, len(classes))
	for c := range classes {
		p.byHardness[c] = c
	}
	if p.gang.exact() {
		return
	}
	found := make([]hardness, len(classes))
	stride := 1 + len(classes)*p.nodes/surveyBudget // with very many nodes, a sample is enough
	for c := range classes {
		room := 0
		for node := 0; node < p.nodes; node += stride {
			r := min(p.cluster.Room(c, node), classes[c].Members)
			if r > 0 {
				found[c].candidates++
			}
			room += r
			found[c].shape = scramble(found[c].shape ^ uint64(r))
		}
		p.rooms += p.nodes / stride
		if stride == 1 {
			p.bounds[c] = min(p.bounds[c], room)
		}
	}
	slices.SortStableFunc(p.byHardness, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(found[a].candidates, found[b].candidates),
			cmp.Compare(classes[b].Size, classes[a].Size),
			cmp.Compare(classes[b].Members, classes[a].Members),
			// Members that depend on other nodes too have fewer nodes than the free capacity suggests.
			falseFirst(classes[a].Local, classes[b].Local),
			cmp.Compare(found[a].shape, found[b].shape),
			cmp.Compare(classes[b].Must, classes[a].Must),
		)
	})
}

// falseFirst compares two booleans.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// scramble is the finalizer of SplitMix64: it maps numbers that are alike to numbers that are not.
// https://doi.org/10.1145/2714064.2660195
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// tryOrders fills the classes in one order after the other, until one places all members or the budget is spent.
func (p *planner) tryOrders() {
	for order := range p.orders() {
		for _, strategy := range []Strategy{p.gang.Strategy, Pack + Spread - p.gang.Strategy} {
			p.run(order, strategy)
			if p.settled() || p.spent() {
				return
			}
		}
	}
}

// orders are the orders of classes worth trying, without repetition.
func (p *planner) orders() iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var seen [][]int
		fresh := func(order []int) bool { // false if the loop ended
			if slices.ContainsFunc(seen, equals(order)) {
				return true
			}
			seen = append(seen, order)
			return yield(order)
		}
		hardest := p.byHardness
		followed := slices.Clone(hardest)
		slices.SortStableFunc(followed, func(a, b int) int {
			return falseFirst(p.gang.Classes[a].Follows, p.gang.Classes[b].Follows)
		})
		largest := slices.Clone(hardest)
		slices.SortStableFunc(largest, func(a, b int) int {
			return cmp.Compare(p.gang.Classes[b].Size, p.gang.Classes[a].Size)
		})
		// Small members first may reach Min where large ones take the capacity of many.
		small := func() bool { return fresh(reversed(largest)) && fresh(reversed(hardest)) }
		if !fresh(followed) || !fresh(hardest) || !fresh(largest) || p.gang.Min < p.total && !small() {
			return
		}
		// A class may take much of what Room does not count, such as devices. Then it is left out, so it comes first in the next order.
		for late, tried := p.leftOutFirst(hardest), 0; tried < len(hardest) && !slices.ContainsFunc(seen, equals(late)); tried++ {
			if !fresh(late) {
				return
			}
			late = p.leftOutFirst(late)
		}
		if !small() {
			return
		}
		// Try each class first, because it may be harder than it looks, and each class last, because it may be the one to leave out.
		for i := range hardest {
			if !fresh(moved(hardest, i, 0)) || !fresh(moved(hardest, i, len(hardest)-1)) {
				return
			}
		}
	}
}

// leftOutFirst returns the order with those classes first of which members have no node now.
func (p *planner) leftOutFirst(order []int) []int {
	order = slices.Clone(order)
	slices.SortStableFunc(order, func(a, b int) int { return falseFirst(p.left[a] == 0, p.left[b] == 0) })
	return order
}

// equals returns a function that reports whether an order is this one.
func equals(order []int) func([]int) bool {
	return func(other []int) bool { return slices.Equal(order, other) }
}

func reversed(order []int) []int {
	order = slices.Clone(order)
	slices.Reverse(order)
	return order
}

// moved returns the order with one element moved to another index.
func moved(order []int, from, to int) []int {
	class := order[from]
	return slices.Insert(slices.Delete(slices.Clone(order), from, from+1), to, class)
}
