package queue

// Next returns the entry that goes next: it is ready, within the limits and guarantees of its queue and of all above, and not behind the
// head of a Strict queue.
//
// What is reported is only noted, and the next call pays for it: the logarithm of the number of siblings for each queue on the path of what
// changed, once however much changed there. The number of entries that wait does not matter, but for how a leaf is searched by what they
// need: what is too big or too late as a whole is passed by.
//
// Where the limit of a queue above others is reached, the candidates of all leaves below depend on what is left of it. Of these only the
// leaves are searched that would go before the winner if their candidate asked for the least that anything in them needs. In the benchmarks
// that is 6 of 100 leaves and 43 of 1,000, at 2 to 4 microseconds each. There is no bound but the number of these leaves: all are searched
// if each promises more than it keeps. An example is 1,000 leaves below their guarantee of GPUs, when all GPUs below that limit are used
// and something without GPUs fits: 0.8 milliseconds.
func (t *Tree) Next() (Entry, bool) {
	t.settle()
	if w := t.root.standing.entry; w != nil {
		return w.Entry, true
	}
	return Entry{}, false
}

// touch notes that the standing of a queue, and so of those above it, may have changed.
func (n *node) touch() {
	for ; !n.touched; n = n.parent {
		n.touched = true
		if n.parent == nil {
			return
		}
		n.parent.changed = append(n.parent.changed, n)
	}
}

// settle brings up to date which entry goes next.
func (t *Tree) settle() {
	if t.root.touched {
		t.update(t.root)
		t.consider(t.root)
	}
}

// update brings what is known whatever the room is up to date, in a queue whose room is up to date.
func (t *Tree) update(n *node) {
	n.touched = false
	for _, c := range n.changed {
		c.confine(n.room)
		t.update(c)
		t.learn(c, n.siblings.of(c))
		if len(n.room) == 0 { // nothing is bounded, so all is known
			t.consider(c)
			n.siblings.enter(c)
		}
		n.siblings.soil(c)
	}
	if len(n.changed) > 0 {
		clear(n.changed)
		n.changed = n.changed[:0]
		n.siblings.clean(1, n.room)
	}
}

// consider computes the standing of a queue whose room is up to date.
func (t *Tree) consider(n *node) {
	if n.leaf() {
		t.considerLeaf(n)
		return
	}
	ask := func(c *node) { t.considerBelow(n, c) }
	n.siblings.decide(1, n.room, nil, ask)
	if n.parent != nil {
		n.siblings.count(1, n.room, 0, ask)
	}
	now := n.siblings.top().now
	copy(n.span.low, now.span.low)
	copy(n.span.high, now.span.high)
	if now.winner == nil {
		n.standing = standing{}
		return
	}
	n.standing = t.stand(n, now.winner.standing.entry, now.counts)
}

// considerBelow computes the standing of a queue right below another.
func (t *Tree) considerBelow(above, n *node) {
	n.confine(above.room)
	t.consider(n)
	above.siblings.enter(n)
}

// leastNeeds sets the least that anything ready in a queue, and in those below it, needs. It returns one of the entries that are ready: one
// that is ahead if there is any, and nil if nothing is ready.
func (n *node) leastNeeds(least []int64) *waiter {
	if n.leaf() {
		return n.line.leastNeeds(least)
	}
	top := &n.siblings.top().facts
	copy(least, top.least)
	if top.best == nil {
		return nil
	}
	return top.best.entry
}

// active returns the resources that count for what is below a queue: none if nothing in it could start.
func (t *Tree) active(n *node) mask {
	for _, m := range n.path {
		siblings, room := &m.parent.siblings, m.parent.room
		m.confine(room)
		if o := siblings.of(m).look(room); o.rest != nil {
			t.consider(m)
			siblings.enter(m)
			siblings.soil(m)
			siblings.clean(1, room)
		}
	}
	return n.parent.siblings.of(n).now.counts
}

// considerLeaf computes the standing of a leaf.
func (t *Tree) considerLeaf(n *node) {
	w := n.standing.entry
	if n.stale || !n.span.includes(n.room) {
		n.stale = false
		n.span.reset()
		w = n.line.first(n.room, n.span)
	}
	if w == nil {
		n.standing = standing{}
		return
	}
	n.standing = t.stand(n, w, bits(n.use)|bits(w.Ask))
}

// Before reports whether a goes before b when both could start. In the same queue their keys decide. Otherwise the two queues below the
// nearest queue above both are compared as Next does, each with its entry as its candidate. It is false for entries that do not wait.
// It is no order of all entries: the share of a queue depends on what its candidate asks for.
func (t *Tree) Before(a, b ID) bool {
	v, w := t.waiters[a], t.waiters[b]
	if v == nil || w == nil {
		return false
	}
	if v.Leaf == w.Leaf {
		return v.compare(w) < 0
	}
	t.settle()
	p, q := v.Leaf.node.path, w.Leaf.node.path
	i := 0
	for p[i] == q[i] {
		i++
	}
	x, y := t.standWith(p[i], v), t.standWith(q[i], w)
	return x.before(&y)
}

// Outranks reports whether a goes before b however long both have waited, and whatever their queues use beyond their guarantees. In the
// same queue its priority is higher. Otherwise, of the two queues below the nearest queue above both, only that of a is below its
// guarantee, has a weight, or has the higher priority. It is false for entries that do not wait.
func (t *Tree) Outranks(a, b ID) bool {
	v, w := t.waiters[a], t.waiters[b]
	switch {
	case v == nil || w == nil:
		return false
	case v.Key.Ahead != w.Key.Ahead:
		return v.Key.Ahead
	case v.Leaf == w.Leaf:
		return v.Key.Priority > w.Key.Priority
	}
	p, q := v.Leaf.node.path, w.Leaf.node.path
	i := 0
	for p[i] == q[i] {
		i++
	}
	x, y := t.stand(p[i], v, 0), t.stand(q[i], w, 0)
	switch {
	case x.below != y.below:
		return x.below
	case x.below:
		return false
	case (p[i].config.Weight > 0) != (q[i].config.Weight > 0):
		return p[i].config.Weight > 0
	}
	return p[i].config.Priority > q[i].config.Priority
}

// standWith returns the standing of a queue with an entry below it that could start.
func (t *Tree) standWith(n *node, w *waiter) standing {
	counts := bits(w.Leaf.node.use) | bits(w.Ask)
	for m := w.Leaf.node; m != n; m = m.parent {
		counts |= t.active(m.parent)
	}
	return t.stand(n, w, counts)
}
