package topology

import "github.com/kubenexus/kubenexus-scheduler/internal/placement"

// offer is what one call of placement.Find may place.
type offer struct {
	quota  int // members at most
	parts  int // each class offers this part of its members that are not placed
	budget int // see placement.Gang
}

// put places members of the classes on the nodes and returns how many.
func (p *planner) put(nodes []int32, classes []int, o offer) int {
	p.see(nodes, nil, o.quota)
	gang := placement.Gang{Strategy: p.gang.Strategy, Budget: o.budget, Classes: make([]placement.Class, 0, len(classes))}
	p.classes = make([]int, 0, len(classes))
	total := 0
	for _, c := range classes {
		class := p.gang.Classes[c]
		class.Members = min((p.unplaced(c)+o.parts-1)/o.parts, o.quota)
		if class.Members == 0 {
			continue
		}
		class.Must = min(p.must(c), class.Members)
		class.Tiers = p.some(class.Tiers)
		total += class.Members
		p.classes = append(p.classes, c)
		gang.Classes = append(gang.Classes, class)
	}
	if total == 0 || len(nodes) == 0 && nodes != nil {
		return 0
	}
	gang.Min = min(o.quota, total)
	before := len(p.steps)
	placement.Find(p.board, gang)
	return len(p.steps) - before
}
