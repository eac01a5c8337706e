package queue

import (
	"cmp"
	"math"
	"slices"
)

// WhyKind is why an entry does not start, as far as queues decide it.
type WhyKind int

const (
	// NoReason is of what does not wait, and of what may start.
	NoReason WhyKind = iota
	// BeyondLimit means that it would lead beyond the limit of its queue or of one above.
	BeyondLimit
	// BeyondGuarantee means that it may only start within guarantees, and would lead beyond that of its queue or of one above.
	BeyondGuarantee
	// BehindHead means that its queue is Strict, and that something before it could use the same nodes.
	BehindHead
	// NotReady means that it did not fit, and that nothing changed since.
	NotReady
	// NotItsTurn means that others go first.
	NotItsTurn
	// IsNext means that nothing goes before it.
	IsNext
)

// Why is why an entry does not start, as numbers: "queue research uses 58 of 64 nvidia.com/gpu; the gang asks for 16".
type Why struct {
	Kind WhyKind
	// Leaf is the queue in which the entry waits.
	Leaf string
	// Before is how many entries of its own queue are before it, by Key.
	Before int
	// Queue is the queue whose limit or guarantee counts: the leaf, or one above.
	Queue string
	// Resource is the resource of which there is too little, and Uses, Bound and Asks are its amounts: what the queue uses, the limit or
	// guarantee of the queue (0 if it has no guarantee), and what the entry asks for.
	Resource          string
	Uses, Bound, Asks int64
	// Never is true if the ask alone is above the limit or guarantee: it can never start as the queue is configured.
	Never bool
}

// May reports whether ask may be added to the use of a queue, or why not: use + ask must not be above the limit on any level nor, if
// guaranteed, above the guarantee. Only resources count that it asks for, and of guarantees only those that a queue has: it must have at
// least one of them, so a queue that guarantees GPUs guarantees the CPUs that come with them, but no pod without a GPU. Of several reasons one that says Never counts, else the limits before the guarantees, the leaf before the queues above it, and the resources
// by name.
func (t *Tree) May(l Leaf, ask Vector, guaranteed bool) (Why, bool) {
	why := Why{Leaf: l.Name()}
	t.eachBound(l, ask, guaranteed, func(kind WhyKind, n *node, b bound) bool {
		uses, asks := n.use.Get(b.resource), ask.Get(b.resource)
		never := asks > b.amount
		if asks <= b.room(n.use) || why.Kind != NoReason && !never {
			return true
		}
		why.Kind, why.Queue, why.Resource = kind, n.config.Name, t.resources.Name(b.resource)
		why.Uses, why.Bound, why.Asks, why.Never = uses, b.amount, asks, never
		return !never
	})
	return why, why.Kind == NoReason
}

// Room returns how many times each may be added to the use of a queue at most; math.MaxInt if nothing bounds it.
func (t *Tree) Room(l Leaf, each Vector, guaranteed bool) int {
	room := int64(math.MaxInt)
	t.eachBound(l, each, guaranteed, func(_ WhyKind, n *node, b bound) bool {
		room = min(room, b.room(n.use)/each.Get(b.resource))
		return room > 0
	})
	return int(room)
}

// eachBound calls f, until it returns false, for each limit on what ask asks for and, if guaranteed, each guarantee, from the leaf upwards.
func (t *Tree) eachBound(l Leaf, ask Vector, guaranteed bool, f func(WhyKind, *node, bound) bool) {
	for n := l.node; n.parent != nil; n = n.parent {
		for _, b := range n.limits {
			if ask.Get(b.resource) > 0 && !f(BeyondLimit, n, b) {
				return
			}
		}
	}
	if !guaranteed {
		return
	}
	asked := t.asked(ask)
	for n := l.node; n.parent != nil; n = n.parent {
		some := false
		for _, b := range n.guarantees {
			if ask.Get(b.resource) > 0 {
				if some = true; !f(BeyondGuarantee, n, b) {
					return
				}
			}
		}
		if !some && len(asked) > 0 && !f(BeyondGuarantee, n, bound{resource: asked[0]}) {
			return
		}
	}
}

// asked returns the resources of which there is some, by name: their numbers depend on which was named first.
func (t *Tree) asked(ask Vector) []int {
	var asked []int
	for r, amount := range ask {
		if amount > 0 {
			asked = append(asked, r)
		}
	}
	slices.SortFunc(asked, func(a, b int) int { return cmp.Compare(t.resources.Name(a), t.resources.Name(b)) })
	return asked
}

// guaranteed returns the guarantee of a resource; 0 if there is none.
func (n *node) guaranteed(resource int) int64 {
	for _, b := range n.guarantees {
		if b.resource == resource {
			return b.amount
		}
	}
	return 0
}

// Why returns why an entry does not start.
func (t *Tree) Why(id ID) Why {
	w := t.waiters[id]
	if w == nil {
		return Why{}
	}
	why, may := t.May(w.Leaf, w.Ask, w.Guaranteed)
	why.Before = w.place.index()
	if may {
		why.Kind = t.whyNotNext(w)
	}
	return why
}

// whyNotNext returns why an entry within its bounds does not start.
func (t *Tree) whyNotNext(w *waiter) WhyKind {
	t.settle()
	switch {
	case w.Leaf.node.line.behind(w):
		return BehindHead
	case !w.Ready:
		return NotReady
	case t.root.standing.entry == w:
		return IsNext
	}
	return NotItsTurn
}
