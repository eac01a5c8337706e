package queue

import "cmp"

// height is how high a queue stands with what it uses: its weighted dominant share, and the weighted sum of the shares of all resources,
// which decides between equal dominant shares. So any use of a resource that the cluster has makes a queue higher.
type height struct{ dominant, sum float64 }

func (h height) compare(o height) int {
	return cmp.Or(cmp.Compare(h.dominant, o.dominant), cmp.Compare(h.sum, o.sum))
}

// height returns how high a queue stands with what it uses of each resource.
func (t *Tree) height(n *node, use func(r int) int64) height {
	var h height
	for r, total := range t.total {
		if total <= 0 {
			continue
		}
		share := float64(use(r)) / float64(total)
		h.dominant = max(h.dominant, share)
		h.sum += share
	}
	h.dominant /= n.part()
	h.sum /= n.part()
	return h
}

// after is what a giver and the queues below it have when victims are gone: those of the set and one more, or that one only.
type after struct {
	claim  *Claim
	pair   *pair
	victim *Victim
	alone  bool
	// top is the highest priority of the victims in the leaf, above is what the leaf uses for it and higher ones, and taken is what the set
	// takes of the leaf for it.
	top          int32
	above, taken Vector
}

// holds reports whether the rules between two queues hold when the set and one more victim are gone, or only that victim.
func (c *Claim) holds(p *pair, v *Victim, alone bool) bool {
	a := after{claim: c, pair: p, victim: v, alone: alone, top: v.Priority}
	if set := p.leaf; !alone && set.some && set.priority >= a.top {
		a.top, a.taken = set.priority, set.amounts
	}
	a.above = atLeast(p.stack, a.top)
	return a.guarantees() && (p.reason != ReclaimFairShare || a.fairShares())
}

// set returns what the set takes of a queue of the path.
func (a *after) set(i int) *taken {
	if a.alone {
		return &a.claim.none
	}
	return a.pair.path[i].taken
}

// gone returns what the set takes of any queue.
func (a *after) gone(n *node) Vector {
	if k := a.claim.nodes[n]; k != nil && !a.alone {
		return k.amounts
	}
	return nil
}

// kept returns what a queue of the path keeps of a resource. Of the leaf only what is at least as important counts as the most important
// victim: what is less important is taken first.
func (a *after) kept(i, r int) int64 {
	if i > 0 {
		return a.pair.path[i].queue.use.Get(r) - a.set(i).amounts.Get(r) - a.victim.Amounts.Get(r)
	}
	kept := a.above.Get(r) - a.taken.Get(r)
	if a.victim.Priority == a.top {
		kept -= a.victim.Amounts.Get(r)
	}
	return kept
}

// least returns the least of a resource that one of the victims takes that take some, and 0 if one of them is no whole gang; or -1 if
// nobody takes any.
func (a *after) least(i, r int) int64 {
	least := int64(-1)
	if set := a.set(i); set.amounts.Get(r) > 0 {
		least = set.least.Get(r)
	}
	amount := a.victim.Amounts.Get(r)
	switch {
	case amount <= 0:
		return least
	case !a.victim.Gang:
		return 0
	case least < 0:
		return amount
	}
	return min(least, amount)
}

// guarantees reports whether no queue of the path falls below its guarantee of a resource that is taken, except by whole gangs, each of
// which reaches above it even when the others are gone. Nothing falls below for the sake of fair shares, and what is beyond a guarantee
// takes nothing within it inside a queue either.
//
// A queue that uses less than its guarantee of a resource does not fall below it: what it has too much of another one can be taken.
func (a *after) guarantees() bool {
	for i := range a.pair.path {
		s := &a.pair.path[i]
		floor := max(s.floor, a.set(i).floor)
		if floor == noFloor {
			continue
		}
		for _, b := range s.queue.guarantees {
			least := a.least(i, b.resource)
			if least < 0 || s.queue.use.Get(b.resource) < b.amount {
				continue
			}
			kept := a.kept(i, b.resource)
			if kept < b.amount && (floor == nothing || kept+least <= b.amount) {
				return false
			}
		}
	}
	return true
}

// fairShares reports whether what is taken is above the fair share of the giver, and the taker not above the giver afterwards.
func (a *after) fairShares() bool {
	return a.aboveFairShare() && (!a.pair.same || a.notAbove())
}

// aboveFairShare reports whether there is a resource that is asked for, of which the taker's queue has less than its fair share, and of
// which each victim takes some that is above the giver's, even if the others are gone.
func (a *after) aboveFairShare() bool {
	c, last := a.claim, a.pair.at
	shares, set := c.fairShares(), a.set(last)
	taker, giver := a.pair.taker, a.pair.giver
	for r, ask := range c.taker.Ask {
		if ask <= 0 || taker.use.Get(r) >= shares[taker].fair.Get(r) {
			continue
		}
		smallest := a.victim.Amounts.Get(r)
		if set.count > 0 {
			smallest = min(smallest, set.smallest.Get(r))
		}
		kept := giver.use.Get(r) - set.amounts.Get(r) - a.victim.Amounts.Get(r)
		if smallest > 0 && kept+smallest > shares[giver].fair.Get(r) {
			return true
		}
	}
	return false
}

func (c *Claim) fairShares() map[*node]fairShare {
	if c.shares == nil {
		c.shares = c.tree.fairSharesWith(c.taker.Leaf.node, c.taker.Ask)
	}
	return c.shares
}

// notAbove reports whether the taker's queue with the ask is not above the giver afterwards. Without the ask it must be below, even where
// dominant shares are equal, and not above what a leaf keeps that is at least as important as what is taken.
func (a *after) notAbove() bool {
	t, p := a.claim.tree, a.pair
	giver, set := p.giver, a.set(p.at)
	keeps := t.height(giver, func(r int) int64 { return giver.use.Get(r) - set.amounts.Get(r) - a.victim.Amounts.Get(r) })
	if p.with.dominant > keeps.dominant || p.before.compare(keeps) >= 0 {
		return false
	}
	if p.at == 0 {
		return p.before.compare(t.height(giver, func(r int) int64 { return a.kept(0, r) })) <= 0
	}
	return p.before.dominant <= a.level()
}

// level returns how high the giver stands with what comes before the victims in the order of the queues below it: of each sibling on the
// path that is before by weight and priority all, of those that share by weight what is not higher than what the queue of the path keeps,
// and of those that come later nothing.
func (a *after) level() float64 {
	t := a.claim.tree
	path := a.pair.path
	level := t.height(path[0].queue, func(r int) int64 { return a.kept(0, r) }).dominant
	for i, s := range path[:a.pair.at] {
		sum := level * s.queue.part()
		for _, o := range s.queue.parent.children {
			order := o.compareClass(s.queue)
			if o == s.queue || order > 0 {
				continue
			}
			share := t.height(o, func(r int) int64 { return o.use.Get(r) - a.gone(o).Get(r) }).dominant
			if order == 0 {
				share = min(share, level)
			}
			sum += share * o.part()
		}
		level = sum / path[i+1].queue.part()
	}
	return level
}

// part is the weight of a queue, or 1 if it has none: what shares are divided by.
func (n *node) part() float64 {
	if n.config.Weight > 0 {
		return n.config.Weight
	}
	return 1
}
