package view

import (
	"cmp"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/topology"
)

// mostDomains is in how many domains victims are searched: those in which the most members fit already. A gang that has to be on one host
// would otherwise take one search for each node.
const mostDomains = 64

// searchDomains looks for victims in each domain in which all members may be, one after the other, and keeps the cheapest. A search over
// all nodes would choose victims by counting, wherever they are.
func (p *Planner) searchDomains(v *view, r *RoomRequest, nodes []fwk.NodeInfo) (s *roomSearch, choice preempt.Choice, found bool) {
	all := candidatesOn(nodes, r)
	all.units = p.Ledger.Units(r.Taker, all.pods, r.Now)
	if len(all.units) == 0 {
		return nil, choice, false
	}
	everywhere := v.inside
	search := func(domain int) (*roomSearch, preempt.Choice, bool) {
		v.inside = v.nodesOf(v.where.rules.Required, domain)
		s := v.searchRoom(r, all.inside(v), p.Ledger)
		v.begin()
		choice, found := s.choose(s.problem(r.Budgets))
		return s, choice, found
	}
	best := -1
	for _, domain := range v.promising(v.searchRoom(r, all, p.Ledger), r) {
		_, c, fits := search(domain)
		if v.err != nil {
			return nil, choice, false
		}
		if fits && (best < 0 || c.Rank.Compare(choice.Rank) < 0) {
			choice, best = c, domain
		}
		v.rollBack()
	}
	if best < 0 {
		v.inside = everywhere
		return nil, choice, false
	}
	return search(best) // the same questions get the same answers
}

// promising returns the domains that could hold the gang if all went that may go, those first in which the most members fit already.
func (v *view) promising(s *roomSearch, r *RoomRequest) []int {
	required, p, c := v.where.rules.Required, s.problem(r.Budgets), v.countUnits(s.candidates)
	after := c.inDomains(p, required)
	c.free = c.before
	now := c.inDomains(p, required)
	var domains []int
	for d := range required.Names {
		if after[d] >= r.Task.Need {
			domains = append(domains, d)
		}
	}
	slices.SortFunc(domains, func(a, b int) int {
		return cmp.Or(cmp.Compare(now[b], now[a]), cmp.Compare(required.Names[a], required.Names[b]))
	})
	return domains[:min(len(domains), mostDomains)]
}

// inDomains returns how many members fit at most into each domain by what is free.
func (c *tally) inDomains(p preempt.Problem, l *topology.Level) []int {
	all := make([]int, len(l.Names))
	for i := range c.classes {
		fit := make([]int, len(l.Names))
		for node, room := range c.rooms(i, p) {
			if d := l.Of[node]; d >= 0 {
				fit[d] += room
			}
		}
		for d := range all {
			all[d] += min(fit[d], len(c.classes[i].pods))
		}
	}
	return all
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
	for i := range c.units {
		u := c.units[i]
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
