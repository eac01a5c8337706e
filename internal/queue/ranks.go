package queue

import (
	"math"
	"slices"
)

// NeverTaken is the priority, in UseAs, of what is never a victim.
const NeverTaken = math.MaxInt32

// rank is what a leaf uses for one priority.
type rank struct {
	priority int32
	use      Vector
}

// rank adds amounts, by times, to what a leaf uses for a priority.
func (n *node) rank(priority int32, amounts Vector, by int64) {
	i, found := n.rankOf(priority)
	if !found {
		n.ranks = slices.Insert(n.ranks, i, rank{priority: priority})
	}
	n.ranks[i].use.Add(amounts, by)
	if !slices.ContainsFunc(n.ranks[i].use, func(amount int64) bool { return amount != 0 }) {
		n.ranks = slices.Delete(n.ranks, i, i+1)
	}
}

// rankOf returns where a priority is among the ranks, or would be.
func (n *node) rankOf(priority int32) (int, bool) {
	return slices.BinarySearchFunc(n.ranks, priority, func(r rank, p int32) int {
		switch {
		case r.priority > p:
			return -1
		case r.priority < p:
			return 1
		}
		return 0
	})
}

// stacked returns the ranks of a leaf, each with what it and all higher ones use.
func (n *node) stacked() []rank {
	stack := make([]rank, len(n.ranks))
	var sum Vector
	for i, r := range n.ranks {
		sum.Add(r.use, 1)
		stack[i] = rank{r.priority, sum.Clone()}
	}
	return stack
}

// atLeast returns what is used for a priority and all higher ones.
func atLeast(stack []rank, priority int32) Vector {
	var use Vector
	for _, r := range stack {
		if r.priority < priority {
			break
		}
		use = r.use
	}
	return use
}
