package topology

import "github.com/kubenexus/kubenexus-scheduler/internal/placement"

// offer says which members one call of placement.Find may place.
type offer struct {
	classes []int
	parts   int // each class offers this part of its members that are not placed; 0 means all
	least   int // how many must be placed; 0 means as many as the quotas allow
	budget  int // see placement.Gang
}

// put places members in the region and returns how many.
func (p *planner) put(r region, o offer) int {
	p.see(r, make([]int, 0, len(o.classes)))
	gang := placement.Gang{Strategy: p.gang.Strategy, Budget: o.budget, Classes: make([]placement.Class, 0, len(o.classes))}
	total, quota := 0, 0
	for _, q := range r.quotas {
		quota += q
	}
	parts := max(1, o.parts)
	for _, c := range o.classes {
		class := p.gang.Classes[c]
		class.Members = min((p.unplaced(c)+parts-1)/parts, quota)
		if class.Members == 0 {
			continue
		}
		class.Must = min(p.must(c), class.Members)
		class.Tiers = p.some(class.Tiers)
		total += class.Members
		p.classes = append(p.classes, c)
		gang.Classes = append(gang.Classes, class)
	}
	if total == 0 || r.nodes != nil && len(r.nodes) == 0 {
		return 0
	}
	gang.Min = min(quota, total)
	if o.least > 0 {
		gang.Min = min(gang.Min, o.least)
	}
	before := len(p.steps)
	placement.Find(p.board, gang)
	return len(p.steps) - before
}

// within is a region of all these nodes.
func within(nodes []int32, quota int) region { return region{nodes: nodes, quotas: []int{quota}} }
