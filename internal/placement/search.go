package placement

import "slices"

// searchSize is how large nodes × members may be for the search to stand a chance.
const searchSize = 1000

// search tries all ways to place the members that the gang cannot do without, and Min at least, depth first, if everything
// else failed and the cluster is small. It then adds further members to what it finds.
func (p *planner) search() {
	if p.reached() || p.settled() || p.nodes*p.total > searchSize {
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

// searcher is one depth-first search. A move is a class and a node as one number.
type searcher struct {
	*planner
	// seen are the hashes of what the cluster held before. It counts how many members of each class are on each node,
	// not which members nor in which order they came: members of a class are equal.
	seen map[uint64]struct{}
	// local says that all classes are. Then moves commute, and only ascending ones need be tried.
	local  bool
	budget int // the number of calls of Fits at which the search ends
}

// descend tries all that can be placed beside what the cluster holds, whose hash is given, and says whether that led
// to a plan that fits. last is the move that led here.
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

// promising says whether the free resources are enough for Min members and for those that the gang cannot do without.
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
