package preempt

// giveBack gives back what the plan does not need, the dearest first, and keeps the answer if it is the cheapest so far.
func (s *search) giveBack(a *answer) {
	w := newWorld(s.m)
	for _, id := range a.without {
		w.remove(id)
	}
	for _, id := range w.dearest() {
		if !w.stays(id) && s.c.Back(s.m.units[id].input) {
			w.restore(id)
		}
	}
	a.victims = s.m.members(w.gone)
	a.rank = s.m.rank(a.victims)
	s.state = a
	s.keep(a)
}

// keep keeps the answer if it is the cheapest so far.
func (s *search) keep(a *answer) {
	if s.found == nil || a.rank.Compare(s.found.rank) < 0 {
		s.found = a
	}
	if s.best == nil || a.rank.Compare(s.best.rank) < 0 {
		if len(a.victims) == 0 || s.c.Allows(s.m.inputs(a.victims)) {
			s.best = a
		}
	}
}
