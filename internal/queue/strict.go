package queue

import "slices"

// strict is the line of a Strict queue: nothing overtakes what waits before it and could use the same nodes, whether that is ready or not,
// and whether there is room for it or not. So the candidate is the head of a pool.
type strict struct {
	pools map[int]*pool
	// order is the pools by their heads, if sorted is true.
	order  []*pool
	sorted bool
	// meets reports whether two pools share a node.
	meets func(a, b int) bool
}

// pool is the entries of a leaf that can use the same nodes.
type pool struct {
	id      int
	waiting heads
}

func newStrict() *strict {
	return &strict{pools: map[int]*pool{}, meets: func(int, int) bool { return true }}
}

func (l *strict) add(w *waiter) bool {
	p := l.pools[w.Pool]
	if p == nil {
		p = &pool{id: w.Pool}
		l.pools[w.Pool] = p
		l.order = append(l.order, p)
	}
	p.waiting.add(w)
	return l.changed(p.waiting.first() == w)
}

func (l *strict) remove(w *waiter) bool {
	p := l.pools[w.Pool]
	head := p.waiting.first() == w
	p.waiting.remove(w)
	if p.waiting.len() == 0 {
		delete(l.pools, p.id)
		l.order = slices.DeleteFunc(l.order, func(o *pool) bool { return o == p })
	}
	return l.changed(head)
}

// changed notes whether the head of a pool changed.
func (l *strict) changed(head bool) bool {
	l.sorted = l.sorted && !head
	return head
}

func (l *strict) setReady(w *waiter) bool { return l.pools[w.Pool].waiting.first() == w }

func (l *strict) first(room []int64, s span) *waiter {
	for _, p := range l.byHead() {
		w := p.waiting.first()
		if !w.Ready || l.behind(w) {
			continue
		}
		if d, ok := fits(w.needs, room); !ok {
			s.high[d] = min(s.high[d], w.needs[d]-1)
			continue
		}
		copy(s.low, w.needs)
		return w
	}
	return nil
}

func (l *strict) leastNeeds(least []int64) *waiter {
	setNoEnd(least)
	var first *waiter
	for _, p := range l.order {
		w := p.waiting.first()
		if !w.Ready {
			continue
		}
		if first == nil || w.compare(first) < 0 {
			first = w
		}
		for d, need := range w.needs {
			least[d] = min(least[d], need)
		}
	}
	return first
}

func (l *strict) behind(w *waiter) bool {
	for _, p := range l.byHead() {
		if p.waiting.first().compare(w) >= 0 {
			return false
		}
		if p.id == w.Pool || l.meets(p.id, w.Pool) {
			return true
		}
	}
	return false
}

// byHead returns the pools by their heads.
func (l *strict) byHead() []*pool {
	if !l.sorted {
		l.sorted = true
		slices.SortFunc(l.order, func(a, b *pool) int { return a.waiting.first().compare(b.waiting.first()) })
	}
	return l.order
}
