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
	// leastNeeds sets the least that anything ready needs in each dimension: as if there were no end of it if nothing is ready. It returns
	// one of the entries that are ready: one that is ahead if there is any, and nil if nothing is ready.
	leastNeeds(least []int64) *waiter
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
	// first is the first ready entry of this shape and of those below it in the treap, and about where it is in the order; nil if none is
	// ready. least is the least that the shapes of these with ready entries need in each dimension.
	first *waiter
	about about
	least []int64
}

func newBestEffort() *bestEffort {
	return &bestEffort{shapes: treap[*shape]{compare: (*shape).compare, pull: pullShape}}
}

func newShape(needs []int64) *shape {
	d := len(needs)
	all := make([]int64, 2*d) // side by side, since they are read together
	s := &shape{least: all[:d:d], needs: all[d:]}
	copy(s.needs, needs)
	return s
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
		s.include(w, w.Key.about(), s.needs)
	}
	for _, below := range [...]*branch[*shape]{b.left, b.right} {
		if below != nil && below.value.first != nil {
			s.include(below.value.first, below.value.about, below.value.least)
		}
	}
}

// include counts the first ready entry of a shape, or of several, and what they need.
func (s *shape) include(w *waiter, at about, least []int64) {
	if s.first == nil {
		s.first, s.about = w, at
		copy(s.least, least)
		return
	}
	if w.goesBefore(at, s.first, s.about) {
		s.first, s.about = w, at
	}
	for d := range s.least {
		s.least[d] = min(s.least[d], least[d])
	}
}

// goesBefore reports whether an entry is before another one, of both of which it is known about where they are.
func (w *waiter) goesBefore(at about, o *waiter, other about) bool {
	if order := at.compare(other); order != 0 {
		return order < 0
	}
	return w.compare(o) < 0
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

func (l *bestEffort) leastNeeds(least []int64) *waiter {
	if b := l.shapes.root; b != nil && b.value.first != nil {
		copy(least, b.value.least)
		return b.value.first
	}
	setNoEnd(least)
	return nil
}

// setNoEnd sets needs to more than there is room for anywhere.
func setNoEnd(needs []int64) {
	for d := range needs {
		needs[d] = math.MaxInt64
	}
}

func (*bestEffort) behind(*waiter) bool { return false }

func (l *bestEffort) first(room []int64, s span) *waiter {
	q := search{room: room, span: s}
	q.below(l.shapes.root)
	if q.best != nil {
		copy(s.low, q.best.needs)
	}
	return q.best
}

// search is a search for the first ready entry for which there is room.
type search struct {
	room []int64
	span span
	best *waiter
	// about is about where the best one is in the order.
	about about
}

// below searches below a branch. It leaves out what is later than the best one, and what is too big as a whole, and looks where the earlier
// ones are first.
func (q *search) below(b *branch[*shape]) {
	if b == nil {
		return
	}
	s := b.value
	if s.first == nil || q.best != nil && q.best.goesBefore(q.about, s.first, s.about) {
		return
	}
	if d, ok := fits(s.least, q.room); !ok {
		q.span.high[d] = min(q.span.high[d], s.least[d]-1)
		return
	}
	d, ok := fits(s.first.needs, q.room)
	if ok {
		q.best, q.about = s.first, s.about
		return
	}
	q.span.high[d] = min(q.span.high[d], s.first.needs[d]-1)
	if w := s.ready.first(); w != nil && w != s.first {
		if d, ok := fits(s.needs, q.room); !ok {
			q.span.high[d] = min(q.span.high[d], s.needs[d]-1)
		} else if at := w.Key.about(); q.best == nil || w.goesBefore(at, q.best, q.about) {
			q.best, q.about = w, at
		}
	}
	near, far := b.left, b.right
	if near == nil || far != nil && far.value.before(near.value) {
		near, far = far, near
	}
	q.below(near)
	q.below(far)
}

// before reports whether the first ready entry of a shape and of those below it is before that of another.
func (s *shape) before(o *shape) bool {
	return s.first != nil && (o.first == nil || s.first.goesBefore(s.about, o.first, o.about))
}
