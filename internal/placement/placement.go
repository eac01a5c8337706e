package placement

// Class is a set of equal members.
type Class struct {
	// Members is how many there are.
	Members int
	// Must is how many of them must be placed, in any plan; at least 0. No plan fits if it is more than Members.
	Must int
	// Local says that whether a member fits on a node depends on that node alone, and placing one only reduces the free capacity
	// there. False for members with pod (anti-)affinity, topology spread and the like. It is about the members of this
	// class among themselves: it stays true if members of another class keep these away.
	Local bool
	// Tiers are what is preferred: of the nodes that fit, those of a lower tier are taken first, and the strategy decides among those of
	// one tier. There is one for each node, at most MaxTier; nil means that all are alike.
	Tiers []uint16
	// Cost is how many calls of Fits for an ordinary class one call for this class costs; 0 means 1.
	Cost int
	// Size orders classes: the member's dominant request as a share of the largest node (or any comparable number).
	// Only its order matters.
	Size float64
}

// MaxTier is the highest tier.
const MaxTier = 1<<12 - 1

// Cluster is what members are placed on. Nodes are numbered 0..Nodes()-1, in an order that stays the same. class is an
// index into Gang.Classes. Find gets it without members of the gang.
type Cluster interface {
	// Nodes is how many there are.
	Nodes() int
	// Room is an upper bound on how many more members of the class the node could take now by resources alone; 0 means
	// certainly none. Cheap (about 30 ns).
	Room(class, node int) int
	// Fits says whether one more member of the class could be placed on the node now, beside all that were placed so
	// far. Expensive (about 4 µs).
	Fits(class, node int) bool
	// Place puts a member of the class on the node. It is only called right after Fits said yes for the same class and
	// node with no other Place in between.
	Place(class, node int)
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

// Gang is what is to be placed.
type Gang struct {
	// Classes are the members. Their order does not matter, unless two look equal.
	Classes []Class
	// Min is how many members must be placed; at least 1 and at most the sum of Classes' Members. The sum of their
	// Must may be less or more than that.
	Min int
	// Strategy is preferred; the other one is tried before the answer is no.
	Strategy Strategy
}

// Plan says where members go.
type Plan struct {
	// Nodes[c] are the nodes of members of class c in the order of placement; at most Classes[c].Members of them.
	Nodes [][]int
	// Placed is how many members have a node.
	Placed int
}

// Find returns the best plan that it found, and whether it fits: whether it places Min members at least and of each class
// Must at least. A plan holds nothing that Fits did not confirm beside what was placed before.
//
// Of two plans, the one that leaves out fewer members that a class must have is the better one, whatever else they place,
// and of two that leave out as many, the one with more members. So a plan with all those members is better than any
// without, and if any plan that was found fits, the best one does. A plan with Min members may not fit: only the result
// says so.
//
// For a gang of one local class no plan is better; for others a better plan may exist that was not found. When Find
// returns, the cluster holds exactly the members of the plan, also when the answer is no: the caller can look at what is
// left.
func Find(cluster Cluster, gang Gang) (Plan, bool) {
	p := newPlanner(cluster, gang)
	p.survey()
	p.tryOrders()
	p.tryStarts()
	p.search()
	p.restore()
	return p.plan(), p.lacking == 0 && len(p.steps) >= gang.Min
}
