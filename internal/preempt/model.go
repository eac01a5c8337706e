package preempt

import (
	"cmp"
	"slices"
	"time"
)

// unit is a Unit in numbers. Units are numbered from the cheapest to the dearest, so no decision depends on the order of the input.
type unit struct {
	input   int // the index in Problem.Units
	core    int
	surplus []int // what goes with it
	gang    bool
	own     int32 // its priority
	highest int32 // the highest priority of it and its surplus
	pods    int
	started time.Time
	budgets []int // one for each pod that a budget selects
	frees   []int64
	parts   []part
	wide    bool // it and its surplus are on several nodes
}

// part is what a unit frees on a node.
type part struct {
	node  int
	frees []int64
}

// entry is a unit on a node.
type entry struct {
	unit  int
	frees []int64
}

// need is a number of members of a class that have to be placed.
type need struct{ class, members int }

// model is the problem in numbers.
type model struct {
	units     []unit
	on        [][]entry // by node, cheapest first
	heads     [][]int   // by node: the units of which it has a part, their own or of their surplus, and that are on other nodes too
	free      []int64   // by node and resource
	usable    [][]bool  // by class and node
	classes   []Class
	needs     []need
	total     int // members that have to be placed
	nodes     int
	resources int
	allowed   []int // by budget
	lacks     []int64
	scratch   *scratch
}

func newModel(p Problem) *model {
	m := &model{classes: p.Classes, nodes: len(p.Free), lacks: p.Lacks, total: p.Need}
	for _, c := range p.Classes {
		m.resources = max(m.resources, len(c.Ask))
	}
	m.free = make([]int64, m.nodes*m.resources)
	for n, free := range p.Free {
		copy(m.row(m.free, n), free)
	}
	m.allowed = make([]int, len(p.Budgets))
	for b, allowed := range p.Budgets {
		m.allowed[b] = max(0, allowed)
	}
	m.number(p)
	m.stand()
	m.head()
	m.use(p.Usable)
	m.count(p.Need)
	return m
}

// row returns the resources of a node.
func (m *model) row(of []int64, node int) []int64 {
	return of[node*m.resources : (node+1)*m.resources : (node+1)*m.resources]
}

// number converts the units, in order.
func (m *model) number(p Problem) {
	units := m.measure(p)
	order := cheapest(p, units)
	number := make([]int, len(units))
	for to, from := range order {
		number[from] = to
	}
	m.units = units
	reorder(units, number)
	for id := range m.units {
		if u := &m.units[id]; u.core >= 0 {
			u.core = number[u.core]
		}
	}
	for id := range m.units {
		if core := m.units[id].core; core >= 0 {
			m.units[core].surplus = append(m.units[core].surplus, id)
		}
	}
	for id := range m.units {
		m.units[id].wide = m.wide(&m.units[id])
	}
}

// reorder moves each unit to its number, in place because there can be many.
func reorder(units []unit, number []int) {
	for i := range units {
		for to := number[units[i].input]; to != i; to = number[units[i].input] {
			units[i], units[to] = units[to], units[i]
		}
	}
}

// wide reports whether a unit and its surplus are on several nodes.
func (m *model) wide(u *unit) bool {
	if len(u.parts) > 1 {
		return true
	}
	for _, id := range u.surplus {
		for _, part := range m.units[id].parts {
			if len(u.parts) == 0 || part.node != u.parts[0].node {
				return true
			}
		}
	}
	return false
}

// measure converts the units in the order of the input.
func (m *model) measure(p Problem) []unit {
	units, pods := make([]unit, len(p.Units)), 0
	for i := range p.Units {
		pods += len(p.Units[i].Pods)
	}
	ps := newParts(m.nodes, m.resources, pods)
	for i := range p.Units {
		from := &p.Units[i]
		units[i] = unit{
			input: i, core: -1, gang: from.Kind == Gang, pods: len(from.Pods),
			own: from.Priority, highest: from.Priority, started: from.Started, frees: from.Frees,
			parts: ps.of(from.Pods),
		}
		if len(from.Pods) == 1 {
			units[i].budgets = from.Pods[0].Budgets
			continue
		}
		for k := range from.Pods {
			units[i].budgets = append(units[i].budgets, from.Pods[k].Budgets...)
		}
	}
	for i := range p.Units {
		if core := p.Units[i].Core; p.Units[i].Kind == Surplus && core >= 0 {
			units[i].core = core
			units[core].highest = max(units[core].highest, p.Units[i].Priority)
		}
	}
	return units
}

// stand lists the units of each node.
func (m *model) stand() {
	m.on = make([][]entry, m.nodes)
	sizes := make([]int, m.nodes)
	total := 0
	for id := range m.units {
		for _, part := range m.units[id].parts {
			sizes[part.node]++
			total++
		}
	}
	all := make([]entry, total)
	for n, size := range sizes {
		m.on[n], all = all[:0:size], all[size:]
	}
	for id := range m.units {
		for _, part := range m.units[id].parts {
			m.on[part.node] = append(m.on[part.node], entry{id, part.frees})
		}
	}
}

// head lists the units of each node that are, with their surplus, on several nodes.
func (m *model) head() {
	m.heads = make([][]int, m.nodes)
	for n, entries := range m.on {
		for _, e := range entries {
			for _, id := range [2]int{e.unit, m.units[e.unit].core} {
				if id >= 0 && m.units[id].wide && !slices.Contains(m.heads[n], id) {
					m.heads[n] = append(m.heads[n], id)
				}
			}
		}
	}
}

func (m *model) use(usable func(class, node int) bool) {
	m.usable = make([][]bool, len(m.classes))
	for c := range m.usable {
		m.usable[c] = make([]bool, m.nodes)
		for n := range m.usable[c] {
			m.usable[c][n] = usable == nil || usable(c, n)
		}
	}
}

// count decides how many members of each class are placed when resources are counted: those that must be, the largest class first, then
// those of the smallest classes.
func (m *model) count(least int) {
	sizes, order := m.sizes(), make([]int, len(m.classes))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	members, placed := make([]int, len(m.classes)), 0
	for c, class := range m.classes {
		members[c] = class.Must
		placed += class.Must
	}
	for _, c := range slices.Backward(order) {
		more := max(0, min(least-placed, m.classes[c].Members-members[c]))
		members[c] += more
		placed += more
	}
	for _, c := range order {
		if members[c] > 0 {
			m.needs = append(m.needs, need{c, members[c]})
		}
	}
	m.total = placed
}

// sizes returns the size of a member of each class: the sum of its shares of all there is.
func (m *model) sizes() []float64 {
	all := make([]int64, m.resources)
	for n := range m.nodes {
		for r, free := range m.row(m.free, n) {
			all[r] += max(0, free)
		}
	}
	for id := range m.units {
		for _, part := range m.units[id].parts {
			for r, frees := range part.frees {
				all[r] += frees
			}
		}
	}
	sizes := make([]float64, len(m.classes))
	for c, class := range m.classes {
		for r, ask := range class.Ask {
			sizes[c] += float64(ask) / float64(max(1, all[r]))
		}
	}
	return sizes
}

// fit returns how many members of the class fit into what is free on a node.
func (m *model) fit(free []int64, class int) int {
	fit := int64(m.classes[class].Members)
	for r, ask := range m.classes[class].Ask {
		if ask > 0 {
			fit = min(fit, max(0, free[r])/ask)
		}
	}
	return int(fit)
}
