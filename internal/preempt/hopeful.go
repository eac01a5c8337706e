package preempt

// hopeful reports whether the gang could fit without the set of units. It counts each class alone, all classes with the smallest request of
// each resource, and each bound.
func (m *model) hopeful(set []bool) bool {
	if m.total > m.membersOf() || !m.enough(set) {
		return false
	}
	free := make([]int64, m.resources)
	alone, together := make([]int, len(m.classes)), 0
	least := m.least()
	for n := range m.nodes {
		copy(free, m.row(m.free, n))
		for _, e := range m.on[n] {
			if set[e.unit] {
				add(free, e.frees)
			}
		}
		used := false
		for c := range m.classes {
			if m.usable[c][n] {
				alone[c] += m.fit(free, c)
				used = true
			}
		}
		if used {
			together += smallest(free, least, m.total)
		}
	}
	return m.placeable(alone) && together >= m.total
}

// placeable reports whether enough members of each class and of all could be placed, if so many of each class fit alone.
func (m *model) placeable(alone []int) bool {
	sum := 0
	for c, class := range m.classes {
		if alone[c] < class.Must {
			return false
		}
		sum += min(class.Members, alone[c])
	}
	return sum >= m.total
}

func (m *model) membersOf() int {
	all := 0
	for _, c := range m.classes {
		if c.Must > c.Members {
			return -1
		}
		all += c.Members
	}
	return all
}

// enough reports whether the units of the set free what is lacking of each bound.
func (m *model) enough(set []bool) bool {
	for b, lacks := range m.lacks {
		for id := range m.units {
			if lacks <= 0 {
				break
			}
			if set[id] {
				lacks -= m.units[id].freed(b)
			}
		}
		if lacks > 0 {
			return false
		}
	}
	return true
}

// freed returns how much the unit frees of a bound.
func (u *unit) freed(bound int) int64 {
	if bound < len(u.frees) {
		return u.frees[bound]
	}
	return 0
}

// least returns the smallest request of each resource.
func (m *model) least() []int64 {
	least := make([]int64, m.resources)
	for r := range least {
		for c, class := range m.classes {
			ask := int64(0)
			if r < len(class.Ask) {
				ask = class.Ask[r]
			}
			if c == 0 || ask < least[r] {
				least[r] = ask
			}
		}
	}
	return least
}

// smallest returns how many members fit that request only the smallest amounts, at most so many.
func smallest(free, least []int64, most int) int {
	fit := int64(most)
	for r, ask := range least {
		if ask > 0 {
			fit = min(fit, max(0, free[r])/ask)
		}
	}
	return int(fit)
}

func add(to, amounts []int64) {
	for r, amount := range amounts[:min(len(to), len(amounts))] {
		to[r] += amount
	}
}

func subtract(from, amounts []int64) {
	for r, amount := range amounts[:min(len(from), len(amounts))] {
		from[r] -= amount
	}
}
