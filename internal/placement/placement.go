package placement

// Class is a set of equal members.
type Class struct {
	// Members is how many there are.
	Members int
	// Must is how many of them must be placed in any plan; at least 0. No plan fits if it is more than Members.
	Must int
	// Local says that only the node decides whether a member fits on it, and that a placement only reduces the free capacity there. It is
	// false for members with pod (anti-)affinity, topology spread and the like. It concerns only members of this class: it stays true if
	// members of another class repel these.
	Local bool
	// Tiers are the preferences: of the nodes that fit, those of a lower tier are taken first, and the strategy decides among nodes of the
	// same tier. There is one for each node, at most MaxTier; nil means that all are equal.
	Tiers []uint16
	// Renew is above 0 if the tiers change as members are placed. It is the cost of one call of Cluster.Tiers for the class, in units of
	// about 0.4 µs. Tiers are then those without placed members.
	Renew int
	// Follows says that the class prefers nodes by where members of other classes are. Those classes are placed first, unless the gang fits
	// in another order only.
	Follows bool
	// Cost is how many calls of Fits for an ordinary class one call for this class costs; 0 means 1.
	Cost int
	// Size orders classes: the member's dominant request as a share of the largest node (or any comparable number).
	// Only its order matters.
	Size float64
}

// MaxTier is the highest tier.
const MaxTier = 1<<12 - 1

// Cluster is what members are placed on. Nodes are numbered 0..Nodes()-1, in an order that stays the same. class is an index into
// Gang.Classes. Find must be called with no members of the gang placed.
type Cluster interface {
	// Nodes returns the number of nodes.
	Nodes() int
	// Room returns an upper bound on how many more members of the class the node can take now, by its free resources alone; 0 means none.
	// Cheap (about 30 ns).
	Room(class, node int) int
	// Fits reports whether one more member of the class can be placed on the node now, with all members placed so far. Expensive (about 4
	// µs).
	Fits(class, node int) bool
	// Place puts a member of the class on the node. It is only called right after Fits returned true for the same class and node, with no
	// other Place in between.
	Place(class, node int)
	// Tiers returns the tier of each node for the class now, with all members placed so far. It is called only for classes with Renew. Very
	// expensive (Class.Renew says how much), so Find limits the calls.
	Tiers(class int) []uint16
	// Reset removes all members.
	Reset()
}

// Strategy says which of the nodes that fit is chosen for a member.
type Strategy int

// The strategies.
const (
	// Pack fills the nodes with the least free capacity first, so that large nodes stay free for the next gang.
	Pack Strategy = iota
	// Spread takes the node with the fewest members of the gang, of these the one with the most free capacity.
	Spread
)

// Gang is the gang to place.
type Gang struct {
	// Classes are the members. Their order does not matter, unless two look equal.
	Classes []Class
	// Min is how many members must be placed; at least 1 and at most the sum of Classes' Members. The sum of their
	// Must may be less or more than that.
	Min int
	// Strategy is preferred; the other one is tried before the answer is no.
	Strategy Strategy
	// Budget is after how many calls of Fits no further order of classes is tried; 0 means that Find decides. A gang of one local class
	// ignores it.
	Budget int
}

// exact reports whether the first order of classes gives the best plan: the gang has one class, which is local.
func (g Gang) exact() bool { return len(g.Classes) == 1 && g.Classes[0].Local }

// Plan says where members go.
type Plan struct {
	// Nodes[c] are the nodes of members of class c in the order of placement; at most Classes[c].Members of them.
	Nodes [][]int
	// Placed is how many members have a node.
	Placed int
}

// Find returns the best plan that it found, and whether it fits: whether it places at least Min members, and at least Must of each class.
// It contains only placements that Fits confirmed with the earlier placements in effect.
//
// Of two plans, the better one leaves out fewer members that a class must have; if both leave out as many, the better one places more
// members. So a plan with all required members beats any plan without, and if any plan found fits, the returned one does. A plan with Min
// members may still not fit: only the returned bool says so. Preferences decide which nodes are tried first, never how many members fit.
//
// For a gang of one local class no better plan exists; for other gangs a better plan may exist that Find did not find. When Find returns,
// the cluster holds exactly the members of the plan, whether it fits or not, so the caller can examine the free capacity left.
func Find(cluster Cluster, gang Gang) (Plan, bool) {
	p := newPlanner(cluster, gang)
	p.survey()
	p.tryOrders()
	p.tryStarts()
	p.search()
	p.restore()
	return p.plan(), p.lacking == 0 && len(p.steps) >= gang.Min
}
