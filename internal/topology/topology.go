package topology

import "github.com/kubenexus/kubenexus-scheduler/internal/placement"

// Level is all domains of one kind.
type Level struct {
	// Key is the label key that the domains are values of.
	Key string
	// Of is the domain of each node, as an index into Names; -1 for a node that belongs to no domain.
	Of []int32
	// Names are the names of the domains. Among domains that are equal otherwise, the first by name is taken.
	Names []string
}

// Rules are what a gang, or a part of it, asks for. All are optional, and all hold together, but Slice and Spread exclude each other.
type Rules struct {
	// Required says that all members are on nodes of one domain of the level.
	Required *Level
	// Preferred are levels, narrowest first. All members go to one domain of the first level that has one large enough, inside the required
	// domain. If there is none, they use as few domains as possible of the last level, and inside each of these as few as possible of the
	// levels before. A domain that crosses domains of a level after it, or of the required level, counts as several.
	Preferred []*Level
	// Slice says that members are placed in chunks of SliceSize, each inside one domain of the level; at most one chunk is smaller.
	Slice     *Level
	SliceSize int
	// Spread says that the domains of the level have equally many members, or differ by one. Each domain counts that has a node in Usable,
	// inside the required domain, and inside the preferred domain if one holds all members evenly.
	Spread *Level
	// Usable says which nodes some member may use; nil means all. Only Spread asks.
	Usable []bool
	// Running is how many members run on each node already; nil means none. The members to be placed join them: in the required domain, in
	// the preferred domain if it is large enough, in chunks that miss a member, and where spreading has the fewest.
	Running []int32
}

// free reports whether the rules ask for nothing.
func (r *Rules) free() bool {
	return r.Required == nil && len(r.Preferred) == 0 && r.Slice == nil && r.Spread == nil
}

// Part is a set of classes with rules of their own, which count inside the domain that the rules of the whole gang choose. Slice and Spread
// of the whole gang do not concern these classes.
type Part struct {
	// Classes are indexes into Gang.Classes, in any number. No class is in two parts.
	Classes []int
	Rules
}

// Request is a gang, and what it asks for.
type Request struct {
	Gang placement.Gang
	// Rules are for all members together.
	Rules
	Parts []Part
}

// Result is the best plan found. The cluster holds exactly its members, whether it fits or not.
type Result struct {
	placement.Plan
	// Fits says that the plan keeps all rules, and has at least Min members and those that each class must have.
	Fits bool
	// Level and Domain are the domain that the rules of the whole gang chose for all members; nil and -1 if there are several, or none.
	Level  *Level
	Domain int
	// Finding is why the gang does not fit, nil if the topology is not the reason or if it fits.
	Finding *Finding
}

// Find plans the gang. Without any rules it is placement.Find. Plans keep the rules whether they fit or not.
//
// For a gang of one local class the plan has as many members as any plan that keeps the rules. For other gangs a better plan may exist, as
// for placement.Find. If only the narrower of the preferred levels are the reason why a member cannot be placed, these are given up.
func Find(cluster placement.Cluster, request Request) Result {
	hasRules := !request.free()
	for i := range request.Parts {
		hasRules = hasRules || !request.Parts[i].free()
	}
	if !hasRules {
		plan, fits := placement.Find(cluster, request.Gang)
		return Result{Plan: plan, Fits: fits, Domain: -1}
	}
	p := newPlanner(cluster, request.Gang)
	o := outcome{}
	if len(request.Parts) == 0 {
		o = p.group(task{classes: p.all(), rules: &request.Rules, least: request.Gang.Min})
	} else {
		o = p.withParts(&request)
	}
	r := Result{Plan: p.plan(), Domain: -1}
	r.Fits = p.holds(request.Gang.Min, p.all()) && !p.broken
	if o.level != nil {
		r.Level, r.Domain = o.level, o.domain
	}
	if !r.Fits {
		r.Finding = o.finding
	}
	return r
}

// planner is one call of Find.
type planner struct {
	*board
	gang placement.Gang
	// needed says that only the members that classes must have are to be placed now.
	needed bool
}

func newPlanner(cluster placement.Cluster, gang placement.Gang) *planner {
	return &planner{board: newBoard(cluster, gang), gang: gang}
}

// all are all classes.
func (p *planner) all() []int {
	all := make([]int, len(p.gang.Classes))
	for c := range all {
		all[c] = c
	}
	return all
}

// unplaced is how many members of the class are to be placed.
func (p *planner) unplaced(class int) int {
	if p.needed {
		return p.must(class)
	}
	return p.gang.Classes[class].Members - p.placed[class]
}

// must is how many members of the class are not placed though any plan must have them.
func (p *planner) must(class int) int { return max(0, p.gang.Classes[class].Must-p.placed[class]) }

// lacking is how many members the classes must have that are not placed.
func (p *planner) lacking(classes []int) int {
	lacking := 0
	for _, c := range classes {
		lacking += p.must(c)
	}
	return lacking
}

// holds reports whether at least so many members of the classes are placed, and those that each class must have.
func (p *planner) holds(least int, classes []int) bool {
	for _, c := range classes {
		least -= p.placed[c]
	}
	return least <= 0 && p.lacking(classes) == 0
}

// plan returns what the cluster holds.
func (p *planner) plan() placement.Plan {
	plan := placement.Plan{Nodes: make([][]int, len(p.gang.Classes)), Placed: len(p.steps)}
	for c := range plan.Nodes {
		plan.Nodes[c] = make([]int, 0, p.placed[c])
	}
	for _, s := range p.steps {
		plan.Nodes[s.class] = append(plan.Nodes[s.class], int(s.node))
	}
	return plan
}
