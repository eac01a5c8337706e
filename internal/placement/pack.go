package placement

// fill places as many members of the class as fit beside what was placed before, but leaves out some that are to spare.
func (p *planner) fill(class, spare int, strategy Strategy) {
	p.spare = spare
	if !p.wanted(class) {
		return
	}
	p.misses = 0
	p.rank(class, strategy)
	switch {
	case !p.gang.Classes[class].Local:
		p.fillWide(class, strategy)
	case strategy == Spread:
		p.spread(class)
	default:
		p.pack(class)
	}
}

// rank finds the nodes with free capacity for the class. Others are not asked.
func (p *planner) rank(class int, strategy Strategy) {
	if p.ranked == nil {
		p.ranked = make(ranking, 0, p.nodes)
	}
	p.ranked = p.ranked[:0]
	p.rooms += p.nodes
	for node := range p.nodes {
		room := p.cluster.Room(class, node)
		switch {
		case room <= 0:
		case node == p.start:
			p.ranked = append(p.ranked, firstKey(node))
		case strategy == Spread:
			p.ranked = append(p.ranked, spreadKey(p.tier(class, node), p.hosted[node], room, node))
		default:
			p.ranked = append(p.ranked, packKey(p.tier(class, node), room, node))
		}
	}
	p.ranked.order()
}

// tier is that of the node for the class.
func (p *planner) tier(class, node int) uint16 {
	if tiers := p.gang.Classes[class].Tiers; tiers != nil {
		return tiers[node]
	}
	return 0
}

// pack fills the ranked nodes one after the other with members of a local class. What one node takes does not change
// what another does, so whichever way nodes are filled the same number fits, and that is the most possible.
func (p *planner) pack(class int) {
	for p.wanted(class) && len(p.ranked) > 0 && !p.tired() {
		p.stuff(class, p.ranked.pop())
	}
}

// stuff places members on the node until they do not fit.
func (p *planner) stuff(class, node int) {
	for p.wanted(class) && p.cluster.Room(class, node) > 0 && p.try(class, node) {
		continue
	}
}
