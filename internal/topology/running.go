package topology

import (
	"cmp"
	"slices"
)

// home returns the nodes that the members may go to. If members run already, that is the required domain in which most of them run.
func (p *planner) home(g task) []int32 {
	level, running := g.rules.Required, g.rules.Running
	if level == nil || running == nil {
		return g.nodes
	}
	counts := make([]int64, len(level.Names))
	for n, d := range level.Of {
		if d >= 0 {
			counts[d] += int64(running[n])
		}
	}
	best := -1
	for d, count := range counts {
		if count > 0 && (best < 0 || cmp.Or(cmp.Compare(counts[best], count), cmp.Compare(level.Names[d], level.Names[best])) < 0) {
			best = d
		}
	}
	if best < 0 {
		return g.nodes
	}
	nodes := []int32{}
	for n, d := range level.Of {
		if int(d) == best && (g.nodes == nil || p.among(g.nodes, int32(n))) {
			nodes = append(nodes, int32(n))
		}
	}
	return nodes
}

// among reports whether the node is one of the nodes.
func (p *planner) among(nodes []int32, node int32) bool {
	_, found := slices.BinarySearch(nodes, node)
	return found
}

// complete places members beside those that run already in a chunk that misses some, the chunks that miss the fewest first. It reports
// whether a chunk is still incomplete.
func (p *planner) complete(g task) (broken bool) {
	if g.rules.Slice == nil || g.rules.Running == nil {
		return false
	}
	t := newTree(p, g)
	c := &t.tiers[t.sliced]
	missing := func(cell int32) int64 { return (t.size - c.running[cell]%t.size) % t.size }
	var cells []int32
	for cell := range c.parent {
		if missing(int32(cell)) > 0 {
			cells = append(cells, int32(cell))
		}
	}
	slices.SortFunc(cells, func(a, b int32) int {
		return cmp.Or(cmp.Compare(missing(a), missing(b)), t.compareFree(t.sliced, a, b))
	})
	for _, cell := range cells {
		miss := missing(cell)
		placed := p.put(within(t.nodesIn(t.sliced, cell), int(miss)), offer{classes: g.classes})
		broken = broken || int64(placed) < miss
	}
	return broken
}

// withPlaced returns the task's rules for its members that are not placed: of these steps, those of the task count as running.
func (p *planner) withPlaced(g task, steps []step) *Rules {
	rules := *g.rules
	if rules.Running = slices.Clone(rules.Running); rules.Running == nil {
		rules.Running = make([]int32, len(p.hosted))
	}
	for _, s := range steps {
		if slices.Contains(g.classes, int(s.class)) {
			rules.Running[s.node]++
		}
	}
	return &rules
}
