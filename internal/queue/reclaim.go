package queue

import (
	"cmp"
	"time"
)

// Reason is why a unit may be taken. The zero value is NotTaken.
type Reason int

const (
	// NotTaken is of what may not be taken.
	NotTaken Reason = iota
	// InQueue means that the unit is in the same queue and has a lower priority.
	InQueue
	// ReclaimGuarantee means that the taker's queue is below its guarantee, and the victim's above its own.
	ReclaimGuarantee
	// ReclaimFairShare means that the taker's queue is below its fair share, the victim's above its own, and the taker's not above the
	// victim's afterwards.
	ReclaimFairShare
)

// Taker is a gang, or a pod without a gang, that wants others to make room.
type Taker struct {
	Leaf     Leaf
	Ask      Vector
	Priority int32
	// Guaranteed is true if it is non-preemptible: it may only start within guarantees.
	Guaranteed bool
}

// Victim is a unit that uses capacity.
type Victim struct {
	Leaf     Leaf
	Amounts  Vector
	Priority int32
	// Started is when the last of its pods started. It is zero if one is only being bound: that is younger than any minRuntime.
	Started time.Time
	// Protected is true if it is non-preemptible.
	Protected bool
	// Gang is true if it is a whole gang. It may reach below what its queue is guaranteed, if the queue is above before it goes.
	Gang bool
}

// pair is what decides between the queue of a taker and that of a victim, whatever the victim.
type pair struct {
	// reason is InQueue, ReclaimGuarantee if the taker's queue stays within its guarantee, or else ReclaimFairShare; or NotTaken.
	reason Reason
	// lower is true if the priority of the victim must be lower.
	lower      bool
	minRuntime time.Duration
	// taker and giver are the siblings below the nearest queue above both leaves, or both the leaf if it is the same.
	taker, giver *node
	// same is true if the siblings share by weight. Then before and with are how high the taker's queue stands without and with the ask.
	same         bool
	before, with height
	// asked are the resources that the taker asks for.
	asked mask
	// path leads from the victim's leaf to the top, and at is the position of the giver in it.
	path []step
	at   int
	// stack is the use of the leaf by priority, each with all higher ones, and leaf is what was taken of it.
	stack []rank
	leaf  *leafTaken
}

// step is a queue of the path of a victim.
type step struct {
	queue *node
	// guaranteed are the resources that it guarantees, and above those of them of which it uses more than that.
	guaranteed, above mask
	floor             floor
	taken             *taken
}

// floor is what a victim may take of what a queue is guaranteed.
type floor int

const (
	// noFloor is for a taker below the queue that can be within its guarantee itself: with what is at least as important if the victim is
	// in its own leaf, and else alone.
	noFloor floor = iota
	// wholeGangs may reach below the guarantee, if each is above it even when the others are gone.
	wholeGangs
	// nothing may reach below the guarantee.
	nothing
)

// pairOf returns what decides between the taker's queue and another leaf.
func (c *Claim) pairOf(l *node) *pair {
	if p := c.pairs[l]; p != nil {
		return p
	}
	p := &pair{minRuntime: l.config.Preemption.MinRuntime, asked: bits(c.taker.Ask), stack: l.stacked(), leaf: &leafTaken{}}
	c.pairs[l] = p
	if l == c.taker.Leaf.node {
		p.taker, p.giver, p.lower = l, l, true
		if l.config.Preemption.WithinQueue == LowerPriorityWithin {
			p.reason = InQueue
		}
	} else {
		c.between(p, l)
	}
	for n := l; n != c.tree.root; n = n.parent {
		if n == p.giver {
			p.at = len(p.path)
		}
		p.path = append(p.path, c.step(p, n))
	}
	return p
}

