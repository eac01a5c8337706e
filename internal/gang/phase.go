package gang

// Phase is the state of a gang in its life cycle.
type Phase string

// The phases of a gang. They are derived from its members, never stored.
const (
	// Incomplete: fewer than min-available members are eligible.
	Incomplete Phase = "Incomplete"
	// Disagreeing: members name different sizes, schedulers or queues, or contradict each other otherwise; none of them starts.
	Disagreeing Phase = "Disagreeing"
	// Ready: complete, and either parked or represented by one member in the scheduling queue.
	Ready Phase = "Ready"
	// Placing: the gang cycle plans and reserves.
	Placing Phase = "Placing"
	// Running: min-available members are bound or being bound; later members join one by one.
	Running Phase = "Running"
	// Unbound: no member declares how many must start together, so each starts on its own.
	Unbound Phase = "Unbound"
)

// Phases returns all phases.
func Phases() []Phase { return []Phase{Incomplete, Disagreeing, Ready, Placing, Running, Unbound} }

// Phase derives the phase of the gang from its members.
func (g *Gang) Phase() Phase {
	_, agreed := g.tally.agreed()
	_, shared := g.tally.share()
	switch {
	case len(g.tally.claims) == 0 && g.tally.unnamed > 0:
		return Unbound
	case len(g.tally.claims) == 0:
		return Incomplete // all members are being deleted, or do not specify how many are needed
	case !agreed || !shared:
		return Disagreeing
	case g.runs():
		return Running
	case !g.complete():
		return Incomplete
	case g.planner != nil:
		return Placing
	default:
		return Ready
	}
}

// Need is the min-available that the members agree on, without the creators that start on their own.
func (g *Gang) Need() int {
	claim, _ := g.tally.agreed()
	if claim.MinAvailable == 0 {
		return 0
	}
	return max(1, int(claim.MinAvailable)-g.tally.apart)
}

// missing is the number of further members that the gang needs: not running and not done.
func (g *Gang) missing() int {
	g.rank()
	return max(1, g.Need()-g.done-g.tally.started)
}

// have counts the members that are eligible, run, or are done.
func (g *Gang) have() int {
	g.rank()
	return g.candidates() + g.tally.started + g.done
}

// shape returns the roles that the gang declares, or nil.
func (g *Gang) shape() *Roles {
	g.rank()
	return g.declared
}

// started reports whether a member has a node. In a gang with a creator, the creator must have one.
func (g *Gang) started() bool {
	return g.tally.started > 0 && (g.shape().Creator() == nil || g.creatorRuns())
}

// runs reports whether the gang was started with as many members as it needs now. A member with a node is no proof: the pod may
// have been created with a node, and a new revision may need more members.
func (g *Gang) runs() bool {
	return g.started() && (g.shape().Creator() != nil || g.begunWith >= g.Need())
}

// complete reports whether enough eligible members exist. In a gang with a creator, the creator is enough.
func (g *Gang) complete() bool {
	shape := g.shape()
	there := func(r Role) bool { return g.tally.roles[r.Name]+g.doneOf[r.Name] >= int(r.Min) }
	switch creator := shape.Creator(); {
	case g.candidates() == 0:
		return false
	case creator != nil:
		return there(*creator)
	case g.candidates() < g.missing():
		return false
	}
	for _, role := range shape.All() {
		if !there(role) {
			return false
		}
	}
	return true
}
