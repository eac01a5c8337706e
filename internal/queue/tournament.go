package queue

// tournament finds the queue that goes before its siblings: a binary tree over them, in which each cell has the winner of the two cells
// below. So a change of one queue costs the logarithm of the number of siblings.
type tournament struct {
	queues []*node
	// cells has the first cell at 1, the cells below i at 2i and 2i+1, and those of the queues from len(queues) on.
	cells []cell
}

// cell is the outcome among some siblings.
type cell struct {
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
		t.cells[i].span = newSpan(dimensions)
	}
	return t
}

// enter notes the standing of a queue. The cells above it must be pulled afterwards.
func (t *tournament) enter(n *node) {
	c := &t.cells[len(t.queues)+n.index]
	c.winner, c.counts = nil, n.standing.counts
	if n.standing.entry != nil {
		c.winner = n
	}
	c.span.seenFromAbove(n)
}

// pullAbove computes the cells above a queue anew.
func (t *tournament) pullAbove(n *node) {
	for i := (len(t.queues) + n.index) / 2; i >= 1; i /= 2 {
		t.pull(i)
	}
}

// pullAll computes all cells anew.
func (t *tournament) pullAll() {
	for i := len(t.queues) - 1; i >= 1; i-- {
		t.pull(i)
	}
}

// pull computes a cell from the two below it.
func (t *tournament) pull(i int) {
	c, a, b := &t.cells[i], &t.cells[2*i], &t.cells[2*i+1]
	c.winner = a.winner
	if c.winner == nil || b.winner != nil && b.winner.standing.before(&a.winner.standing) {
		c.winner = b.winner
	}
	c.counts = a.counts | b.counts
	c.span.intersect(a.span, b.span)
}

// reconsider calls f for the queues of a cell, and of those below it, whose outcome does not hold for an amount of room.
func (t *tournament) reconsider(i int, room []int64, f func(*node)) {
	switch {
	case t.cells[i].span.includes(room):
	case i >= len(t.queues):
		f(t.queues[i-len(t.queues)])
	default:
		t.reconsider(2*i, room, f)
		t.reconsider(2*i+1, room, f)
		t.pull(i)
	}
}
