package queue

// Next returns the entry that goes next: it is ready, within the limits and guarantees of its queue and of all above, and not behind the
// head of a Strict queue.
func (t *Tree) Next() (Entry, bool) {
	if c := t.pick(t.root); c.entry != nil {
		return c.entry.Entry, true
	}
	return Entry{}, false
}

// pick returns the candidate of a queue: the one that goes next in it.
func (t *Tree) pick(n *node) standing {
	if n.leaf() {
		for _, w := range n.inOrder() {
			if _, may := t.May(w.Leaf, w.Ask, w.Guaranteed); may && w.Ready && !w.never && !t.behindHead(w) {
				return t.stand(n, w, bits(n.use)|bits(w.Ask))
			}
		}
		return standing{}
	}
	var best standing
	var active mask
	for _, c := range n.children {
		s := t.pick(c)
		if s.entry == nil {
			continue
		}
		active |= s.counts
		if best.entry == nil || s.before(best) {
			best = s
		}
	}
	if best.entry == nil {
		return standing{}
	}
	return t.stand(n, best.entry, active)
}

// behindHead reports whether the queue of an entry is Strict, and something before it could use the same nodes.
func (t *Tree) behindHead(w *waiter) bool {
	n := w.Leaf.node
	if n.config.Order != Strict {
		return false
	}
	for _, o := range n.waiting {
		if o.compare(w) < 0 && !o.never && (o.Pool == w.Pool || t.meets(o.Pool, w.Pool)) {
			return true
		}
	}
	return false
}

// Before reports whether a goes before b when both could start. In the same queue their keys decide. Otherwise the two queues below the
// nearest queue above both are compared as Next does, each with its entry as its candidate. It is false for entries that do not wait.
func (t *Tree) Before(a, b ID) bool {
	x, y := t.waiters[a], t.waiters[b]
	if x == nil || y == nil {
		return false
	}
	if x.Leaf == y.Leaf {
		return x.compare(y) < 0
	}
	p, q := x.Leaf.node.path, y.Leaf.node.path
	i := 0
	for p[i] == q[i] {
		i++
	}
	return t.standWith(p[i], x).before(t.standWith(q[i], y))
}

// standWith returns the standing of a queue with an entry below it that could start.
func (t *Tree) standWith(n *node, w *waiter) standing {
	counts := bits(w.Leaf.node.use) | bits(w.Ask)
	for _, m := range w.Leaf.node.path[len(n.path)-1:] {
		if !m.leaf() {
			counts |= t.pick(m).counts
		}
	}
	return t.stand(n, w, counts)
}
