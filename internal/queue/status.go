package queue

import "time"

// Status is what a queue has and waits for.
type Status struct {
	Name string
	// Parent is empty for queues without one.
	Parent string
	// Leaf is true if gangs may wait in the queue itself.
	Leaf     bool
	Order    Order
	Weight   float64
	Priority int32
	// Guarantee and Limit are as configured: resources that are not named have none.
	Guarantee, Limit Amounts
	// Used is what is bound, being bound, or held in slots.
	Used Vector
	// Demand is Used and what everything that waits and could ever start asks for, but never above a limit, here or below.
	Demand Vector
	// Fair is the fair share of each resource.
	Fair Vector
	// Share and FairShare are the dominant shares of Used and of Fair: the maximum of amount / total over the resources.
	Share, FairShare float64
	// Waiting is how many entries wait, and Ready how many of them are ready.
	Waiting, Ready int
	// HeadAge is the Age in the key of the first entry. It is zero if none waits.
	HeadAge time.Time
	// BelowGuarantee is true if the queue uses less than its guarantee of a resource that something waits for that could ever start.
	BelowGuarantee bool
}

// Statuses returns the status of every queue, parents before their children and siblings in configuration order.
func (t *Tree) Statuses() []Status { return t.Snapshot().Statuses() }

// status returns what concerns one queue alone.
func (t *Tree) status(n *node, f fairShare) Status {
	q := n.config
	s := Status{
		Name: q.Name, Parent: n.parent.config.Name, Leaf: n.leaf(), Order: q.Order, Weight: q.Weight, Priority: q.Priority,
		Guarantee: q.Guarantee, Limit: q.Limit, Used: n.use.Clone(), Demand: f.demand, Fair: f.fair,
		Share: t.dominant(n.use), FairShare: t.dominant(f.fair),
	}
	for _, b := range n.guarantees {
		if n.use.Get(b.resource) < b.amount && n.asks.Get(b.resource) > 0 {
			s.BelowGuarantee = true
		}
	}
	return s
}

// dominant returns the dominant share of amounts: the maximum of amount / total over the resources that the cluster has.
func (t *Tree) dominant(amounts Vector) float64 {
	share := 0.0
	for r, total := range t.total {
		if total > 0 {
			share = max(share, float64(amounts.Get(r))/float64(total))
		}
	}
	return share
}
