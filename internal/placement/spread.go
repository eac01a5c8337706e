package placement

// spread puts each member of a local class on the best node at that time. It never tries a node again that rejected a member, because a
// node's free capacity never grows.
func (p *planner) spread(class int) {
	for p.wanted(class) && len(p.ranked) > 0 && !p.tired() {
		node := p.ranked.top()
		if !p.try(class, node) {
			p.ranked.pop()
			continue
		}
		if room := p.cluster.Room(class, node); room > 0 {
			p.ranked.replaceTop(spreadKey(p.tier(class, node), p.hosted[node], room, node))
		} else {
			p.ranked.pop()
		}
	}
}
