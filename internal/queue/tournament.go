package queue

// tournament finds the queue that goes before its siblings: a binary tree over them, in which each cell has the winner of the two cells
// below. So a change of one queue costs the logarithm of the number of siblings.
type tournament struct {
	queues []*node
	// cells has the first cell at 1, the cells below i at 2i and 2i+1, and those of the queues from len(queues) on.
	cells []cell
}

// cell is some siblings: one of them, or those of the cells below.
type cell struct {
	// least is the least that anything ready in them needs, in each dimension.
	least []int64
	// shut is true if the room is less than that, so that nothing could start. Then closed is the outcome. What is below is not looked at,
	// and stays as it was when there was room.
	shut         bool
	open, closed outcome
}

// outcome is the outcome among some siblings.
type outcome struct {
	// winner is the one that goes first, nil if nothing could start in any.
	winner *node
	// counts are the resources that count for those in which something could start.
	counts mask
	// span is the room of the queue above for which this holds.
	span span
}

func newTournament(queues []*node, dimensions int) tournament {
	t := tournament{queues: queues, cells: make([]cell, 2*len(queues))}
	for i := range t.cells {
		c := &t.cells[i]
		c.least, c.open.span, c.closed.span = make([]int64, dimensions), newSpan(dimensions), newSpan(dimensions)
	}
	return t
}

// top returns the cell of all queues.
func (t *tournament) top() *cell { return &t.cells[1] }

// now returns the outcome that counts.
func (c *cell) now() *outcome {
	if c.shut {
		return &c.closed
	}
	return &c.open
}

// holds reports whether the outcome is known for an amount of room without a look at what is below.
func (c *cell) holds(room []int64) bool {
	d, ok := fits(c.least, room)
	c.shut = !ok
	if c.shut {
		c.closed.span.reset()
		c.closed.span.high[d] = c.least[d] - 1
		return true
	}
	return c.open.span.includes(room)
}

// enter notes the standing of a queue for the room of the queue above. The cells above it must be pulled afterwards.
func (t *tournament) enter(n *node, room []int64) {
	c := &t.cells[len(t.queues)+n.index]
	c.open.winner, c.open.counts = nil, n.standing.counts
	if n.standing.entry != nil {
		c.open.winner = n
	}
	c.open.span.seenFromAbove(n)
	n.leastNeeds(c.least)
	c.holds(room)
}

// pullAbove recomputes the cells above a queue.
func (t *tournament) pullAbove(n *node, room []int64) {
	for i := (len(t.queues) + n.index) / 2; i >= 1; i /= 2 {
		t.pull(i, room)
	}
}

// pullAll recomputes all cells.
func (t *tournament) pullAll(room []int64) {
	for i := len(t.queues) - 1; i >= 1; i-- {
		t.pull(i, room)
	}
}

// pull computes a cell from the two below it.
func (t *tournament) pull(i int, room []int64) {
	c, left, right := &t.cells[i], &t.cells[2*i], &t.cells[2*i+1]
	a, b := left.now(), right.now()
	c.open.winner = a.winner
	if a.winner == nil || b.winner != nil && b.winner.standing.before(&a.winner.standing) {
		c.open.winner = b.winner
	}
	c.open.counts = a.counts | b.counts
	c.open.span.intersect(a.span, b.span)
	for d := range c.least {
		c.least[d] = min(left.least[d], right.least[d])
	}
	c.holds(room)
}

// reconsider calls f for the queues of a cell, and of those below it, whose outcome is not known for an amount of room.
func (t *tournament) reconsider(i int, room []int64, f func(*node)) {
	c := &t.cells[i]
	switch {
	case c.now().span.includes(room) || c.holds(room):
	case i >= len(t.queues):
		f(t.queues[i-len(t.queues)])
	default:
		t.reconsider(2*i, room, f)
		t.reconsider(2*i+1, room, f)
		t.pull(i, room)
	}
}

// shuts reports whether a cell in which a queue is is shut.
func (t *tournament) shuts(n *node) bool {
	for i := len(t.queues) + n.index; i >= 1; i /= 2 {
		if t.cells[i].shut {
			return true
		}
	}
	return false
}
