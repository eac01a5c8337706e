package placement

// renewBudget limits what one plan may spend on ranking nodes again: about 0.1 s, during which all pods behind the gang wait. For 1,000
// empty nodes that is 150 rankings. If a gang needs more, its nodes are ranked after every few placements instead of after each. Only the
// plugins know which domains changed, so ranking only these is not possible here; and rankings at even distances serve the last members as
// well as the first.
//
// All orders of classes share the budget. When it is spent, the last ranking stays in effect. Whether the gang fits does not depend on it.
const renewBudget = 150_000

// tiers are the tiers of the nodes for each class, given the members placed so far.
type tiers struct {
	ofClass [][]uint16
	// renewedAt is, for each class, how many members were placed when its nodes were last ranked.
	renewedAt []int
	// every is how many placements one ranking serves; 0 if no class has tiers that change.
	every int
	// spent is the part of renewBudget that is spent.
	spent int
}

func newTiers(classes []Class) tiers {
	t := tiers{ofClass: make([][]uint16, len(classes))}
	needed := 0
	for c, class := range classes {
		t.ofClass[c] = class.Tiers
		needed += class.Renew * class.Members
	}
	if needed > 0 {
		t.renewedAt = make([]int, len(classes))
		t.every = max(1, (needed+renewBudget-1)/renewBudget)
	}
	return t
}

// reset sets the tiers to those without placed members.
func (t *tiers) reset(classes []Class) {
	if t.every == 0 {
		return
	}
	for c, class := range classes {
		t.ofClass[c], t.renewedAt[c] = class.Tiers, 0
	}
}

// renew ranks the class's nodes again if at least placed members were placed since the last ranking, and reports whether it did.
func (p *planner) renew(class, placed int) bool {
	t, cost := &p.tiers, p.gang.Classes[class].Renew
	if cost == 0 || len(p.steps)-t.renewedAt[class] < placed || t.spent+cost > renewBudget {
		return false
	}
	t.spent += cost
	t.ofClass[class], t.renewedAt[class] = p.cluster.Tiers(class), len(p.steps)
	return true
}

// follower fills nodes with members of a class whose tiers change as members are placed. Each member goes to the best node at that time.
//
// A node that rejected a member is not asked again before all other nodes have been. If the class is local, the node is never asked again,
// because its free capacity never grows. So as many members fit as with pack.
type follower struct {
	*planner
	class    int
	strategy Strategy
	refused  []bool // by node
	refusals int
	// rankedAt is how many members were placed when the nodes were ranked, clearedAt when refused was last empty.
	rankedAt, clearedAt int
	// gathers says that the node of the last member was still among the best at the last ranking. Then that node is filled until the next
	// ranking; otherwise each node takes one member.
	gathers bool
}

// follow places members of the class on the ranked nodes.
func (p *planner) follow(class int, strategy Strategy) {
	f := &follower{planner: p, class: class, strategy: strategy, refused: make([]bool, p.nodes)}
	f.rankedAt, f.clearedAt = len(p.steps), len(p.steps)
	every := 1 // the first placement shows whether members prefer the same node or other nodes
	for p.wanted(class) && !p.tired() && f.patient() {
		node := f.place()
		if node < 0 {
			if !f.again() {
				return
			}
			continue
		}
		p.start = -1
		if p.wanted(class) && p.renew(class, every) {
			every = p.tiers.every
			f.rank()
			f.gathers = len(p.ranked) > 0 && p.tier(class, node) <= p.tier(class, p.ranked.top())
		}
	}
	if !f.patient() {
		f.rank()
		p.fillWide(class, strategy)
	}
}

// place puts a member on the best node that takes it, and returns that node, or -1 if none does.
func (f *follower) place() int {
	for len(f.ranked) > 0 && !f.tired() && f.patient() {
		node := f.ranked.top()
		switch {
		case f.refused[node] || f.cluster.Room(f.class, node) == 0:
			f.ranked.pop()
		case !f.try(f.class, node):
			f.refused[node] = true
			f.refusals++
			f.ranked.pop()
		default:
			if !f.gathers {
				f.ranked.pop()
			}
			return node
		}
	}
	return -1
}

// again ranks the nodes again once all have been tried, and reports whether any of them may take another member.
func (f *follower) again() bool {
	switch placed := len(f.steps); {
	case placed > f.rankedAt: // nodes that took a member may take another
	case placed > f.clearedAt && !f.gang.Classes[f.class].Local: // nodes that rejected a member may accept one now
		clear(f.refused)
		f.clearedAt = placed
	default:
		return false
	}
	f.rank()
	return true
}

func (f *follower) rank() {
	f.planner.rank(f.class, f.strategy)
	f.rankedAt = len(f.steps)
}

// patient reports whether nodes rejected the class rarely enough to continue. If members depend on other nodes too, one placement may make
// all preferred nodes reject the class. wide.go, which ignores the ranking, then finds the other nodes with fewer calls.
func (f *follower) patient() bool {
	class := f.gang.Classes[f.class]
	return class.Local || f.refusals <= f.nodes+class.Members
}
