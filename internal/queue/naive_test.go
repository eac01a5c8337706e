package queue_test

import (
	"cmp"
	"math"
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// naive is a second implementation of the rules of order that keeps nothing but lists, and computes everything from them for each answer.
type naive struct {
	config  queue.Config
	total   queue.Vector
	uses    map[string]queue.Vector // of leaves
	entries map[queue.ID]queue.Entry
	meets   func(a, b int) bool
	res     *queue.Resources
}

// candidate is a queue and what could start in it.
type candidate struct {
	index  int
	queue  queue.Queue
	entry  queue.Entry
	counts map[int]bool
	use    queue.Vector
}

// next returns what goes next.
func (n *naive) next() (queue.Entry, bool) {
	c := n.candidate(queue.Queue{Queues: n.config.Queues}, nil)
	if c == nil {
		return queue.Entry{}, false
	}
	return c.entry, true
}

// candidate returns what could start in a queue, whose path from below the root is given.
func (n *naive) candidate(q queue.Queue, path []queue.Queue) *candidate {
	if len(q.Queues) == 0 {
		return n.leafCandidate(q, path)
	}
	var active []*candidate
	counts := map[int]bool{}
	for i, child := range q.Queues {
		c := n.candidate(child, append(slices.Clone(path), child))
		if c == nil {
			continue
		}
		c.index = i
		active = append(active, c)
		for r := range c.counts {
			counts[r] = true
		}
	}
	if len(active) == 0 {
		return nil
	}
	return &candidate{queue: q, entry: n.best(active).entry, counts: counts, use: n.useOf(q)}
}

// leafCandidate returns the first entry of a leaf that could start.
func (n *naive) leafCandidate(q queue.Queue, path []queue.Queue) *candidate {
	waiting := n.waiting(q.Name)
	for i, e := range waiting {
		if !e.Ready || !n.within(e, path) || n.behind(q, path, waiting[:i], e) {
			continue
		}
		counts := map[int]bool{}
		use := n.useOf(q)
		for r := range n.res.Len() {
			if use.Get(r) > 0 || e.Ask.Get(r) > 0 {
				counts[r] = true
			}
		}
		return &candidate{queue: q, entry: e, counts: counts, use: use}
	}
	return nil
}

// waiting returns the entries of a leaf in order.
func (n *naive) waiting(leaf string) []queue.Entry {
	var waiting []queue.Entry
	for _, e := range n.entries {
		if e.Leaf.Name() == leaf {
			waiting = append(waiting, e)
		}
	}
	slices.SortFunc(waiting, func(a, b queue.Entry) int { return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.ID, b.ID)) })
	return waiting
}

// behind reports whether one of the entries before holds up an entry of a Strict queue.
func (n *naive) behind(q queue.Queue, path []queue.Queue, before []queue.Entry, e queue.Entry) bool {
	return q.Order == queue.Strict && slices.ContainsFunc(before, func(b queue.Entry) bool {
		return !n.never(b, path) && (b.Pool == e.Pool || n.meets(b.Pool, e.Pool))
	})
}

// within reports whether an entry is within the limits and guarantees on its path.
func (n *naive) within(e queue.Entry, path []queue.Queue) bool {
	return n.bounded(e, path, func(q queue.Queue) queue.Vector { return n.useOf(q) })
}

// never reports whether an entry would be beyond them even if nothing were used.
func (n *naive) never(e queue.Entry, path []queue.Queue) bool {
	return !n.bounded(e, path, func(queue.Queue) queue.Vector { return nil })
}

// bounded reports whether an entry is within the limits and guarantees on its path with the use that a function tells.
func (n *naive) bounded(e queue.Entry, path []queue.Queue, use func(queue.Queue) queue.Vector) bool {
	for _, q := range path {
		asks, named := false, false
		for r := range n.res.Len() {
			ask := e.Ask.Get(r)
			if ask == 0 {
				continue
			}
			asks = true
			limit, limited := q.Limit[n.res.Name(r)]
			if limited && use(q).Get(r)+ask > limit {
				return false
			}
			guarantee, guarantees := q.Guarantee[n.res.Name(r)]
			named = named || guarantees
			if e.Guaranteed && guarantees && use(q).Get(r)+ask > guarantee {
				return false
			}
		}
		if e.Guaranteed && asks && !named {
			return false
		}
	}
	return true
}

