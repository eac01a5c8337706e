package placement

// fill places as many members of the class as fit with the members placed before, but keeps spare members for later.
func (p *planner) fill(class, spare int, strategy Strategy) {
	p.spare = spare
	if !p.wanted(class) {
		return
	}
	p.misses = 0
	p.renew(class, 1)
	p.rank(class, strategy)
	switch {
	case p.gang.Classes[class].Renew > 0:
		p.follow(class, strategy)
	case !p.gang.Classes[class].Local:
		p.fillWide(class, strategy)
	case strategy == Spread:
		p.spread(class)
	default:
		p.pack(class)
	}
}

// rank ranks the nodes with free capacity for the class. The planner tries no others.
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

// tier returns the node's tier for the class.
func (p *planner) tier(class, node int) uint16 {
	if tiers := p.tiers.ofClass[class]; tiers != nil {
		return tiers[node]
	}
	return 0
}

// pack fills the ranked nodes one after the other with members of a local class. Members on one node do not change what fits on another, so
// the order of the nodes does not change how many members fit: always as many as possible.
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
