package preempt

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// step is units that could go next, and what that costs and brings.
type step struct {
	source  int // a node, or the number of nodes and then a unit
	version int // of the source
	taken   int // how many steps were taken before

	units   []int   // without the surplus of gangs among them
	members int     // how many more members fit
	gain    float64 // members, and the share of what is lacking of the bounds

	partly float64 // how much of a member the node has free already

	price
}

// price is what it costs that units go.
type price struct {
	broken, pods, gangs int
	started             time.Time // the earliest
	highest             int32
	budgets             bool // a budget selects some of the pods
}

// before reports whether the step is better than another one: the price for each gained member counts.
func (s *step) before(o *step) bool {
	for _, pair := range [3][2]int{{s.broken, o.broken}, {s.pods, o.pods}, {s.gangs, o.gangs}} {
		if a, b := float64(pair[0])*o.gain, float64(pair[1])*s.gain; a != b {
			return a < b
		}
	}
	return cmp.Or(o.started.Compare(s.started), cmp.Compare(s.highest, o.highest), cmp.Compare(o.partly, s.partly),
		slices.Compare(s.units, o.units), cmp.Compare(s.source, o.source)) < 0
}

// steps is a heap with the best step first.
type steps []*step

func (s steps) Len() int           { return len(s) }
func (s steps) Less(i, j int) bool { return s[i].before(s[j]) }
func (s steps) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)        { *s = append(*s, x.(*step)) } //nolint:errcheck // nothing else is pushed
func (s *steps) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

// tight is how many units a step on a node may have for each of them to be examined whether the step needs it.
const tight = 8

// onNode returns the best step that frees capacity on one node, or nil if there is none.
func (g *greedy) onNode(node int) *step {
	if !g.may(node) {
		return nil
	}
	g.counted++
	free := g.m.row(g.free, node)
	g.trial.reset(free)
	g.sorted = g.sorted[:0]
	for i, e := range g.m.on[node] {
		if g.from[e.unit] && !g.gone[e.unit] {
			g.sorted = append(g.sorted, e.unit)
			g.entries[e.unit] = i
			add(g.trial.free, e.frees)
		}
	}
	most := g.m.fit(g.trial.free, g.class)
	if most == g.m.fit(free, g.class) {
		return nil
	}
	var best step
	g.prefixes(node, &best, true)
	if most > 1 && g.want > 1 && len(g.sorted) > 1 {
		g.prefixes(node, &best, false)
	}
	return &best
}

// score rates the units on the node by how much of what a member lacks they free, for each pod. If capped, what is more than one member
// lacks does not count.
func (g *greedy) score(node int, free []int64, capped bool) {
	ask := g.m.classes[g.class].Ask
	for _, id := range g.sorted {
		g.scores[id] = 0
	}
	for _, e := range g.m.on[node] {
		if !g.from[e.unit] || g.gone[e.unit] {
			continue
		}
		score := 0.0
		for r, asked := range ask {
			switch lacks := asked - free[r]; {
			case asked <= 0:
			case !capped:
				score += float64(e.frees[r]) / float64(asked)
			case lacks > 0:
				score += float64(min(lacks, e.frees[r])) / float64(lacks)
			}
		}
		g.scores[e.unit] += score
		if core := g.m.units[e.unit].core; core >= 0 && g.from[core] && !g.gone[core] {
			g.scores[core] += score
		}
	}
	for _, id := range g.sorted {
		p := g.priceOf(id)
		g.scores[id] = g.scores[id]/float64(max(1, p.pods)) - 1e6*float64(p.broken)
	}
}

// prefixes looks for a better step than the best one so far among those that take the first of the units on the node, in the order of
// their scores.
func (g *greedy) prefixes(node int, best *step, capped bool) {
	g.score(node, g.m.row(g.free, node), capped)
	slices.SortFunc(g.sorted, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.scores[b], g.scores[a]), cmp.Compare(a, b))
	})
	g.trial.reset(g.m.row(g.free, node))
	g.chosen = g.chosen[:0]
	fits, pods := g.m.fit(g.trial.free, g.class), 0
	for _, id := range g.sorted {
		if !g.trial.add(g, node, id) {
			continue
		}
		g.chosen = append(g.chosen, id)
		pods += g.m.units[id].pods
		fit := min(g.want, g.m.fit(g.trial.free, g.class))
		if fit <= fits {
			continue
		}
		fits = fit
		// A step that takes more than its share of pods is worth a closer look only if one unit less would make it the best.
		if best.gain == 0 || g.lacking() || float64(pods-1)*best.gain <= float64(best.pods*fits) {
			if s := g.stepOn(node, fits); best.gain == 0 || s.before(best) {
				*best = s
				best.units = slices.Clone(s.units)
			}
		}
		if fits == g.want {
			break
		}
	}
}

