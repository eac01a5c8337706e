package placement

import (
	"cmp"
	"fmt"
	"slices"
)

// judge is a second, independent implementation of a toy's rules. It sees only a list of placements.
type judge struct {
	nodes   []toyNode
	classes []toyClass
}

// legal returns an error if the placements, made one after the other, break a rule.
func (j judge) legal(placed []step) error {
	for i, s := range placed {
		if !j.allows(placed[:i], int(s.class), int(s.node)) {
			return fmt.Errorf("placement %d of %v is not allowed", i, placed)
		}
	}
	return nil
}

func (j judge) allows(placed []step, class, node int) bool {
	c := j.classes[class]
	if slices.Contains(c.forbidden, node) {
		return false
	}
	for r, free := range j.nodes[node].free {
		used := c.needs[r]
		for _, s := range placed {
			if int(s.node) == node {
				used += j.classes[s.class].needs[r]
			}
		}
		if used > free {
			return false
		}
	}
	beside, first := false, true
	inZone := map[string]int{}
	for _, s := range placed {
		other, there := int(s.class), int(s.node)
		if there == node && (c.apart && other == class ||
			slices.Contains(c.avoids, other) || slices.Contains(j.classes[other].avoids, class)) {
			return false
		}
		if other == c.partner {
			first = false
			beside = beside || there == node || c.with == "zone" && j.nodes[there].zone == j.nodes[node].zone
		}
		if other == class {
			inZone[j.nodes[there].zone]++
		}
	}
	if c.with != "" && !beside && (c.partner != class || !first) {
		return false
	}
	if c.skew == 0 {
		return true
	}
	for n, other := range j.nodes {
		if !slices.Contains(c.forbidden, n) && inZone[j.nodes[node].zone]+1-inZone[other.zone] > c.skew {
			return false
		}
	}
	return true
}

// score orders lists of placements from worse to better.
type score struct {
	lacking int // required members that are not placed
	placed  int
}

func (s score) compare(other score) int {
	return cmp.Or(cmp.Compare(other.lacking, s.lacking), cmp.Compare(s.placed, other.placed))
}

func (j judge) score(placed []step) score {
	counts := make([]int, len(j.classes))
	for _, s := range placed {
		counts[s.class]++
	}
	s := score{placed: len(placed)}
	for c, class := range j.classes {
		s.lacking += max(0, class.must-counts[c])
	}
	return s
}

// bruteForce returns the best possible score, found by exhaustive search.
func (j judge) bruteForce() score {
	type counts [12]uint8 // by class and node: the rules depend on nothing else
	seen := map[counts]bool{}
	var placed []step
	var held counts
	best := j.score(nil)
	var try func()
	try = func() {
		if s := j.score(placed); s.compare(best) > 0 {
			best = s
		}
		for class := range j.classes {
			total := 0
			for node := range j.nodes {
				total += int(held[class*len(j.nodes)+node])
			}
			if total == j.classes[class].members {
				continue
			}
			for node := range j.nodes {
				i := class*len(j.nodes) + node
				held[i]++
				if !seen[held] && j.allows(placed, class, node) {
					seen[held] = true
					placed = append(placed, step{int32(class), int32(node)})
					try()
					placed = placed[:len(placed)-1]
				}
				held[i]--
			}
		}
	}
	try()
	return best
}
