package preempt

import (
	"cmp"
	"slices"
	"time"
)

// unit is a Unit in numbers. Units are numbered from the cheapest to the dearest, so no decision depends on the order of the input.
type unit struct {
	input   int // the index in Problem.Units
	core    int32
	surplus []int32 // what goes with it
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
	node  int32
	frees []int64
}

// entry is a unit on a node.
type entry struct {
	unit  int32
	frees []int64
}

// need is a number of members of a class that have to be placed.
type need struct{ class, members int }

// model is the problem in numbers.
type model struct {
	units     []unit
	on        [][]entry // by node, cheapest first
	heads     [][]int32 // by node: the units of which it has a part, their own or of their surplus, and that are on other nodes too
	free      []int64   // by node and resource
	usable    [][]bool  // by class and node
	classes   []Class
	needs     []need
	total     int // members that have to be placed
	nodes     int
	resources int
	allowed   []int // by budget
	lacks     []int64
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
	units := measure(p)
	order := cheapest(p, units)
	number := make([]int32, len(units))
	for to, from := range order {
		number[from] = int32(to) //nolint:gosec // there are fewer units than that
	}
	m.units = make([]unit, len(units))
	pods := 0
	for i := range units {
		pods += units[i].pods
	}
	ps := newParts(m.nodes, m.resources, pods)
	for to, from := range order {
		u := &m.units[to]
		*u = units[from]
		u.parts = ps.of(p.Units[from].Pods)
		if u.core >= 0 {
			u.core = number[u.core]
		}
	}
	for id := range m.units {
		if core := m.units[id].core; core >= 0 {
			m.units[core].surplus = append(m.units[core].surplus, int32(id)) //nolint:gosec // there are fewer units than that
		}
	}
	for id := range m.units {
		m.units[id].wide = m.wide(&m.units[id])
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

// measure converts all but what units free on nodes.
func measure(p Problem) []unit {
	units := make([]unit, len(p.Units))
	for i := range p.Units {
		from := &p.Units[i]
		units[i] = unit{
			input: i, core: -1, gang: from.Kind == Gang, pods: len(from.Pods),
			own: from.Priority, highest: from.Priority, started: from.Started, frees: from.Frees,
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
			units[i].core = int32(core) //nolint:gosec // there are fewer units than that
			units[core].highest = max(units[core].highest, p.Units[i].Priority)
		}
	}
	return units
}

// cheapest returns the order of the units: first those that break no budget alone, then those of the lowest priority, then those with the
// fewest pods, gangs after others, and those that started last. Units that are equal in all this are ordered by what they are made of.
func cheapest(p Problem, units []unit) []int {
	with := make([]int, len(units)) // the pods that go with each
	drawn := make([]int, len(p.Budgets))
	keys := make([]key, len(units))
	for i := range units {
		u := &units[i]
		with[i] += u.pods
		if u.core >= 0 {
			with[u.core] += u.pods
		}
		breaks := false
		for _, b := range u.budgets {
			drawn[b]++
			breaks = breaks || drawn[b] > max(0, p.Budgets[b])
		}
		for _, b := range u.budgets {
			drawn[b]--
		}
		keys[i] = key{unit: int32(i), breaks: breaks, gang: u.gang, highest: u.highest, started: u.started.Unix()} //nolint:gosec // few units
	}
	for i := range keys {
		keys[i].pods = int32(with[i]) //nolint:gosec // few pods
	}
	slices.SortFunc(keys, func(a, b key) int { return compareKeys(p, &a, &b) })
	order := make([]int, len(keys))
	for i := range keys {
		order[i] = int(keys[i].unit)
	}
	return order
}

// key is what units are ordered by.
type key struct {
	started      int64 // seconds
	unit         int32
	pods         int32 // with its surplus
	highest      int32
	breaks, gang bool
}

func compareKeys(p Problem, a, b *key) int {
	switch {
	case a.breaks != b.breaks:
		return first(b.breaks)
	case a.highest != b.highest:
		return cmp.Compare(a.highest, b.highest)
	case a.pods != b.pods:
		return cmp.Compare(a.pods, b.pods)
	case a.gang != b.gang:
		return first(b.gang)
	case a.started != b.started:
		return cmp.Compare(b.started, a.started)
	}
	x, y := &p.Units[a.unit], &p.Units[b.unit]
	if c := y.Started.Compare(x.Started); c != 0 {
		return c
	}
	return cmp.Or(contents(p, int(a.unit), int(b.unit)), cmp.Compare(a.unit, b.unit))
}

// first returns the result of a comparison in which the first value comes first, or not.
func first(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

// contents compares what two units are made of.
func contents(p Problem, a, b int) int {
	x, y := &p.Units[a], &p.Units[b]
	c := cmp.Or(
		slices.Compare(x.Frees, y.Frees),
		slices.CompareFunc(x.Pods, y.Pods, func(x, y VictimPod) int {
			return cmp.Or(cmp.Compare(x.Node, y.Node), slices.Compare(x.Requests, y.Requests), slices.Compare(x.Budgets, y.Budgets))
		}),
		cmp.Compare(x.Kind, y.Kind),
	)
	if c != 0 || x.Kind != Surplus || x.Core == y.Core {
		return c
	}
	if x.Core < 0 || y.Core < 0 {
		return first(x.Core < 0)
	}
	return cmp.Or(p.Units[y.Core].Started.Compare(p.Units[x.Core].Started), contents(p, x.Core, y.Core))
}

// parts adds up what pods free on nodes.
type parts struct {
	resources int
	at        []int   // by node: 1 + the index of its part, in the unit at hand
	list      []part  // for all units
	amounts   []int64 // for all units
}

func newParts(nodes, resources, pods int) *parts {
	return &parts{resources, make([]int, nodes), make([]part, 0, pods), make([]int64, pods*resources)}
}

func (ps *parts) of(pods []VictimPod) []part {
	begin := len(ps.list)
	for i := range pods {
		pod := &pods[i]
		if pod.Node < 0 || pod.Node >= len(ps.at) {
			continue
		}
		if ps.at[pod.Node] == 0 {
			frees := ps.amounts[:ps.resources:ps.resources]
			ps.amounts = ps.amounts[ps.resources:]
			ps.list = append(ps.list, part{int32(pod.Node), frees}) //nolint:gosec // there are fewer nodes than that
			ps.at[pod.Node] = len(ps.list)
		}
		frees := ps.list[ps.at[pod.Node]-1].frees
		for r := range min(len(frees), len(pod.Requests)) {
			frees[r] += pod.Requests[r]
		}
	}
	list := ps.list[begin:len(ps.list):len(ps.list)]
	for _, part := range list {
		ps.at[part.node] = 0
	}
	return list
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
			m.on[part.node] = append(m.on[part.node], entry{int32(id), part.frees}) //nolint:gosec // there are fewer units than that
		}
	}
}

// head lists the units of each node that are, with their surplus, on several nodes.
func (m *model) head() {
	m.heads = make([][]int32, m.nodes)
	for n, entries := range m.on {
		for _, e := range entries {
			for _, id := range [2]int32{e.unit, m.units[e.unit].core} {
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
