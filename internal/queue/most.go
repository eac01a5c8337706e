package queue

import (
	"iter"
	"math"
)

// pile is what could go of a queue at most.
type pile struct {
	amounts Vector
	// largest is the most of each resource that one of the victims takes, and gang the most that a whole gang does.
	largest, gang Vector
	// most is, for two resources, the most of the second one that a victim takes for each unit of the first one.
	most map[[2]int]float64
	// pairs are those of the leaves with victims.
	pairs []*pair
}

// Most bounds from above how much of each resource is free when victims go that may be taken together. All of these have to be eligible.
// The bound is what each queue has above its guarantee or fair share. It ignores that shares are compared.
func (c *Claim) Most(victims iter.Seq[*Victim]) Vector {
	leaves := map[*node]*pile{}
	for v := range victims {
		p := leaves[v.Leaf.node]
		if p == nil {
			p = &pile{most: map[[2]int]float64{}, pairs: []*pair{c.pairOf(v.Leaf.node)}}
			leaves[v.Leaf.node] = p
		}
		p.add(v)
	}
	if all := c.pileOf(c.tree.root, leaves); all != nil {
		return all.amounts
	}
	return nil
}

func (p *pile) add(v *Victim) {
	p.amounts.Add(v.Amounts, 1)
	grew := false
	for r, amount := range v.Amounts {
		if amount > p.largest.Get(r) {
			p.largest.Set(r, amount)
			grew = true
		}
		if v.Gang && amount > p.gang.Get(r) {
			p.gang.Set(r, amount)
		}
	}
	if p.pairs[0].reason != ReclaimFairShare {
		return
	}
	for r, amount := range v.Amounts {
		for o, other := range v.Amounts {
			if amount <= 0 || !grew && float64(other) <= p.most[[2]int{r, o}]*float64(amount) {
				continue
			}
			p.most[[2]int{r, o}] = max(p.most[[2]int{r, o}], float64(other)/float64(amount))
		}
	}
}

// join adds what could go of a queue below.
func (p *pile) join(o *pile) {
	p.amounts.Add(o.amounts, 1)
	for r := range o.largest {
		p.largest.Set(r, max(p.largest.Get(r), o.largest[r]))
	}
	for r := range o.gang {
		p.gang.Set(r, max(p.gang.Get(r), o.gang[r]))
	}
	for of, most := range o.most {
		p.most[of] = max(p.most[of], most)
	}
	p.pairs = append(p.pairs, o.pairs...)
}

// pileOf returns what could go of a queue, or nil if it is nothing.
func (c *Claim) pileOf(n *node, leaves map[*node]*pile) *pile {
	p := leaves[n]
	for _, child := range n.children {
		below := c.pileOf(child, leaves)
		if below == nil {
			continue
		}
		if p == nil {
			p = &pile{most: map[[2]int]float64{}}
		}
		p.join(below)
	}
	if p == nil || n == c.tree.root {
		return p
	}
	p.limitByGuarantee(n)
	p.limitByFairShare(c, n)
	return p
}

func (p *pile) limit(r int, most int64) {
	if most = max(most, 0); p.amounts.Get(r) > most {
		p.amounts.Set(r, most)
	}
}

// limitByGuarantee bounds what goes by what the queue has above its guarantee. The last whole gang may reach below.
func (p *pile) limitByGuarantee(n *node) {
	least := nothing
	for _, of := range p.pairs {
		for i := range of.path {
			if of.path[i].queue == n {
				least = min(least, of.path[i].floor)
			}
		}
	}
	if least == noFloor {
		return
	}
	for _, b := range n.guarantees {
		above := n.use.Get(b.resource) - b.amount
		if above < 0 {
			continue // it does not fall below
		}
		if least == wholeGangs {
			above += p.gang.Get(b.resource)
		}
		p.limit(b.resource, above)
	}
}

// limitByFairShare bounds what goes of a giver by what it has above its fair share of a resource: any of those that the taker lacks.
func (p *pile) limitByFairShare(c *Claim, n *node) {
	for _, of := range p.pairs {
		if of.giver != n || of.reason != ReclaimFairShare {
			return
		}
	}
	shares, taker := c.fairShares(), p.pairs[0].taker
	most := make([]float64, len(p.amounts))
	for r, ask := range c.taker.Ask {
		if ask <= 0 || taker.use.Get(r) >= shares[taker].fair.Get(r) {
			continue
		}
		above := n.use.Get(r) - shares[n].fair.Get(r) + p.largest.Get(r)
		for o := range most {
			most[o] = max(most[o], float64(above)*p.most[[2]int{r, o}])
		}
	}
	for o := range most {
		if most[o] < math.MaxInt64/2 {
			p.limit(o, int64(math.Ceil(most[o]))+1)
		}
	}
}
