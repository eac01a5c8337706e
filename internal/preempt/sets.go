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
func (m *model) mask(units []int) []bool {
	set := make([]bool, len(m.units))
	for _, id := range units {
		set[id] = true
	}
	return set
}

// members returns the units of a set in order.
func (m *model) members(set []bool) []int {
	list := make([]int, 0, len(set))
	for id, in := range set {
		if in {
			list = append(list, id)
		}
	}
	return list
}

// inputs returns the indexes of the units in the problem.
func (m *model) inputs(units []int) []int {
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

// whole returns a unit and its surplus.
func (m *model) whole(id int) []int { return append([]int{id}, m.units[id].surplus...) }

// sparing returns the set without units that break a budget even if they go alone.
func (m *model) sparing(set []bool) []bool {
	set = slices.Clone(set)
	for id := range set {
		set[id] = set[id] && m.broken(m.whole(id)) == 0
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
func (m *model) fill(l limits, set []int) []int {
	all := m.members(l.from)
	if l.broken >= m.broken(all) {
		return all
	}
	w := newWorld(m)
	for _, id := range set {
		w.remove(id)
	}
	for _, id := range all {
		var added []int
		for _, id := range m.whole(id) {
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
