package placement

// part is what run places at once: members of the class until only so many are left as are to spare. rest says that it is
// the second part of the class.
type part struct {
	class, spare int
	rest         bool
}

// run places the classes in this order, beginning with an empty cluster.
func (p *planner) run(order []int, strategy Strategy) {
	p.reset()
	p.divide(order)
	for i, part := range p.parts {
		local := p.gang.Classes[part.class].Local
		if local && p.failed(part) {
			continue
		}
		p.fill(part.class, part.spare, strategy)
		p.start = -1
		if i == 0 && local && p.wanted(part.class) && !p.tired() {
			p.bounds[part.class] = min(p.bounds[part.class], len(p.steps)) // it had the cluster for itself
		}
	}
	p.refill(strategy)
	p.keep()
}

// divide makes the parts of a run: of each class the members that cannot be left out, and after those of all classes the
// rest, so that it does not take the capacity of the former. Where both parts of a class follow each other they are one, which
// asks the nodes once: a gang of one class is never divided.
func (p *planner) divide(order []int) {
	p.parts = p.parts[:0]
	for i, class := range order {
		spare := p.later(class)
		if i == 0 && p.start >= 0 {
			spare = min(spare, max(0, p.left[class]-1)) // where its first member goes decides for all others
		}
		if spare < p.left[class] {
			p.parts = append(p.parts, part{class: class, spare: spare})
		}
	}
	for _, class := range order {
		last := len(p.parts) - 1
		switch {
		case last >= 0 && p.parts[last].class == class:
			p.parts[last].spare = 0
		case p.later(class) > 0:
			p.parts = append(p.parts, part{class: class, rest: true})
		}
	}
}

// later is how many members of the class can be left out of a plan that fits, and so come after those of other classes that
// cannot: no more than its Must allows, and no more than Min allows for all classes together. Where no class has a Must,
// classes come one after the other.
func (p *planner) later(class int) int {
	if p.must == 0 {
		return p.gang.Classes[class].Members
	}
	return max(0, min(p.optional[class], p.total-p.gang.Min))
}

// failed says that this is the rest of a class, and not even its first part fit.
func (p *planner) failed(part part) bool {
	return part.rest && p.left[part.class] > p.later(part.class)
}

// refill tries the classes again that may fit after other placements, such as with affinity, until nothing changes. Members
// of a local class do not fit better than before.
func (p *planner) refill(strategy Strategy) {
	for before := -1; before < len(p.steps) && len(p.gang.Classes) > 1; {
		before = len(p.steps)
		for _, part := range p.parts {
			if !p.gang.Classes[part.class].Local && !p.failed(part) && !p.spent() {
				p.fill(part.class, part.spare, strategy)
			}
		}
	}
}
