package preempt

import (
	"container/heap"
	"slices"
)

// limits bound what may be chosen.
type limits struct {
	// from are the units; with a gang it has all its surplus.
	from []bool
	// broken is how many disruptions beyond what budgets allow there may be.
	broken int
	// nodes are those that the gang may use; empty: all.
	nodes []bool
}

// greedy chooses units by counting: it places the members of one class after the other, first on what is free. Then it takes one step after
// the other, always one with the fewest pods for each member that fits with it.
type greedy struct {
	world // free is without the members placed so far
	limits
	placed []int // members, by node and class
	class  int   // the class that is placed; -1 if only bounds count
	want   int   // how many of its members have no node

	steps    steps
	versions []int   // of the steps that begin with a node, then of those that are a unit
	taken    int     // how many steps were taken
	lacked   int     // how many were taken when more had to be freed of a bound
	fits     []int   // by unit that is on several nodes: how many members fit if it goes
	shares   [][]int // of these, by node and unit
	counted  int     // how often nodes were counted

	*scratch
}

// scratch is only here to be used again, also by the next one: there is one greedy of a model at a time.
type scratch struct {
	sorted, chosen, needed []int
	closure                []int
	scores                 []float64
	trial, fewer           trial
	entries                []int // by unit: where it is among those of the node at hand
	stamps                 []int // by unit: the last closure that it was in
	stamp                  int
}

func newGreedy(m *model, l limits) *greedy {
	if m.scratch == nil {
		m.scratch = &scratch{
			scores:  make([]float64, len(m.units)),
			entries: make([]int, len(m.units)),
			trial:   newTrial(m),
			fewer:   newTrial(m),
			stamps:  make([]int, len(m.units)),
		}
	}
	return &greedy{
		world: newWorld(m), limits: l,
		placed:   make([]int, m.nodes*len(m.classes)),
		versions: make([]int, m.nodes+len(m.units)),
		fits:     make([]int, len(m.units)),
		shares:   make([][]int, m.nodes),
		scratch:  m.scratch,
	}
}

// choose returns units without which the gang fits by counting, in order, and false if it found none. It also returns how often it counted
// a node.
func (m *model) choose(l limits) (set []int, counted int, found bool) {
	g := newGreedy(m, l)
	for _, need := range m.needs {
		if !g.place(need) {
			return nil, g.counted, false
		}
	}
	if !g.cover() {
		return nil, g.counted, false
	}
	g.prune()
	return m.members(g.gone), g.counted, true
}

// place places members of a class, and chooses units until all fit.
func (g *greedy) place(n need) bool {
	g.class, g.want = n.class, n.members
	for node := range g.m.nodes {
		g.settle(node)
	}
	if g.want == 0 {
		return true
	}
	g.steps = g.steps[:0]
	clear(g.fits)
	for node := range g.m.nodes {
		g.offer(g.onNode(node))
		g.shares[node] = make([]int, len(g.m.heads[node]))
		g.share(node)
	}
	for id := range g.m.units {
		if g.from[id] && (g.m.units[id].wide || g.lacking()) {
			g.offer(g.ofUnit(id))
		}
	}
	return g.takeUntil(func() bool { return g.want == 0 })
}

// cover chooses units until nothing is lacking of any bound.
func (g *greedy) cover() bool {
	if !g.lacking() {
		return true
	}
	g.class, g.want = -1, 0
	g.steps = g.steps[:0]
	for id := range g.m.units {
		if g.from[id] {
			g.offer(g.ofUnit(id))
		}
	}
	return g.takeUntil(func() bool { return !g.lacking() })
}

func (g *greedy) takeUntil(done func() bool) bool {
	for len(g.steps) > 0 {
		s, isStep := heap.Pop(&g.steps).(*step)
		if !isStep || s.version != g.versions[s.source] {
			continue
		}
		if s.members > g.want || s.taken < g.lacked || s.budgets && s.taken < g.taken {
			if s = g.again(s); s == nil || len(g.steps) > 0 && g.steps[0].before(s) {
				g.offer(s)
				continue
			}
		}
		if g.over+s.broken > g.broken {
			continue
		}
		touched := g.take(s)
		if done() {
			return true
		}
		g.renew(touched)
	}
	return false
}

// offer adds a step to those from which the next is taken.
func (g *greedy) offer(s *step) {
	if s == nil || g.over+s.broken > g.broken {
		return
	}
	heap.Push(&g.steps, s)
}

// again counts a step again.
func (g *greedy) again(s *step) *step {
	if s.source < g.m.nodes {
		return g.onNode(s.source)
	}
	return g.ofUnit(s.source - g.m.nodes)
}

// take removes the units of a step and places members on the nodes where they were. It returns these nodes.
func (g *greedy) take(s *step) (touched []int) {
	lacking := g.lacking()
	for _, id := range slices.Clone(g.closureOf(s.units...)) {
		g.remove(id)
		for _, p := range g.m.units[id].parts {
			touched = append(touched, p.node)
		}
	}
	g.taken++
	if lacking {
		g.lacked = g.taken
	}
	if s.source < g.m.nodes {
		g.settle(s.source)
	}
	for _, n := range touched {
		g.settle(n)
	}
	return touched
}

// settle places as many members on a node as fit.
func (g *greedy) settle(node int) {
	if g.class < 0 || g.want == 0 || !g.may(node) {
		return
	}
	free := g.m.row(g.free, node)
	fit := min(g.want, g.m.fit(free, g.class))
	for r, ask := range g.m.classes[g.class].Ask {
		free[r] -= ask * int64(fit)
	}
	g.placed[node*len(g.m.classes)+g.class] += fit
	g.want -= fit
}

// may reports whether members of the class may use the node.
func (g *greedy) may(node int) bool {
	return g.m.usable[g.class][node] && (len(g.nodes) == 0 || g.nodes[node])
}

// renew counts the steps again that depend on one of the nodes.
func (g *greedy) renew(touched []int) {
	if g.class < 0 {
		return // only the bounds count
	}
	slices.Sort(touched)
	var changed []int
	for _, n := range slices.Compact(touched) {
		g.versions[n]++
		g.offer(g.onNode(n))
		changed = append(changed, g.share(n)...)
		if !g.lacking() {
			continue
		}
		for _, e := range g.m.on[n] {
			if !g.m.units[e.unit].wide {
				changed = append(changed, e.unit)
			}
		}
	}
	slices.Sort(changed)
	for _, id := range slices.Compact(changed) {
		g.versions[g.m.nodes+id]++
		g.offer(g.ofUnit(id))
	}
}

// share counts how many members fit on a node if one of the units goes that are on several nodes. It returns those for which the number
// changed.
func (g *greedy) share(node int) (changed []int) {
	for i, id := range g.m.heads[node] {
		fit := 0
		if g.may(node) && g.from[id] && !g.gone[id] {
			g.trial.reset(g.m.row(g.free, node))
			for _, e := range g.m.on[node] {
				if (e.unit == id || g.m.units[e.unit].core == id) && !g.gone[e.unit] {
					add(g.trial.free, e.frees)
				}
			}
			fit = g.m.fit(g.trial.free, g.class)
		}
		if was := g.shares[node][i]; fit != was {
			g.shares[node][i] = fit
			g.fits[id] += fit - was
			changed = append(changed, id)
		}
	}
	return changed
}
