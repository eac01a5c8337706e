package queue

import "math"

// facts are what is true of some siblings whatever the room is.
type facts struct {
	// least is the least that anything ready in them needs, in each dimension.
	least []int64
	// best is the standing that a candidate in them has at best, nil if nothing is ready in them.
	best *standing
	// may are the resources that may count for them, and must those that count for each of them in which something could start.
	may, must mask
}

// learn updates the facts about one queue, in which something has changed.
func (t *Tree) learn(n *node, c *cell) {
	f := &c.facts
	if len(f.least) == 0 {
		return // the outcome is always known
	}
	c.forget()
	w := n.leastNeeds(f.least)
	switch {
	case w == nil:
		f.best, f.may, f.must = nil, 0, 0
		c.unseen.rest, c.unseen.more = nil, 0
		return
	case n.leaf():
		f.may, f.must = bits(n.use)|bits(n.asks), bits(n.use)
	default:
		below := &n.siblings.top().facts
		f.may, f.must = below.may, below.must
	}
	c.best = newStanding(n, w)
	c.best.below, c.best.filled = n.filledAtBest()
	c.best.share = t.shareAtBest(n, f)
	f.best = &c.best
	c.unseen.rest, c.unseen.more = f.best, f.may
}

// filledAtBest returns whether a queue is below its guarantee, and how much of it is used, for a candidate for which that is best.
func (n *node) filledAtBest() (below bool, filled float64) {
	filled = math.Inf(1)
	for _, b := range n.guarantees {
		if b.amount > 0 && n.asks.Get(b.resource) != 0 {
			use := n.use.Get(b.resource)
			below = below || use < b.amount
			filled = min(filled, float64(use)/float64(b.amount))
		}
	}
	return below, filled
}

// shareAtBest returns the weighted dominant share of a queue with a candidate that needs no more than the least, and for which nothing
// counts that need not.
func (t *Tree) shareAtBest(n *node, f *facts) float64 {
	share := 0.0
	for r, total := range t.total {
		if total <= 0 || f.must&bit(r) == 0 {
			continue
		}
		ask := int64(0)
		if d, limited := t.limitOf(r); limited {
			ask = f.least[d]
		}
		share = max(share, (float64(n.use.Get(r))+float64(ask))/float64(total))
	}
	if n.config.Weight > 0 {
		share /= n.config.Weight
	}
	return share
}

// join sets it to what is true of two.
func (f *facts) join(a, b *facts) {
	for d := range f.least {
		f.least[d] = min(a.least[d], b.least[d])
	}
	f.best, f.may = better(a.best, b.best), a.may|b.may
	switch {
	case a.best == nil:
		f.must = b.must
	case b.best == nil:
		f.must = a.must
	default:
		f.must = a.must & b.must
	}
}

// better returns one of two standings which the other one does not beat. Either may be nil.
func better(a, b *standing) *standing {
	if a == nil || b.beats(a) {
		return b
	}
	return a
}

// beats reports whether there is a standing, and it goes before another one whatever the age of the entries.
func (s *standing) beats(o *standing) bool { return s != nil && s.compare(o) < 0 }
