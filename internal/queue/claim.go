package queue

import "time"

// Claim is what one taker may take. It is valid until the tree changes, and not safe for concurrent use.
//
// The rules are those of docs/concepts/preemption-proof.md. All of what a set of victims has to fulfil gets harder with each victim, so any
// subset of a set that is allowed is allowed.
type Claim struct {
	tree  *Tree
	taker Taker
	now   time.Time
	pairs map[*node]*pair
	// nodes are what the set takes of each queue, and none is what an empty set takes.
	nodes map[*node]*taken
	none  taken
	lacks []lack
	// shares are the fair shares. They are computed when they are needed first.
	shares map[*node]fairShare
}

// lack is how much of a bound must be freed.
type lack struct {
	queue    *node
	resource int
	amount   int64
}

// taken is what the set takes of a queue.
type taken struct {
	amounts Vector
	// count is how many victims there are.
	count int
	// least is the least of each resource that a victim takes that takes some, where one that is no whole gang counts as 0.
	least Vector
	// smallest is the least of each resource that a victim takes.
	smallest Vector
	// floor is the highest of the victims.
	floor floor
}

// leafTaken is what the set takes of a leaf for the highest priority that it takes anything of.
type leafTaken struct {
	some     bool
	priority int32
	amounts  Vector
}

// Claim returns the rules for one taker, from the tree as it is now. What the taker asks for counts as demanded, whether it waits in the
// tree or not.
func (t *Tree) Claim(k Taker, now time.Time) *Claim {
	c := &Claim{tree: t, taker: k, now: now, pairs: map[*node]*pair{}, nodes: map[*node]*taken{}}
	t.eachBound(k.Leaf, k.Ask, k.Guaranteed, func(_ WhyKind, n *node, b bound) bool {
		if over := n.use.Get(b.resource) + k.Ask.Get(b.resource) - b.amount; over > 0 {
			c.lacks = append(c.lacks, lack{n, b.resource, over})
		}
		return true
	})
	return c
}

func (c *Claim) takenOf(n *node) *taken {
	k := c.nodes[n]
	if k == nil {
		k = &taken{}
		c.nodes[n] = k
	}
	return k
}

// Take adds a victim to the set that goes, if the rules then hold for the whole set, and reports whether it did.
func (c *Claim) Take(v *Victim) bool {
	p, reason := c.allows(v)
	if reason == NotTaken || !c.holds(p, v, false) {
		return false
	}
	p.leaf.add(v)
	for _, s := range p.path {
		s.taken.floor = max(s.taken.floor, s.floor)
	}
	for n := v.Leaf.node; n != nil; n = n.parent {
		c.takenOf(n).add(v)
	}
	return true
}

func (k *taken) add(v *Victim) {
	for r := range max(len(v.Amounts), len(k.smallest)) {
		amount := v.Amounts.Get(r)
		if k.count == 0 || amount < k.smallest.Get(r) {
			k.smallest.Set(r, amount)
		}
		if amount <= 0 {
			continue
		}
		if !v.Gang {
			amount = 0
		}
		if k.amounts.Get(r) == 0 || amount < k.least.Get(r) {
			k.least.Set(r, amount)
		}
	}
	k.amounts.Add(v.Amounts, 1)
	k.count++
}

func (k *leafTaken) add(v *Victim) {
	if !k.some || v.Priority > k.priority {
		*k = leafTaken{some: true, priority: v.Priority}
	}
	if v.Priority == k.priority {
		k.amounts.Add(v.Amounts, 1)
	}
}

// Reset empties the set.
func (c *Claim) Reset() {
	for _, k := range c.nodes {
		*k = taken{}
	}
	for _, p := range c.pairs {
		*p.leaf = leafTaken{}
	}
}

// Lacks returns how much of each bound must be freed before the taker is within the limits, and if Guaranteed the guarantees, of its queue
// and all above: one number for each bound that is exceeded.
func (c *Claim) Lacks() []int64 {
	amounts := make([]int64, len(c.lacks))
	for i, l := range c.lacks {
		amounts[i] = l.amount
	}
	return amounts
}

// Frees returns how much a victim frees of each of these bounds.
func (c *Claim) Frees(v *Victim) []int64 {
	amounts := make([]int64, len(c.lacks))
	for i, l := range c.lacks {
		if v.Leaf.node.below(l.queue) {
			amounts[i] = v.Amounts.Get(l.resource)
		}
	}
	return amounts
}

// below reports whether a queue is another one, or below it.
func (n *node) below(o *node) bool {
	return len(o.path) <= len(n.path) && n.path[len(o.path)-1] == o
}

// Shares are the weighted dominant shares of the two sibling queues below the nearest queue above the taker's and a victim's, before and
// after the set that was taken goes and the taker starts. Both are the same queue if taker and victim are in one.
type Shares struct {
	Taker, Giver            string
	TakerBefore, TakerAfter float64
	GiverBefore, GiverAfter float64
}

// Shares returns the shares of the two queues that a victim is between.
func (c *Claim) Shares(v *Victim) Shares {
	p := c.pairOf(v.Leaf.node)
	s := Shares{Taker: p.taker.config.Name, Giver: p.giver.config.Name}
	s.TakerBefore, s.TakerAfter = c.change(p.taker)
	s.GiverBefore, s.GiverAfter = c.change(p.giver)
	return s
}

// change returns the share of a queue before and after.
func (c *Claim) change(n *node) (before, after float64) {
	set, starts := c.takenOf(n).amounts, Vector(nil)
	if c.taker.Leaf.node.below(n) {
		starts = c.taker.Ask
	}
	before = c.tree.height(n, n.use.Get).dominant
	return before, c.tree.height(n, func(r int) int64 { return n.use.Get(r) - set.Get(r) + starts.Get(r) }).dominant
}
