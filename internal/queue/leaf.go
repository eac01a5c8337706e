package queue

import (
	"math"
	"slices"
)

// line is what may start of the entries of a leaf, those aside that never can: its answer is the candidate of the queue.
type line interface {
	// add and remove add and remove an entry. They report whether the candidate may change.
	add(w *waiter) bool
	remove(w *waiter) bool
	// setReady says that Ready of an entry changed. It reports whether the candidate may change.
	setReady(w *waiter) bool
	// first returns the candidate for an amount of room, or nil, and sets the span for which that holds.
	first(room []int64, s span) *waiter
	// leastNeeds sets the least that anything ready needs in each dimension: as if there were no end of it if nothing is ready.
	leastNeeds(least []int64)
	// behind reports whether the order of the queue holds an entry up because of something before it.
	behind(w *waiter) bool
}

// bestEffort is the line of a BestEffort queue: the candidate is the first ready entry for which there is room. Entries that need the same
// are one shape, of which only the first ready one matters; so what is too big is passed by at once, however many there are of it.
type bestEffort struct{ shapes treap[*shape] }

// shape is the entries of a leaf that need the same in each dimension.
type shape struct {
	needs []int64
	// ready are those that are ready, and waiting counts all.
	ready   heads
	waiting int
	// first is the first ready entry of this shape and of those below it in the treap, nil if none is ready. least and most are the least
	// and the most that the shapes of these with ready entries need in each dimension.
	first       *waiter
	least, most []int64
}

func newBestEffort() *bestEffort {
	return &bestEffort{shapes: treap[*shape]{compare: (*shape).compare, pull: pullShape}}
}

func newShape(needs []int64) *shape {
	d := len(needs)
	all := make([]int64, 3*d) // side by side, since they are read together
	copy(all, needs)
	return &shape{needs: all[:d:d], least: all[d : 2*d : 2*d], most: all[2*d:]}
}

// compare orders shapes such that neighbours need the same resources, and similar amounts of them.
func (s *shape) compare(o *shape) int {
	for d := range s.needs {
		if order := first(s.needs[d] > 0, o.needs[d] > 0); order != 0 {
			return order
		}
	}
	return slices.Compare(s.needs, o.needs)
}

// pullShape computes what a shape keeps about those below it.
func pullShape(b *branch[*shape]) {
	s := b.value
	s.first = nil
	if w := s.ready.first(); w != nil {
		s.include(w, s.needs, s.needs)
	}
	for _, below := range [...]*branch[*shape]{b.left, b.right} {
		if below != nil && below.value.first != nil {
			s.include(below.value.first, below.value.least, below.value.most)
		}
	}
}

// include counts the first ready entry of a shape, or of several, and what they need.
func (s *shape) include(w *waiter, least, most []int64) {
	if s.first == nil {
		s.first = w
		copy(s.least, least)
		copy(s.most, most)
		return
	}
	if w.compare(s.first) < 0 {
		s.first = w
	}
	for d := range s.least {
		s.least[d], s.most[d] = min(s.least[d], least[d]), max(s.most[d], most[d])
	}
}

func (l *bestEffort) add(w *waiter) bool {
	w.shape = l.shapes.find(&shape{needs: w.needs})
	if w.shape == nil {
		w.shape = l.shapes.insert(newShape(w.needs))
	}
	s := w.shape.value
	s.waiting++
	w.needs = s.needs
	return w.Ready && l.setReady(w)
}

func (l *bestEffort) remove(w *waiter) bool {
	changed := false
	if w.Ready {
		w.Ready = false
		changed = l.setReady(w)
	}
	s := w.shape.value
	if s.waiting--; s.waiting == 0 {
		l.shapes.remove(w.shape)
	}
	return changed
}

func (l *bestEffort) setReady(w *waiter) bool {
	s := w.shape.value
	before := s.ready.first()
	if w.Ready {
		s.ready.add(w)
	} else {
		s.ready.remove(w)
	}
	if s.ready.first() == before {
		return false
	}
	l.shapes.update(w.shape)
	return true
}

func (l *bestEffort) leastNeeds(least []int64) {
	if b := l.shapes.root; b != nil && b.value.first != nil {
		copy(least, b.value.least)
		return
	}
	setNoEnd(least)
}

// setNoEnd sets needs to more than there is room for anywhere.
func setNoEnd(needs []int64) {
	for d := range needs {
		needs[d] = math.MaxInt64
	}
}

func (*bestEffort) behind(*waiter) bool { return false }

func (l *bestEffort) first(room []int64, s span) *waiter {
	best := search(l.shapes.root, nil, room, s)
	if best != nil {
		copy(s.low, best.needs)
	}
	return best
}

// search returns the first ready entry for which there is room, among best and those below a branch. It leaves out what is later than best,
// and what is too big as a whole, and looks where the earlier ones are first.
func search(b *branch[*shape], best *waiter, room []int64, s span) *waiter {
	if b == nil || b.value.first == nil || best != nil && best.compare(b.value.first) < 0 {
		return best
	}
	if d, ok := fits(b.value.least, room); !ok {
		s.high[d] = min(s.high[d], b.value.least[d]-1)
		return best
	}
	if _, ok := fits(b.value.most, room); ok {
		return b.value.first
	}
	if w := b.value.ready.first(); w != nil && (best == nil || w.compare(best) < 0) {
		if d, ok := fits(w.needs, room); ok {
			best = w
		} else {
			s.high[d] = min(s.high[d], w.needs[d]-1)
		}
	}
	near, far := b.left, b.right
	if near == nil || far != nil && far.value.before(near.value) {
		near, far = far, near
	}
	return search(far, search(near, best, room, s), room, s)
}

// before reports whether the first ready entry of a shape and of those below it is before that of another.
func (s *shape) before(o *shape) bool {
	return s.first != nil && (o.first == nil || s.first.compare(o.first) < 0)
}