// stepOn returns the step of the chosen units, without those that it does not need. Its units are valid until the next call.
func (g *greedy) stepOn(node, fits int) step {
	g.needed = append(g.needed[:0], g.chosen...)
	slices.Sort(g.needed)
	alone := !slices.ContainsFunc(g.needed, func(id int) bool { return len(g.m.units[id].surplus) > 0 })
	if alone {
		copy(g.fewer.free, g.trial.free)
	}
	for i := len(g.needed) - 1; i >= 0 && len(g.needed) > 1 && len(g.needed) <= tight; i-- {
		if alone {
			subtract(g.fewer.free, g.freesOn(node, g.needed[i]))
		} else {
			g.without(node, i)
		}
		if g.m.fit(g.fewer.free, g.class) >= fits {
			g.needed = slices.Delete(g.needed, i, i+1)
		} else if alone {
			add(g.fewer.free, g.freesOn(node, g.needed[i]))
		}
	}
	s := g.step(node, g.needed, fits)
	for r, ask := range g.m.classes[g.class].Ask {
		if ask > 0 {
			s.partly += float64(g.m.row(g.free, node)[r]) / float64(ask)
		}
	}
	return s
}

// freesOn returns what one of the sorted units frees on the node.
func (g *greedy) freesOn(node, id int) []int64 { return g.m.on[node][g.entries[id]].frees }

// without counts what would be free on a node without the needed units but one.
func (g *greedy) without(node, but int) {
	g.fewer.reset(g.m.row(g.free, node))
	for k, id := range g.needed {
		if k != but {
			g.fewer.add(g, node, id)
		}
	}
}

// step returns a step with its price and gain.
func (g *greedy) step(source int, units []int, members int) step {
	s := step{source: source, version: g.versions[source], taken: g.taken, units: units, members: members, gain: float64(members)}
	s.price = g.priceOf(units...)
	for b, lacks := range g.lacks {
		if lacks <= 0 {
			continue
		}
		freed := int64(0)
		for _, id := range g.closure {
			freed += g.m.units[id].freed(b)
		}
		s.gain += float64(g.m.total) * float64(min(lacks, freed)) / float64(g.m.lacks[b])
	}
	return s
}

// ofUnit returns the step that takes a unit, with what it frees on all its nodes, or nil if that brings nothing.
func (g *greedy) ofUnit(id int) *step {
	if !g.from[id] || g.gone[id] {
		return nil
	}
	u := &g.m.units[id]
	fits := g.fits[id]
	if g.class >= 0 && !u.wide && len(u.parts) == 1 && g.may(u.parts[0].node) {
		g.trial.reset(g.m.row(g.free, u.parts[0].node))
		for _, id := range g.closureOf(id) {
			for _, p := range g.m.units[id].parts {
				add(g.trial.free, p.frees)
			}
		}
		fits = g.m.fit(g.trial.free, g.class)
	}
	if s := g.step(g.m.nodes+id, []int{id}, min(fits, g.want)); s.gain > 0 {
		return &s
	}
	return nil
}

// priceOf returns the price of units and of what goes with them.
func (g *greedy) priceOf(units ...int) price {
	if len(units) == 1 {
		if u := &g.m.units[units[0]]; len(u.surplus) == 0 && len(u.budgets) == 0 {
			g.closure = append(g.closure[:0], units[0])
			p := price{pods: u.pods, started: u.started, highest: u.own}
			if u.gang {
				p.gangs++
			}
			return p
		}
	}
	p := price{highest: math.MinInt32}
	for i, id := range g.closureOf(units...) {
		u := &g.m.units[id]
		p.pods += u.pods
		p.highest = max(p.highest, u.own)
		if u.gang {
			p.gangs++
		}
		if i == 0 || u.started.Before(p.started) {
			p.started = u.started
		}
		p.budgets = p.budgets || len(u.budgets) > 0
		for _, b := range u.budgets {
			if g.drawn[b]++; g.drawn[b] > g.m.allowed[b] {
				p.broken++
			}
		}
	}
	for _, id := range g.closure {
		for _, b := range g.m.units[id].budgets {
			g.drawn[b]--
		}
	}
	return p
}

// closureOf returns the units and the surplus that goes with them, without those that are gone.
func (g *greedy) closureOf(units ...int) []int {
	g.stamp++
	g.closure = g.closure[:0]
	for _, head := range units {
		g.enclose(head)
		for _, id := range g.m.units[head].surplus {
			g.enclose(id)
		}
	}
	return g.closure
}

func (g *greedy) enclose(id int) {
	if g.stamps[id] != g.stamp && !g.gone[id] {
		g.stamps[id] = g.stamp
		g.closure = append(g.closure, id)
	}
}

// trial is what would be free on a node.
type trial struct {
	free   []int64
	stamps []int // by unit: the last trial that counts it
	stamp  int
}

func newTrial(m *model) trial {
	return trial{free: make([]int64, m.resources), stamps: make([]int, len(m.units))}
}

func (t *trial) reset(free []int64) {
	copy(t.free, free)
	t.stamp++
}

// add adds what a unit and its surplus free on the node, and returns false if it counted before.
func (t *trial) add(g *greedy, node int, id int) bool {
	if t.stamps[id] == t.stamp {
		return false
	}
	if len(g.m.units[id].surplus) == 0 {
		t.stamps[id] = t.stamp
		add(t.free, g.freesOn(node, id))
		return true
	}
	for _, e := range g.m.on[node] {
		if (e.unit == id || g.m.units[e.unit].core == id) && t.stamps[e.unit] != t.stamp && !g.gone[e.unit] {
			t.stamps[e.unit] = t.stamp
			add(t.free, e.frees)
		}
	}
	return true
}
