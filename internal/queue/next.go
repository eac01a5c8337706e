package queue

// Next returns the entry that goes next: it is ready, within the limits and guarantees of its queue and of all above, and not behind the
// head of a Strict queue.
//
// Only what was reported since the last call is considered again, and the queues for which the room below a limit above them changed so
// much that their candidate is another. So the cost does not grow with the number of entries that wait, nor with the number of queues but
// for its logarithm. Where the limit of a queue above others is reached, it grows with the number of leaves below that limit whose
// candidate depends on what is left of it.
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

// settle brings the standings up to date.
func (t *Tree) settle() {
	if t.root.touched {
		t.consider(t.root)
	}
}

// consider computes the standing of a queue whose room is up to date.
func (t *Tree) consider(n *node) {
	n.touched = false
	if n.leaf() {
		t.considerLeaf(n)
		return
	}
	for _, c := range n.changed {
		t.considerBelow(n, c)
	}
	if few := len(n.changed)*8 < len(n.children); few {
		for _, c := range n.changed {
			n.siblings.pullAbove(c, n.room)
		}
	} else {
		n.siblings.pullAll(n.room)
	}
	clear(n.changed)
	n.changed = n.changed[:0]
	n.siblings.reconsider(1, n.room, func(c *node) { t.considerBelow(n, c) })
	now := n.siblings.top().now()
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
	above.siblings.enter(n, above.room)
}

// leastNeeds sets the least that anything ready in a queue, and in those below it, needs.
func (n *node) leastNeeds(least []int64) {
	if n.leaf() {
		n.line.leastNeeds(least)
		return
	}
	copy(least, n.siblings.top().least)
}

// active returns the resources that count for what is below a queue: none if nothing in it could start.
func (n *node) active() mask {
	for m := n; m.parent != nil; m = m.parent {
		if m.parent.siblings.shuts(m) {
			return 0
		}
	}
	return n.standing.counts
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

// standWith returns the standing of a queue with an entry below it that could start.
func (t *Tree) standWith(n *node, w *waiter) standing {
	counts := bits(w.Leaf.node.use) | bits(w.Ask)
	for m := w.Leaf.node; m != n; m = m.parent {
		counts |= m.parent.active()
	}
	return t.stand(n, w, counts)
}
