package preempt

import (
	"cmp"
	"slices"
)

// tiers prefers nodes with free capacity, then those where members cost the least if only units of the set go: in disruptions beyond
// budgets, in priority, then in pods for each member.
func (m *model) tiers(set []bool) []uint16 {
	g := newGreedy(m, limits{from: set, broken: len(m.allowed)})
	costs := make([]*step, m.nodes)
	order := make([]int, 0, m.nodes)
	tiers := make([]uint16, m.nodes)
	for node := range m.nodes {
		for _, n := range m.needs {
			if !m.usable[n.class][node] {
				continue
			}
			g.class, g.want = n.class, n.members
			if costs[node] = g.onNode(node); costs[node] != nil {
				order = append(order, node)
			} else if m.fit(m.row(m.free, node), n.class) == 0 {
				tiers[node] = MaxTier
			}
			break
		}
	}
	slices.SortFunc(order, func(a, b int) int { return compareCosts(costs[a], costs[b]) })
	distinct := 0
	for i, node := range order {
		if i == 0 || compareCosts(costs[order[i-1]], costs[node]) != 0 {
			distinct++
		}
		tiers[node] = uint16(min(distinct, MaxTier-1))
	}
	return tiers
}

// compareCosts compares what members cost on two nodes.
func compareCosts(a, b *step) int {
	return cmp.Or(
		cmp.Compare(float64(a.broken)*b.gain, float64(b.broken)*a.gain),
		cmp.Compare(a.highest, b.highest),
		cmp.Compare(float64(a.pods)*b.gain, float64(b.pods)*a.gain),
		cmp.Compare(float64(a.gangs)*b.gain, float64(b.gangs)*a.gain),
		b.started.Compare(a.started),
	)
}
