package preempt

import "slices"

// all returns a set of all units.
func (m *model) all() []bool {
	set := make([]bool, len(m.units))
	for id := range set {
		set[id] = true
	}
	return set
}

// mask returns the set of the units.
func (m *model) mask(units []int32) []bool {
	set := make([]bool, len(m.units))
	for _, id := range units {
		set[id] = true
	}
	return set
}

// members returns the units of a set in order.
func (m *model) members(set []bool) []int32 {
	list := make([]int32, 0, len(set))
	for id, in := range set {
		if in {
			list = append(list, int32(id)) //nolint:gosec // there are fewer units than that
		}
	}
	return list
}

// inputs returns the indexes of the units in the problem.
func (m *model) inputs(units []int32) []int {
	inputs := make([]int, len(units))
	for i, id := range units {
		inputs[i] = m.units[id].input
	}
	return inputs
}

// levels returns the priorities of units of the set, in order.
func (m *model) levels(set []bool) []int32 {
	var levels []int32
	for id := range m.units {
		if highest := m.units[id].highest; set[id] && (len(levels) == 0 || levels[len(levels)-1] != highest) {
			levels = append(levels, highest) // units are mostly ordered by priority
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// upTo returns the units of the set with at most this priority.
func (m *model) upTo(set []bool, priority int32) []bool {
	set = slices.Clone(set)
	for id := range set {
		set[id] = set[id] && m.units[id].highest <= priority
	}
	return set
}

// sparing returns the set without units that break a budget even if they go alone.
func (m *model) sparing(set []bool) []bool {
	set = slices.Clone(set)
	for id := range set {
		set[id] = set[id] && m.broken(append([]int32{int32(id)}, m.units[id].surplus...)) == 0 //nolint:gosec // there are fewer units than that
	}
	return m.closed(set)
}

// closed returns the set without gangs of which it does not have all surplus.
func (m *model) closed(set []bool) []bool {
	set = slices.Clone(set)
	for id := range m.units {
		if core := m.units[id].core; core >= 0 && !set[id] {
			set[core] = false
		}
	}
	return set
}

// fill returns the units of the set with as many others as the limits admit, the cheapest first.
func (m *model) fill(l limits, set []int32) []int32 {
	all := m.members(l.from)
	if l.broken >= m.broken(all) {
		return all
	}
	w := newWorld(m)
	for _, id := range set {
		w.remove(id)
	}
	for _, id := range all {
		var added []int32
		for _, id := range append([]int32{id}, m.units[id].surplus...) {
			if !w.gone[id] {
				w.remove(id)
				added = append(added, id)
			}
		}
		if w.over <= l.broken {
			continue
		}
		for _, id := range added {
			w.restore(id)
		}
	}
	return m.members(w.gone)
}
