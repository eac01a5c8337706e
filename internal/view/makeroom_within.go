package view

import (
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// searchDomains looks for victims in each domain in which all members may be, one after the other, and keeps the cheapest. A search over all
// nodes would choose victims by counting, wherever they are.
func (p *Planner) searchDomains(v *view, r *RoomRequest, nodes []fwk.NodeInfo) (s *roomSearch, choice preempt.Choice, found bool) {
	all := candidatesOn(nodes, r)
	all.units = p.Ledger.Units(r.Taker, all.pods, r.Now)
	if len(all.units) == 0 {
		return nil, choice, false
	}
	inside := v.inside
	best := inside
	search := func() (*roomSearch, preempt.Choice, bool) {
		s := v.searchRoom(r, all.inside(v), p.Ledger)
		v.begin()
		choice, found := s.choose(s.problem(r.Budgets))
		return s, choice, found
	}
	v.eachDomain(func() {
		if v.err != nil {
			return
		}
		_, c, fits := search()
		if fits && (!found || c.Rank.Compare(choice.Rank) < 0) {
			choice, best, found = c, v.inside, true
		}
		v.rollBack()
	})
	if !found || v.err != nil {
		return nil, choice, false
	}
	v.inside = best
	s, choice, found = search() // the same questions get the same answers
	return s, choice, found
}

// inside returns the candidates with only those units of which a part is on nodes that the view is inside of, or a part of the same gang.
func (c *candidates) inside(v *view) candidates {
	matters := make([]bool, len(c.units))
	for i := range c.units {
		u := &c.units[i]
		for _, at := range u.Pods {
			if v.outside(c.nodes[at]) {
				continue
			}
			matters[i] = true
			if u.Core >= 0 {
				matters[u.Core] = true
			}
		}
	}
	some, place := *c, make([]int, len(c.units))
	some.units = nil
	for i, u := range c.units {
		if !matters[i] && (u.Core < 0 || !matters[u.Core]) {
			continue
		}
		place[i] = len(some.units)
		if u.Core >= 0 {
			u.Core = place[u.Core] // the core comes before its surplus
		}
		some.units = append(some.units, u)
	}
	return some
}
