package preempt

import "slices"

// reviews limits the total number of victims in the calls of Allows while a set is built.
const reviews = 1_000_000

// amongAllowed searches for victims in a set of units that the rules between queues allow together. It builds the set from the units chosen
// by counting, then adds other units, the cheapest first. If the gang does not fit without this set, it builds a second set that starts
// with the units that the first set does not have.
func (s *search) amongAllowed() {
	order := s.m.useful()
	set := s.allowed(order)
	if s.run(set) {
		return
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if set[a] == set[b] {
			return 0
		}
		return first(set[b])
	})
	s.run(s.allowed(order))
}

// allowed returns units that the rules between queues allow together. A unit that is not allowed with those before it is left out.
func (s *search) allowed(order []int) []bool {
	set := make([]bool, len(s.m.units))
	var victims []int
	for at, chunk, left := 0, 1, reviews; at < len(order); {
		next := order[at:min(at+chunk, len(order))]
		added := s.m.inputs(s.m.others(next, set))
		if left -= len(victims) + len(added); left < 0 {
			break
		}
		switch {
		case s.c.Allows(append(slices.Clip(victims), added...)):
			victims = append(victims, added...)
			s.m.include(next, set)
			at += len(next)
			chunk *= 2
		case len(next) == 1:
			at++
		default:
			chunk = max(1, len(next)/4)
		}
	}
	return set
}

// useful returns the units that may be of use to the gang, the most useful first.
func (m *model) useful() []int {
	order, _ := m.best(limits{from: m.all(), broken: unlimited})
	in := m.mask(order)
	for i := range m.units {
		if id := i; !in[id] && m.helps(id) {
			order = append(order, id)
		}
	}
	return order
}

// helps reports whether the unit frees something that the gang can use.
func (m *model) helps(id int) bool {
	for _, p := range m.units[id].parts {
		for c := range m.classes {
			if m.usable[c][p.node] {
				return true
			}
		}
	}
	for b, lacks := range m.lacks {
		if lacks > 0 && m.units[id].freed(b) > 0 {
			return true
		}
	}
	return false
}

// others returns the units and what goes with them, without those in the set.
func (m *model) others(units []int, set []bool) []int {
	var list []int
	seen := map[int]bool{}
	for _, head := range units {
		for _, id := range m.whole(head) {
			if !set[id] && !seen[id] {
				seen[id] = true
				list = append(list, id)
			}
		}
	}
	return list
}

// include adds the units and what goes with them to the set.
func (m *model) include(units []int, set []bool) {
	for _, head := range units {
		for _, id := range m.whole(head) {
			set[id] = true
		}
	}
}
