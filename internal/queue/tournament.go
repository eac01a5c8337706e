package queue

// tournament finds the queue that goes before its siblings: a binary tree over them, in which each cell has the outcome of the two cells
// below. So a change of one queue costs the logarithm of the number of siblings.
//
// What could start in a queue depends on the room. When that changes, the tournament asks only queues that could win: a cell knows how good
// a candidate in it is at best, and is left out if that is worse than a candidate that was found.
type tournament struct {
	queues []*node
	// cells has the first cell at 1, the cells below i at 2i and 2i+1, and those of the queues from len(queues) on.
	cells []cell
}

// cell is some siblings: one of them, or those of the cells below.
type cell struct {
	facts facts
	// best is the standing that the candidate of a queue has at best.
	best standing
	// dirty is true if the facts are to be computed again.
	dirty bool
	// now is the outcome for the room that was looked at last: one of these. With shut nothing could start; what is below is not looked at
	// then, and stays as it was. With unseen nothing is known but the facts.
	now                *outcome
	open, shut, unseen outcome
}

// outcome is the outcome among some siblings.
type outcome struct {
	// winner is the one that goes first, nil if nothing could start in any, those aside that were left out.
	winner *node
	// rest is the standing that a candidate in those left out has at best, nil if none were, or nothing is ready in them.
	rest *standing
	// counts are the resources that count for those in which something could start, and more what may count for those left out.
	counts, more mask
	// span is the room of the queue above for which this holds.
	span span
}

func newTournament(queues []*node, dimensions int) tournament {
	t := tournament{queues: queues, cells: make([]cell, 2*len(queues))}
	all := newSpan(dimensions)
	side := make([]int64, 5*dimensions*len(t.cells)) // what a cell has is side by side, since it is read together
	next := func() []int64 {
		s := side[:dimensions:dimensions]
		side = side[dimensions:]
		return s
	}
	for i := range t.cells {
		c := &t.cells[i]
		c.open.span, c.facts.least, c.shut.span, c.unseen.span = span{next(), next()}, next(), span{next(), next()}, all
		c.forget()
	}
	return t
}

// top returns the cell of all queues.
func (t *tournament) top() *cell { return &t.cells[1] }

// of returns the cell of one queue.
func (t *tournament) of(n *node) *cell { return &t.cells[t.place(n)] }

// place returns the number of the cell of one queue.
func (t *tournament) place(n *node) int { return len(t.queues) + n.index }

// look finds what is known for an amount of room without a look at what is below.
func (c *cell) look(room []int64) *outcome {
	c.now = &c.open
	switch {
	case len(room) == 0 || c.open.span.includes(room):
	case c.shut.span.includes(room):
		c.now = &c.shut
	default:
		c.now = &c.unseen
		if d, ok := fits(c.facts.least, room); !ok {
			c.now = &c.shut
			c.shut.span.reset()
			c.shut.span.high[d] = c.facts.least[d] - 1
		}
	}
	return c.now
}

// enter notes the standing of a queue. The cells above it must be pulled afterwards.
func (t *tournament) enter(n *node) {
	c := t.of(n)
	c.now = &c.open
	c.open.winner, c.open.counts = n, n.standing.counts
	c.open.span.seenFromAbove(n)
	c.shut.span.empty()
	if n.standing.entry == nil {
		c.now, c.open.winner = &c.shut, nil
		c.open.span, c.shut.span = c.shut.span, c.open.span
	}
}

// forget forgets the standing of a queue, in which something changed.
func (c *cell) forget() {
	c.now = &c.unseen
	c.open.span.empty()
	c.shut.span.empty()
}

// soil notes that the facts of the cells above a queue must be computed again.
func (t *tournament) soil(n *node) {
	for i := t.place(n) / 2; i >= 1 && !t.cells[i].dirty; i /= 2 {
		t.cells[i].dirty = true
	}
}

// clean pulls a cell, and those below it, whose facts must be computed again.
func (t *tournament) clean(i int, room []int64) {
	if c := &t.cells[i]; c.dirty {
		t.clean(2*i, room)
		t.clean(2*i+1, room)
		c.dirty = false
		c.learn(&t.cells[2*i], &t.cells[2*i+1])
		t.pull(i, room)
	}
}

// learn sets the facts of a cell to those of the two below it.
func (c *cell) learn(left, right *cell) {
	c.facts.join(&left.facts, &right.facts)
	c.unseen.rest, c.unseen.more = c.facts.best, c.facts.may
}

// pull computes the outcome of a cell from the two below it.
func (t *tournament) pull(i int, room []int64) {
	c, left, right := &t.cells[i], &t.cells[2*i], &t.cells[2*i+1]
	a, b := left.look(room), right.look(room)
	c.shut.span.intersect(left.shut.span, right.shut.span)
	c.open.join(a, b)
	c.now = &c.open
}

// join makes it the outcome of two.
func (o *outcome) join(a, b *outcome) {
	o.winner, o.rest = a.winner, better(a.rest, b.rest)
	if a.winner == nil || b.winner != nil && b.winner.standing.before(&a.winner.standing) {
		o.winner = b.winner
	}
	o.counts, o.more = a.counts|b.counts, a.more|b.more
	o.span.intersect(a.span, b.span)
}

// decide finds which queue of a cell goes before all others, and before the best one found elsewhere. It calls ask for queues of which
// that is not known, the most promising ones first.
func (t *tournament) decide(i int, room []int64, found *standing, ask func(*node)) {
	o := t.cells[i].look(room)
	if o.rest == nil || found.beats(o.rest) {
		return
	}
	if i >= len(t.queues) {
		ask(t.queues[i-len(t.queues)])
		return
	}
	near, far := 2*i, 2*i+1
	a, b := t.cells[near].look(room), t.cells[far].look(room)
	if better(b.rest, a.rest) == b.rest {
		near, far = far, near
	}
	t.decide(near, room, a.best(b.best(found)), ask)
	t.decide(far, room, t.cells[near].now.best(t.cells[far].now.best(found)), ask)
	t.pull(i, room)
}

// best returns the standing of the winner, or another one if that goes before it.
func (o *outcome) best(other *standing) *standing {
	if o.winner == nil || other != nil && other.before(&o.winner.standing) {
		return other
	}
	return &o.winner.standing
}

// count finds which resources count for the queues of a cell in which something could start, of those that are not known to count.
func (t *tournament) count(i int, room []int64, known mask, ask func(*node)) mask {
	o := t.cells[i].look(room)
	known |= o.counts
	switch {
	case o.more&^known == 0:
		return known
	case i >= len(t.queues):
		ask(t.queues[i-len(t.queues)])
		return known | t.cells[i].now.counts
	}
	known = t.count(2*i, room, known, ask)
	known = t.count(2*i+1, room, known, ask)
	t.pull(i, room)
	return known
}
