package preempt

import "slices"

// world is the cluster in numbers, without the units that are gone.
type world struct {
	m     *model
	gone  []bool
	free  []int64 // by node and resource
	drawn []int   // disruptions, by budget
	over  int     // how many are beyond what the budgets allow
	lacks []int64 // what is still lacking of each bound
}

func newWorld(m *model) world {
	return world{
		m:     m,
		gone:  make([]bool, len(m.units)),
		free:  slices.Clone(m.free),
		drawn: make([]int, len(m.allowed)),
		lacks: slices.Clone(m.lacks),
	}
}

func (w *world) remove(id int) {
	u := &w.m.units[id]
	w.gone[id] = true
	for _, p := range u.parts {
		add(w.m.row(w.free, p.node), p.frees)
	}
	for _, b := range u.budgets {
		if w.drawn[b]++; w.drawn[b] > w.m.allowed[b] {
			w.over++
		}
	}
	for b := range w.lacks {
		w.lacks[b] -= u.freed(b)
	}
}

func (w *world) restore(id int) {
	u := &w.m.units[id]
	w.gone[id] = false
	for _, p := range u.parts {
		subtract(w.m.row(w.free, p.node), p.frees)
	}
	for _, b := range u.budgets {
		if w.drawn[b]--; w.drawn[b] >= w.m.allowed[b] {
			w.over--
		}
	}
	for b := range w.lacks {
		w.lacks[b] += u.freed(b)
	}
}

// lacking reports whether more must be freed of a bound.
func (w *world) lacking() bool {
	return slices.ContainsFunc(w.lacks, func(lacks int64) bool { return lacks > 0 })
}

// stays reports whether the unit has to stay gone, whatever the nodes have: its gang is gone, or a bound needs what it frees.
func (w *world) stays(id int) bool {
	u := &w.m.units[id]
	if u.core >= 0 && w.gone[u.core] {
		return true
	}
	for b, lacks := range w.lacks {
		if w.m.lacks[b] > 0 && lacks+u.freed(b) > 0 {
			return true
		}
	}
	return false
}

// dearest returns the units that are gone in the order in which they are given back: first those that draw on a budget that is overdrawn,
// then from the dearest to the cheapest. The surplus of a gang that is gone follows the gang.
func (w *world) dearest() []int {
	list := make([]int, 0, len(w.gone))
	for _, overdrawn := range [2]bool{true, false} {
		for i := range slices.Backward(w.gone) {
			id := i
			u := &w.m.units[id]
			if !w.gone[id] || w.overdraws(id) != overdrawn || u.core >= 0 && w.gone[u.core] {
				continue
			}
			list = append(list, id)
			for _, s := range slices.Backward(u.surplus) {
				if w.gone[s] {
					list = append(list, s)
				}
			}
		}
	}
	return list
}

// overdraws reports whether a disruption by the unit, or by what goes with it, is beyond what a budget allows.
func (w *world) overdraws(id int) bool {
	if w.over == 0 {
		return false
	}
	over := func(b int) bool { return w.drawn[b] > w.m.allowed[b] }
	if slices.ContainsFunc(w.m.units[id].budgets, over) {
		return true
	}
	return slices.ContainsFunc(w.m.units[id].surplus, func(s int) bool { return slices.ContainsFunc(w.m.units[s].budgets, over) })
}