// useOf returns what a queue uses.
func (n *naive) useOf(q queue.Queue) queue.Vector {
	var use queue.Vector
	use.Add(n.uses[q.Name], 1)
	for _, child := range q.Queues {
		use.Add(n.useOf(child), 1)
	}
	return use
}

// filled returns how much of its guarantee a queue uses, and whether that is less than all, among the resources that its candidate asks for.
func (n *naive) filled(c *candidate) (part float64, below bool) {
	for name, amount := range c.queue.Guarantee {
		r := n.res.Index(name)
		if amount > 0 && c.entry.Ask.Get(r) > 0 {
			part = max(part, float64(c.use.Get(r))/float64(amount))
			below = below || c.use.Get(r) < amount
		}
	}
	return part, below
}

// share returns the weighted dominant share of a queue with its candidate.
func (n *naive) share(c *candidate) float64 {
	share := 0.0
	for r := range c.counts {
		if total := n.total.Get(r); total > 0 {
			share = max(share, float64(c.use.Get(r)+c.entry.Ask.Get(r))/float64(total))
		}
	}
	if c.queue.Weight > 0 {
		share /= c.queue.Weight
	}
	return share
}

// best returns the sibling that goes first: what is left when each rule has kept only those that it prefers.
func (n *naive) best(siblings []*candidate) *candidate {
	keep := func(worth func(*candidate) float64) {
		least := math.Inf(1)
		for _, c := range siblings {
			least = min(least, worth(c))
		}
		siblings = slices.DeleteFunc(siblings, func(c *candidate) bool { return worth(c) > least })
	}
	unless := func(b bool) float64 {
		if b {
			return 0
		}
		return 1
	}
	keep(func(c *candidate) float64 { return unless(c.entry.Key.Ahead) })
	keep(func(c *candidate) float64 { _, below := n.filled(c); return unless(below) })
	if _, below := n.filled(siblings[0]); below {
		keep(func(c *candidate) float64 { part, _ := n.filled(c); return part })
	}
	keep(func(c *candidate) float64 { return unless(c.queue.Weight > 0) })
	keep(func(c *candidate) float64 { return -float64(c.queue.Priority) })
	keep(n.share)
	keep(func(c *candidate) float64 { return float64(c.entry.Key.Age.Unix()) })
	return siblings[0]
}

// path returns the queues from the one below the root to a leaf.
func (n *naive) path(leaf string) []queue.Queue { return pathTo(n.config.Queues, leaf) }

func pathTo(queues []queue.Queue, name string) []queue.Queue {
	for _, q := range queues {
		if q.Name == name {
			return []queue.Queue{q}
		}
		if below := pathTo(q.Queues, name); below != nil {
			return append([]queue.Queue{q}, below...)
		}
	}
	return nil
}

// before reports whether an entry goes before another.
func (n *naive) before(a, b queue.Entry) bool {
	if a.Leaf == b.Leaf {
		return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.ID, b.ID)) < 0
	}
	p, q := n.path(a.Leaf.Name()), n.path(b.Leaf.Name())
	siblings, i := n.config.Queues, 0
	for p[i].Name == q[i].Name {
		siblings = p[i].Queues
		i++
	}
	x, y := n.with(siblings, p, i, a), n.with(siblings, q, i, b)
	pair := []*candidate{x, y}
	slices.SortFunc(pair, func(a, b *candidate) int { return cmp.Compare(a.index, b.index) })
	return n.best(pair) == x
}

// with returns the queue at a place in a path with an entry below it as its candidate.
func (n *naive) with(siblings, path []queue.Queue, at int, e queue.Entry) *candidate {
	counts := map[int]bool{}
	leaf := path[len(path)-1]
	use := n.useOf(leaf)
	for r := range n.res.Len() {
		if use.Get(r) > 0 || e.Ask.Get(r) > 0 {
			counts[r] = true
		}
	}
	for i := at; i < len(path)-1; i++ {
		if c := n.candidate(path[i], path[:i+1]); c != nil {
			for r := range c.counts {
				counts[r] = true
			}
		}
	}
	index := slices.IndexFunc(siblings, func(q queue.Queue) bool { return q.Name == path[at].Name })
	return &candidate{index: index, queue: path[at], entry: e, counts: counts, use: n.useOf(path[at])}
}
