package placement

import "slices"

// searchSize is the largest nodes × members for which the search is tried.
const searchSize = 1000

// search tries all ways to place the required members, and at least Min members, depth first. It runs only if everything else failed and
// the cluster is small. It then adds further members to the plan that it finds.
func (p *planner) search() {
	if p.reached() || p.settled() || p.nodes*p.total > searchSize || p.gang.Budget > 0 && p.spent() {
		return
	}
	s := &searcher{planner: p, seen: map[uint64]struct{}{}, budget: p.fits + searchBudget, local: true}
	for _, class := range p.gang.Classes {
		s.local = s.local && class.Local
	}
	p.reset()
	if !s.descend(0, 0) {
		return
	}
	for _, class := range p.byHardness {
		p.fill(class, 0, p.gang.Strategy)
	}
	p.keep()
}

// searcher is one depth-first search. A move is a class and a node, encoded as one number.
type searcher struct {
	*planner
	// seen has the hashes of all states visited. A state is the number of members of each class on each node: members of a class are equal,
	// so their order does not matter.
	seen map[uint64]struct{}
	// local says that all classes are local. Then moves commute, so only ascending sequences are tried.
	local  bool
	budget int // the number of calls of Fits at which the search ends
}

// descend tries all further placements from the current state, whose hash is given, and reports whether it found a plan that fits. last is
// the move that led to this state.
func (s *searcher) descend(last int, hash uint64) bool {
	if s.lacking == 0 && len(s.steps) >= s.gang.Min {
		return true
	}
	if !s.promising() {
		return false
	}
	from := 0
	if s.local {
		from = last
	}
	held := slices.Clone(s.steps)
	for move := from; move < len(s.byHardness)*s.nodes; move++ {
		class, node := s.byHardness[move/s.nodes], move%s.nodes
		next := hash + scramble(uint64(move))
		if _, seen := s.seen[next]; seen || s.left[class] == 0 {
			continue
		}
		if s.fits >= s.budget {
			return false
		}
		if s.cluster.Room(class, node) == 0 || !s.try(class, node) {
			continue
		}
		s.seen[next] = struct{}{}
		if s.descend(move, next) {
			return true
		}
		if !s.replay(held) {
			return false
		}
	}
	return false
}

// promising reports whether the free resources are enough for Min members and for the required members of each class.
func (s *searcher) promising() bool {
	most := len(s.steps)
	for class, left := range s.left {
		room := 0
		for node := 0; node < s.nodes && room < left; node++ {
			room += s.cluster.Room(class, node)
		}
		if room < left-s.optional[class] {
			return false
		}
		most += min(left, room)
	}
	return most >= s.gang.Min
}
