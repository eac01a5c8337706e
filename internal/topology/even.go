package topology

import (
	"cmp"
	"slices"
)

// shares are the cells that members must be spread over evenly.
type shares struct {
	cells []int32
	// has is how many members run in each cell already, room how many more it can hold.
	has, room []int64
	compare   func(a, b int32) int // which of two gets one more member: the one with more free capacity first
}

// sharesIn returns the cells inside a cell of the tier over which its members must be spread.
func (t *tree) sharesIn(tier int, cell int32) shares {
	c := &t.tiers[t.spread]
	s := shares{compare: func(a, b int32) int {
		return cmp.Or(t.compareCapacity(t.spread, b, a), t.compareNames(t.spread, a, b))
	}}
	for _, i := range t.kidsOf(tier, cell) {
		if !c.counts[i] {
			continue
		}
		s.cells = append(s.cells, i)
		s.has = append(s.has, c.running[i])
		s.room = append(s.room, c.chunks[i])
	}
	return s
}

// level is the highest number of members that all cells can have.
func (s *shares) level() int64 {
	level := s.has[0] + s.room[0]
	for i := range s.cells {
		level = min(level, s.has[i]+s.room[i])
	}
	return level
}

// most is how many more members can be placed evenly.
func (s *shares) most() int64 {
	if len(s.cells) == 0 {
		return 0
	}
	level := s.level()
	most := s.needed(level)
	for i := range s.cells {
		if s.mayExceed(i, level) {
			most++
		}
	}
	return most
}

// needed is how many members bring all cells to the level.
func (s *shares) needed(level int64) int64 {
	needed := int64(0)
	for _, has := range s.has {
		needed += max(0, level-has)
	}
	return needed
}

// mayExceed reports whether a cell at the level may have one more member.
func (s *shares) mayExceed(i int, level int64) bool {
	return s.has[i] <= level && s.has[i]+s.room[i] > level
}

// divide divides members evenly. Those that are left over go to the cells with the most free capacity.
func (s *shares) divide(members int64) []piece {
	if len(s.cells) == 0 {
		return nil
	}
	low, high := slices.Min(s.has), s.level()
	for low < high { // the highest level that the members reach
		if middle := low + (high-low+1)/2; s.needed(middle) <= members {
			low = middle
		} else {
			high = middle - 1
		}
	}
	order := make([]int, len(s.cells))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return s.compare(s.cells[a], s.cells[b]) })
	over := members - s.needed(low)
	var pieces []piece
	for _, i := range order {
		share := max(0, low-s.has[i])
		if over > 0 && s.mayExceed(i, low) {
			share++
			over--
		}
		if share > 0 {
			pieces = append(pieces, piece{s.cells[i], share})
		}
	}
	return pieces
}
