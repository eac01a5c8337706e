package placement

// part is what run places in one step: members of the class until only spare of them are left. rest says that it is the second part of the
// class.
type part struct {
	class, spare int
	rest         bool
}

// run places the classes in this order, starting with an empty cluster.
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
			p.bounds[part.class] = min(p.bounds[part.class], len(p.steps)) // the class had the whole cluster
		}
	}
	p.refill(strategy)
	p.keep()
}

// divide splits a run into parts: first the required members of each class, then the rest of all classes, so that optional members do not
// take capacity that required ones need. If both parts of a class follow each other, they become one part, which asks the nodes once. A
// gang of one class is never split.
func (p *planner) divide(order []int) {
	p.parts = p.parts[:0]
	for i, class := range order {
		spare := p.later(class)
		if i == 0 && p.start >= 0 {
			spare = min(spare, max(0, p.left[class]-1)) // the node of its first member decides the nodes of all others
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

// later returns how many members of the class a plan that fits may leave out, so that they come after the required members of other
// classes: no more than its Must allows, and no more than Min allows for all classes together. If no class has a Must, classes come one
// after the other.
func (p *planner) later(class int) int {
	if p.must == 0 {
		return p.gang.Classes[class].Members
	}
	return max(0, min(p.optional[class], p.total-p.gang.Min))
}

// failed reports whether this is the rest of a class whose first part did not fit.
func (p *planner) failed(part part) bool {
	return part.rest && p.left[part.class] > p.later(part.class)
}

// refill tries those classes again that may fit after other placements, such as classes with affinity, until nothing changes. A local class
// is not tried again, because placements never help it.
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
