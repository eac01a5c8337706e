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
	// reason is InQueue, ReclaimGuarantee if the taker stays within its guarantee, ReclaimFairShare if that only may help, or NotTaken.
	reason Reason
	// lower is true if the priority of the victim must be lower.
	lower      bool
	minRuntime time.Duration
	// path leads from the victim's leaf up to giver.
	path []*node
	// taker and giver are the siblings below the nearest queue above both leaves, or both the leaf if it is the same.
	taker, giver *node
	// guaranteed are the resources that the giver guarantees, surplus those of them that the taker asks for and of which the giver uses more
	// than its guarantee, and asked all that the taker asks for.
	guaranteed, surplus, asked mask
	// same is true if the siblings share by weight.
	same bool
	// stack is the use of the leaf by priority, each with all higher ones.
	stack []rank
	// leaf is what was taken of the leaf, and nodes what was taken of the queues in path.
	leaf  *leafTaken
	nodes []*taken
}

// pairOf returns what decides between the taker's queue and another leaf.
func (c *Claim) pairOf(l *node) *pair {
	if p := c.pairs[l]; p != nil {
		return p
	}
	p := &pair{minRuntime: l.config.Preemption.MinRuntime}
	c.pairs[l] = p
	if l == c.taker.Leaf.node {
		p.taker, p.giver, p.lower = l, l, true
		if l.config.Preemption.WithinQueue == LowerPriorityWithin {
			p.reason = InQueue
		}
	} else {
		c.between(p, l)
	}
	p.stack, p.leaf = l.stacked(), &leafTaken{}
	for n := l; n != p.giver.parent; n = n.parent {
		p.path = append(p.path, n)
		p.nodes = append(p.nodes, c.takenOf(n))
	}
	return p
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
	if taker.config.Preemption.Reclaim == NeverReclaim {
		return
	}
	p.asked = bits(c.taker.Ask)
	for _, b := range p.giver.guarantees {
		p.guaranteed |= bit(b.resource)
		if p.giver.use.Get(b.resource) > b.amount {
			p.surplus |= bit(b.resource) & p.asked
		}
	}
	order := p.taker.compareClass(p.giver)
	p.same = order == 0
	switch {
	case c.withinGuarantee(p.taker):
		p.reason = ReclaimGuarantee
	case p.taker.config.Weight > 0 && order <= 0:
		p.reason = ReclaimFairShare
	}
}

// compareClass orders siblings for what is left after guarantees, as standing.before does: those with a weight, then the higher priority.
func (n *node) compareClass(o *node) int {
	return cmp.Or(first(n.config.Weight > 0, o.config.Weight > 0), cmp.Compare(o.config.Priority, n.config.Priority))
}

// withinGuarantee reports whether a queue stays within its guarantee with the ask: of the resources that are asked for those that it
// guarantees, at least one, count.
func (c *Claim) withinGuarantee(n *node) bool {
	some := false
	for _, b := range n.guarantees {
		if ask := c.taker.Ask.Get(b.resource); ask > 0 {
			some = true
			if ask > b.room(n.use) {
				return false
			}
		}
	}
	return some
}

// filled returns how much of its guarantee a queue uses of what is asked for.
func (c *Claim) filled(n *node) float64 {
	part := 0.0
	for _, b := range n.guarantees {
		if b.amount > 0 && c.taker.Ask.Get(b.resource) > 0 {
			part = max(part, float64(n.use.Get(b.resource))/float64(b.amount))
		}
	}
	return part
}

// Eligible reports whether the victim alone could be taken, and why.
func (c *Claim) Eligible(v *Victim) (Reason, bool) {
	p, reason := c.allows(v)
	if reason == ReclaimGuarantee || reason == ReclaimFairShare {
		if !c.holds(p, v, true) {
			return NotTaken, false
		}
	}
	return reason, reason != NotTaken
}

// allows returns why a victim may be taken as far as other victims do not matter.
func (c *Claim) allows(v *Victim) (*pair, Reason) {
	p := c.pairOf(v.Leaf.node)
	switch {
	case p.reason == NotTaken, v.Protected, p.lower && v.Priority >= c.taker.Priority:
		return p, NotTaken
	case p.minRuntime > 0 && (v.Started.IsZero() || c.now.Sub(v.Started) < p.minRuntime):
		return p, NotTaken
	case p.reason == InQueue && !c.keepsGuaranteed(v.Amounts):
		return p, NotTaken
	case p.reason == InQueue:
		return p, InQueue
	case !p.gives(v.Amounts):
		return p, NotTaken
	}
	return p, p.reason
}

// gives reports whether the giver is above its guarantee in a resource that a victim gives to the taker. What uses no resource that the
// giver guarantees is above it, and the resources that come with a guaranteed one are guaranteed with it: see May.
func (p *pair) gives(amounts Vector) bool {
	given := bits(amounts)
	if given&p.guaranteed == 0 {
		return given&p.asked != 0
	}
	return given&p.surplus != 0
}

// keepsGuaranteed reports whether no queue of the taker's path gives up what it is guaranteed for what it is not: what uses guaranteed
// resources, all within the guarantee, for what asks for none of these.
func (c *Claim) keepsGuaranteed(amounts Vector) bool {
	given, asked := bits(amounts), bits(c.taker.Ask)
	for _, n := range c.taker.Leaf.node.path {
		var guaranteed, above mask
		for _, b := range n.guarantees {
			guaranteed |= bit(b.resource)
			if n.use.Get(b.resource) > b.amount {
				above |= bit(b.resource)
			}
		}
		if asked&guaranteed == 0 && given&guaranteed != 0 && given&above == 0 {
			return false
		}
	}
	return true
}