// step returns a queue of the path of a victim.
func (c *Claim) step(p *pair, n *node) step {
	s := step{queue: n, taken: c.takenOf(n)}
	for _, b := range n.guarantees {
		s.guaranteed |= bit(b.resource)
		if n.use.Get(b.resource) > b.amount {
			s.above |= bit(b.resource)
		}
	}
	s.floor = wholeGangs
	if p.reason == ReclaimFairShare {
		s.floor = nothing
	}
	within := false
	switch leaf := p.giver; {
	case p.reason == InQueue:
		before := atLeast(p.stack, c.taker.Priority)
		within = c.withinGuarantee(n, func(r int) int64 { return n.use.Get(r) - leaf.use.Get(r) + before.Get(r) })
	case n == p.giver:
		s.above &= p.asked
	case c.taker.Leaf.node.below(n):
		within = c.withinGuarantee(n, func(int) int64 { return 0 })
	}
	if within {
		s.floor = noFloor
	}
	return s
}

// between sets what decides between two leaves.
func (c *Claim) between(p *pair, giver *node) {
	taker := c.taker.Leaf.node
	i := 0
	for taker.path[i] == giver.path[i] {
		i++
	}
	p.taker, p.giver = taker.path[i], giver.path[i]
	p.lower = taker.config.Preemption.Reclaim == ReclaimLowerPriority
	order := p.taker.compareClass(p.giver)
	p.same = order == 0
	switch {
	case taker.config.Preemption.Reclaim == NeverReclaim:
	case c.withinGuarantee(p.taker, p.taker.use.Get):
		p.reason = ReclaimGuarantee
	case p.taker.config.Weight > 0 && order <= 0:
		p.reason = ReclaimFairShare
		n, ask := p.taker, c.taker.Ask
		p.before = c.tree.height(n, n.use.Get)
		p.with = c.tree.height(n, func(r int) int64 { return n.use.Get(r) + ask.Get(r) })
	}
}

// compareClass orders siblings for what is left after guarantees, as standing.before does: those with a weight, then the higher priority.
func (n *node) compareClass(o *node) int {
	return cmp.Or(first(n.config.Weight > 0, o.config.Weight > 0), cmp.Compare(o.config.Priority, n.config.Priority))
}

// withinGuarantee reports whether a queue that uses so much stays within its guarantee with the ask: of the resources that are asked for
// those that it guarantees, at least one, count.
func (c *Claim) withinGuarantee(n *node, use func(r int) int64) bool {
	some := false
	for _, b := range n.guarantees {
		if ask := c.taker.Ask.Get(b.resource); ask > 0 {
			some = true
			if ask > b.amount-use(b.resource) {
				return false
			}
		}
	}
	return some
}

// Eligible reports whether the victim alone could be taken, and why.
func (c *Claim) Eligible(v *Victim) (Reason, bool) {
	p, reason := c.allows(v)
	if reason == NotTaken || !c.holds(p, v, true) {
		return NotTaken, false
	}
	return reason, true
}

// allows returns why a victim may be taken as far as other victims do not matter.
func (c *Claim) allows(v *Victim) (*pair, Reason) {
	p := c.pairOf(v.Leaf.node)
	switch {
	case p.reason == NotTaken, v.Protected, p.lower && v.Priority >= c.taker.Priority:
		return p, NotTaken
	case p.minRuntime > 0 && (v.Started.IsZero() || c.now.Sub(v.Started) < p.minRuntime):
		return p, NotTaken
	case !p.gives(bits(v.Amounts)):
		return p, NotTaken
	}
	return p, p.reason
}

// gives reports whether each queue of the path is above its guarantee in a resource that a victim gives, the giver in one that is asked
// for. What uses no resource that a queue guarantees is above it, and the resources that come with a guaranteed one are guaranteed with
// it: see May. Inside a queue this counts where the taker itself would be beyond the guarantee.
func (p *pair) gives(given mask) bool {
	for i := range p.path {
		if s := &p.path[i]; s.floor != noFloor && given&s.guaranteed != 0 && given&s.above == 0 {
			return false
		}
	}
	return given&p.asked != 0
}
