package queue

import "cmp"

// mask is a set of resources: a bit for each. Those from the 64th on share a bit, so that names in pods cannot make it grow.
type mask uint64

// bit returns the set of one resource.
func bit(resource int) mask { return 1 << min(resource, 63) }

// bits returns the resources of which there is some.
func bits(v Vector) mask {
	var m mask
	for r, amount := range v {
		if amount > 0 {
			m |= bit(r)
		}
	}
	return m
}

// standing is where a queue stands among its siblings: what the comparison of siblings needs, side by side.
type standing struct {
	queue *node
	// entry is the candidate: what goes next in the queue. It is nil if nothing could.
	entry *waiter
	// counts are the resources that count for share.
	counts mask
	// ahead is that of the candidate, and weighted and priority are those of the queue.
	ahead, weighted bool
	priority        int32
	// below is true if the queue is below its guarantee, and filled is how much of the guarantee it uses then.
	below  bool
	filled float64
	// share is the dominant share with the candidate, divided by the weight unless that is 0.
	share float64
}

// newStanding returns the standing of a queue with a candidate, without what it depends on how much the queue uses.
func newStanding(n *node, w *waiter) standing {
	return standing{queue: n, entry: w, ahead: w.Key.Ahead, weighted: n.config.Weight > 0, priority: n.config.Priority}
}

// stand returns the standing of a queue with a candidate.
//
// A queue is below its guarantee if use[r] < guarantee[r] for a resource r that the candidate asks for. How much of the guarantee it uses
// is the maximum of use[r] / guarantee[r] over the guaranteed resources that the candidate asks for. It does not matter whether the
// candidate leads beyond the guarantee: a gang is whole.
//
// The weighted dominant share counted with the candidate is the maximum of (use[r] + ask[r]) / total[r] over the resources r that count,
// divided by the weight (Ghodsi et al., Dominant Resource Fairness, NSDI 2011, sections 4.1 and 4.3). For a leaf all that it uses or its
// candidate asks for count. Above leaves only what counts for a queue right below with a candidate: a queue with nothing that could start
// now does not hold up its siblings with what it uses of resources that they do not want (Bhattacharya et al., Hierarchical Scheduling
// for Diverse Datacenter Workloads, SoCC 2013). Resources that the cluster does not have do not count.
func (t *Tree) stand(n *node, w *waiter, counts mask) standing {
	s := newStanding(n, w)
	s.counts = counts
	for _, b := range n.guarantees {
		if b.amount <= 0 || w.Ask.Get(b.resource) <= 0 {
			continue
		}
		use := n.use.Get(b.resource)
		s.below = s.below || use < b.amount
		s.filled = max(s.filled, float64(use)/float64(b.amount))
	}
	for r, total := range t.total {
		if total > 0 && counts&bit(r) != 0 {
			s.share = max(s.share, (float64(n.use.Get(r))+float64(w.Ask.Get(r)))/float64(total))
		}
	}
	if n.config.Weight > 0 {
		s.share /= n.config.Weight
	}
	return s
}

// before reports whether a queue goes before a sibling; both have candidates. First go members that should have started with a gang that
// runs short: it holds capacity already. Then queues below their guarantee, those that use the least of it first. Then queues with a
// weight. Then the higher priority, the lower weighted dominant share, the older candidate, and the first in the configuration.
func (s *standing) before(o *standing) bool {
	if order := s.compare(o); order != 0 {
		return order < 0
	}
	if age := s.entry.Key.Age.Compare(o.entry.Key.Age); age != 0 {
		return age < 0
	}
	return s.queue.index < o.queue.index
}

// compare orders as before does, but for age and configuration order.
func (s *standing) compare(o *standing) int {
	switch {
	case s.ahead != o.ahead:
		return first(s.ahead, o.ahead)
	case s.below != o.below:
		return first(s.below, o.below)
	case s.below && s.filled != o.filled:
		return cmp.Compare(s.filled, o.filled)
	case s.weighted != o.weighted:
		return first(s.weighted, o.weighted)
	case s.priority != o.priority:
		return cmp.Compare(o.priority, s.priority)
	}
	return cmp.Compare(s.share, o.share)
}
