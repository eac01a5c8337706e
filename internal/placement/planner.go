package placement

import "slices"

const (
	// orderPasses limits the orders and starts that are tried, in passes. In one pass a gang calls Fits for each class on each node, and
	// places all members. Calls of Room are counted at their cost. Planning delays all pods behind the gang, and a gang that does not fit
	// is planned repeatedly.
	orderPasses = 4
	// orderBudget is never exceeded, except by a first order: 0.3 s. leastBudget is always allowed: 50 ms. It lets a gang that
	// must be in one rack find the only one of ten that is large enough, on up to 2,000 nodes.
	orderBudget, leastBudget = 100_000, 20_000
	// searchBudget is how many additional calls of Fits the search may make: 10 ms.
	searchBudget = 2000
	// roomsPerFit is how many calls of Room cost as much as one of Fits.
	roomsPerFit = 128
	// patience is how many nodes in a row may reject a class when the budget is spent. The first order is completed even
	// then, but not at any cost: a thousand classes that fit on none of 10,000 nodes would take a minute.
	patience = 100
)

// step is the placement of one member.
type step struct{ class, node int32 }

// planner is one call of Find: the members that the cluster holds now, the best plan so far, and the cost of the calls so far.
type planner struct {
	cluster Cluster
	gang    Gang
	nodes   int
	total   int // members of all classes
	must    int // of these, how many their classes must have
	// optional are the members of each class that it need not have.
	optional []int

	steps   []step  // what the cluster holds, in the order of placement
	left    []int   // members of each class that have no node
	lacking int     // members that have no node though their class must have them
	hosted  []int32 // members of the gang on each node

	best     []step
	bestLack int   // what lacking was when the cluster held best
	bounds   []int // no plan places more members of the class

	fits   int // calls of Fits
	rooms  int // calls of Room, except the few that follow a placement
	budget int // of calls of Fits, or as many as cost the same
	misses int // how often Fits returned false since it last returned true, or since the class was started

	byHardness []int // the classes, hardest first
	start      int   // the node to ask first when the first class is filled, or -1
	parts      []part
	spare      int // members of the current class that are not to be placed now
	ranked     ranking
	wide       wide
	tiers      tiers
}

func newPlanner(cluster Cluster, gang Gang) *planner {
	p := &planner{cluster: cluster, gang: gang, nodes: cluster.Nodes(), start: -1}
	p.left = make([]int, len(gang.Classes))
	p.bounds = make([]int, len(gang.Classes))
	p.optional = make([]int, len(gang.Classes))
	for c, class := range gang.Classes {
		p.total += class.Members
		p.left[c], p.bounds[c] = class.Members, class.Members
		p.optional[c] = class.Members - class.Must
		p.must += class.Must
	}
	p.lacking, p.bestLack = p.must, p.must
	p.tiers = newTiers(gang.Classes)
	p.hosted = make([]int32, p.nodes)
	p.steps = make([]step, 0, p.total)
	p.parts = make([]part, 0, 2*len(gang.Classes))
	p.budget = orderPasses * (p.nodes*len(gang.Classes) + p.total)
	p.budget = min(max(p.budget, leastBudget), orderBudget)
	// A gang of one local class needs at most one call for each node and each member. Twice that never cuts it short.
	p.budget = max(p.budget, 2*(p.nodes+p.total))
	if gang.Budget > 0 && !gang.exact() {
		p.budget = min(p.budget, gang.Budget)
	}
	return p
}

// try places a member of the class on the node if it fits.
func (p *planner) try(class, node int) bool {
	if !p.query(class, node) {
		p.misses++
		return false
	}
	p.cluster.Place(class, node)
	p.misses = 0
	p.steps = append(p.steps, step{int32(class), int32(node)})
	if p.left[class] > p.optional[class] {
		p.lacking--
	}
	p.left[class]--
	p.hosted[node]++
	return true
}

// query calls Fits, and counts its cost.
func (p *planner) query(class, node int) bool {
	p.fits += max(1, p.gang.Classes[class].Cost)
	return p.cluster.Fits(class, node)
}

// wanted reports whether another member of the current class should be placed now.
func (p *planner) wanted(class int) bool { return p.left[class] > p.spare }

// spent reports whether the budget for orders is used up.
func (p *planner) spent() bool { return p.fits+p.rooms/roomsPerFit >= p.budget }

// tired reports whether nodes rejected the current class too often to continue.
func (p *planner) tired() bool { return p.misses >= patience && p.spent() }

// reset removes all members.
func (p *planner) reset() {
	if len(p.steps) == 0 {
		return
	}
	p.cluster.Reset()
	for _, s := range p.steps {
		if p.left[s.class]++; p.left[s.class] > p.optional[s.class] {
			p.lacking++
		}
		p.hosted[s.node] = 0
	}
	p.steps = p.steps[:0]
	p.tiers.reset(p.gang.Classes)
}

// replay places these steps in an empty cluster, up to the first that no longer fits. steps must not be p.steps, because replay overwrites
// that.
func (p *planner) replay(steps []step) bool {
	p.reset()
	for _, s := range steps {
		if !p.try(int(s.class), int(s.node)) {
			return false
		}
	}
	return true
}

// keep records the current placements if they are the best so far.
func (p *planner) keep() {
	if p.lacking < p.bestLack || p.lacking == p.bestLack && len(p.steps) > len(p.best) {
		p.best = append(p.best[:0], p.steps...)
		p.bestLack = p.lacking
	}
}

// restore makes the cluster hold the best plan found.
func (p *planner) restore() {
	if !slices.Equal(p.steps, p.best) {
		p.replay(p.best)
	}
}

// reached reports whether the best plan fits.
func (p *planner) reached() bool { return p.bestLack == 0 && len(p.best) >= p.gang.Min }

// settled reports whether further attempts are useless: no plan fits, or the best plan has as many members as the bounds allow, and so no
// plan lacks fewer.
func (p *planner) settled() bool {
	most := 0
	for c, bound := range p.bounds {
		if bound < p.gang.Classes[c].Must {
			return true
		}
		most += bound
	}
	return len(p.best) >= most || most < p.gang.Min
}

// plan returns the current placements.
func (p *planner) plan() Plan {
	plan := Plan{Nodes: make([][]int, len(p.gang.Classes)), Placed: len(p.steps)}
	for c, class := range p.gang.Classes {
		plan.Nodes[c] = make([]int, 0, class.Members-p.left[c])
	}
	for _, s := range p.steps {
		plan.Nodes[s.class] = append(plan.Nodes[s.class], int(s.node))
	}
	return plan
}
