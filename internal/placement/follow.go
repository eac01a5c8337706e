package placement

// renewBudget is what ranking nodes anew may cost a plan: about 0.1 s, which delays all pods behind the gang. For 1,000 empty nodes
// that is 150 rankings. A gang for which the budget is too small has its nodes ranked after every few placements instead of
// after each: that is simpler than to rank only the domains that changed, which only the plugins know, and rankings at even
// distances serve the last members as well as the first.
//
// All orders of classes share the budget. When it is used up the last ranking stays in force: a preference is worth no more than that,
// and whether the gang fits does not depend on it.
const renewBudget = 150_000

// tiers are the tiers of each class's nodes, as the members that are placed make them.
type tiers struct {
	ofClass [][]uint16
	// renewedAt is how many members were placed when the class's nodes were ranked.
	renewedAt []int
	// every is how many placements one ranking serves, and 0 if no class has tiers that change.
	every int
	// spent is what was used of renewBudget.
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

// reset makes the tiers what they are without members.
func (t *tiers) reset(classes []Class) {
	if t.every == 0 {
		return
	}
	for c, class := range classes {
		t.ofClass[c], t.renewedAt[c] = class.Tiers, 0
	}
}

// renew ranks the class's nodes anew if at least so many members were placed since they were ranked, and says whether it did.
func (p *planner) renew(class, placed int) bool {
	t, cost := &p.tiers, p.gang.Classes[class].Renew
	if cost == 0 || len(p.steps)-t.renewedAt[class] < placed || t.spent+cost > renewBudget {
		return false
	}
	t.spent += cost
	t.ofClass[class], t.renewedAt[class] = p.cluster.Tiers(class), len(p.steps)
	return true
}

// follower fills nodes with members of a class whose tiers change as members are placed: each member goes to the node that is
// best by then.
//
// A node that refused is not asked again before all others have been. If the class is local it is never asked again: it has no
// more room later. So as many members fit as pack places.
type follower struct {
	*planner
	class    int
	strategy Strategy
	refused  []bool // by node
	refusals int
	// rankedAt is how many members were placed when the nodes were ranked, clearedAt when refused was empty.
	rankedAt, clearedAt int
	// gathers says that the node of the last member was still among the best at the last renewal. Until the next one it is filled;
	// otherwise each node takes one member.
	gathers bool
}

// follow places members of the class on the ranked nodes.
func (p *planner) follow(class int, strategy Strategy) {
	f := &follower{planner: p, class: class, strategy: strategy, refused: make([]bool, p.nodes)}
	f.rankedAt, f.clearedAt = len(p.steps), len(p.steps)
	every := 1 // whether members gather or keep apart shows when the first is placed
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

// place puts a member on the best node that takes it, and returns that node or -1.
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

// again ranks the nodes again when all are used up, and says whether any may take another member.
func (f *follower) again() bool {
	switch placed := len(f.steps); {
	case placed > f.rankedAt: // those that took a member may take another
	case placed > f.clearedAt && !f.gang.Classes[f.class].Local: // those that refused may not refuse now
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

// patient says whether the nodes refused seldom enough. Where members look beyond their node, placing one may make all nodes refuse
// that are preferred; wide.go, which does not follow the ranking, finds the others with fewer calls.
func (f *follower) patient() bool {
	class := f.gang.Classes[f.class]
	return class.Local || f.refusals <= f.nodes+class.Members
}
