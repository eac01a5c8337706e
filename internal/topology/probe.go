package topology

const (
	// patience is how many attempts may fail before nodes are probed, firstProbes is how many are then probed; with each attempt twice as
	// many.
	patience, firstProbes = 3, 64
)

// probe asks nodes in advance whether they take any member, once attempts failed repeatedly: if many nodes reject a class in spite of their
// free capacity, such as nodes with taints, learning of a few of them with each attempt would take long. It asks each node once.
//
// Whether a node takes a member of a local class may depend on members of other classes. So nodes are probed only while there are none.
func (s *search) probe() {
	if s.shorts++; s.shorts <= patience || s.mark > 0 || len(s.task.classes) > 1 && len(s.steps) > 0 {
		return
	}
	end := min(s.positions(), s.probed+firstProbes<<min(20, s.shorts-patience-1))
	for ; s.probed < end; s.probed++ {
		node := s.tree.node(s.probed)
		for k, class := range s.task.classes {
			room := s.rooms[class][node]
			if !s.local[class] || room == 0 || s.hosted[node] > 0 {
				continue
			}
			s.fits += s.cost[class]
			if !s.cluster.Fits(class, int(node)) {
				s.rooms[class][node] = 0
				s.discount(k, s.probed, int64(room))
			}
		}
	}
}

// discount takes free capacity for a class off the cells that the node is in.
func (t *tree) discount(k, position int, room int64) {
	for tier := range t.tiers {
		if cell := t.tiers[tier].cell(position); cell >= 0 && t.tiers[t.last()].cell(position) >= 0 {
			t.tiers[tier].rooms[k][cell] -= room
		}
	}
}
