package preempt

import "slices"

// effort bounds how often nodes are counted to improve a choice. In a small cluster it is enough to try without each unit that is chosen,
// in a large one there is no improvement to speak of.
const effort = 4000

// best returns the cheapest choice by counting that it found: the greedy one, or the greedy one without a unit of the best choice so far.
func (m *model) best(l limits) (set []int, found bool) {
	set, counted, found := m.choose(l)
	if !found {
		return nil, false
	}
	rank := m.rank(set)
	for left := effort - counted; left > counted; {
		better := false
		for _, id := range slices.Backward(set) {
			other, counted, found := m.choose(m.except(l, id))
			left -= counted
			if found {
				if r := m.rank(other); r.Compare(rank) < 0 {
					set, rank, better = other, r, true
					break
				}
			}
			if left <= 0 {
				break
			}
		}
		if !better {
			break
		}
	}
	return set, true
}

// except returns the limits without a unit. The gang of a surplus may then not go either.
func (m *model) except(l limits, id int) limits {
	l.from = slices.Clone(l.from)
	l.from[id] = false
	if core := m.units[id].core; core >= 0 {
		l.from[core] = false
	}
	return l
}
