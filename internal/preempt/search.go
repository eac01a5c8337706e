package preempt

import (
	"math"
	"math/bits"
	"slices"
	"sort"
)

// unlimited is a limit that nothing reaches.
const unlimited = math.MaxInt

// search asks the planner about sets of units, and keeps the cheapest victims.
type search struct {
	m     *model
	c     Cluster
	plans int     // how many more plans may be asked for
	state *answer // the answer that the cluster holds
	found *answer // the cheapest of this run
	best  *answer // the cheapest that the rules between queues allow
}

// answer is a plan without some units, and what of them had to stay gone.
type answer struct {
	without []int
	tiers   []uint16
	uses    map[int]int
	victims []int
	rank    Rank
}

func newSearch(m *model, c Cluster) *search {
	return &search{m: m, c: c, plans: 7 + bits.Len(uint(len(m.levels(m.all()))))}
}

// run looks for victims among the units of the set. It returns false if the gang does not fit without all of them. It may return true
// without having found victims that are allowed.
//
// It first asks about what was chosen by counting, of the lowest priority at which the counts fit without breaking any budget, because
// nearly always that is enough. Only if it is not, it asks for a plan without all units, which is the most expensive question.
func (s *search) run(set []bool) bool {
	set = s.m.closed(set)
	s.found = nil
	s.plans = max(s.plans, 3)
	if !s.m.hopeful(set) {
		return false
	}
	levels, spared := s.m.levels(set), s.m.sparing(set)
	low := s.hopeful(spared, levels)
	first := attempt{}
	if low < len(levels) {
		first = s.choose(limits{from: s.m.upTo(spared, levels[low])})
	}
	if !first.fits {
		all := &answer{without: s.m.members(set), tiers: make([]uint16, s.m.nodes)} // without preferences
		if !s.plan(all) {
			return false
		}
		if low == len(levels) || !s.widen(first) {
			s.look(set, levels, spared, low)
		}
		if s.found == nil {
			if !s.plan(all) {
				return false
			}
			s.giveBack(all)
		}
	}
	s.reduce()
	return true
}

// look looks for victims that break few budgets and have low priorities, when the lowest priority at which the counts fit without breaking
// any budget is not enough.
func (s *search) look(set []bool, levels []int32, spared []bool, low int) {
	if s.m.broken(s.m.members(set)) == 0 || low < len(levels) && s.try(limits{from: spared}) {
		s.lowest(spared, levels, low+1, 0)
	} else if s.try(limits{from: set, broken: unlimited}) {
		s.lowest(set, levels, s.hopeful(set, levels), s.found.rank.Broken)
	}
}

// hopeful returns the lowest priority up to which units have to go for the counts to fit.
func (s *search) hopeful(set []bool, levels []int32) int {
	return sort.Search(len(levels), func(level int) bool { return s.m.hopeful(s.m.upTo(set, levels[level])) })
}

// lowest looks for the lowest priority up to which units have to go, from the low level on.
func (s *search) lowest(set []bool, levels []int32, low, broken int) {
	index := func() int {
		at, _ := slices.BinarySearch(levels, s.found.rank.Highest)
		return at
	}
	high := len(levels)
	if s.found != nil {
		high = index()
	}
	for low < high {
		probe := low + (high-low)/2
		if s.try(limits{from: s.m.upTo(set, levels[probe]), broken: broken}) {
			high = min(probe, index())
		} else {
			low = probe + 1
		}
	}
}

// attempt is what was chosen by counting within limits, and whether the gang fits without it.
type attempt struct {
	limits
	set         []int
	found, fits bool
}

// choose asks about the units that were chosen by counting within the limits.
func (s *search) choose(l limits) attempt {
	set, found := s.m.best(l)
	return attempt{limits: l, set: set, found: found, fits: found && s.ask(set, s.m.mask(set)) != nil}
}

// try asks about the units that were chosen by counting within the limits, and about more if the gang does not fit without these.
func (s *search) try(l limits) bool {
	a := s.choose(l)
	return a.fits || s.widen(a)
}

// widen asks about all units within the limits of an attempt at which the gang did not fit, and then about those on the nodes that this
// plan uses.
func (s *search) widen(chosen attempt) bool {
	l := chosen.limits
	all := s.m.fill(l, chosen.set)
	if chosen.found && len(all) == len(chosen.set) || !s.m.hopeful(s.m.mask(all)) {
		return false
	}
	a := s.ask(all, l.from)
	if a == nil {
		return false
	}
	l.nodes = make([]bool, s.m.nodes)
	for node := range a.uses {
		l.nodes[node] = true
	}
	if set, found := s.m.best(l); found && s.m.rank(set).Compare(a.rank) < 0 {
		s.ask(set, s.m.mask(set))
	}
	return true
}

// reduce looks for victims that are not needed if members move, first by counting, then by asking.
func (s *search) reduce() {
	for a := s.cheapest(); ; a = s.cheapest() {
		set, found := s.m.best(limits{from: s.m.mask(a.victims), broken: unlimited})
		if !found || len(set) == len(a.victims) || s.ask(set, s.m.mask(set)) == nil || s.cheapest() == a {
			break
		}
	}
	a := s.cheapest()
	for i := len(a.victims) - 1; i >= 0 && s.plans > 1 && len(a.victims)*s.m.nodes < effort; i-- {
		less := s.m.mask(a.victims)
		less[a.victims[i]] = false
		less = s.m.closed(less)
		if s.m.hopeful(less) && s.ask(s.m.members(less), less) != nil && s.cheapest() != a {
			a = s.cheapest()
			i = len(a.victims)
		}
	}
}

// cheapest returns the cheapest answer that is allowed, or the cheapest if none is.
func (s *search) cheapest() *answer {
	if s.best != nil {
		return s.best
	}
	return s.found
}

// ask asks for a plan without the units, with the nodes preferred on which units of a set cost the least, and gives back what it does not
// need. It returns nil if there is no plan, or if there were too many questions.
func (s *search) ask(without []int, cheap []bool) *answer {
	a := &answer{without: without, tiers: s.m.tiers(cheap)}
	if s.plans <= 1 || !s.plan(a) { // the last one is for finish
		return nil
	}
	s.giveBack(a)
	return a
}

// finish makes the cluster hold the best plan.
func (s *search) finish() (Choice, bool) {
	if s.best == nil {
		return Choice{}, false
	}
	if s.state != s.best {
		if !s.plan(s.best) {
			return Choice{}, false
		}
		s.giveBack(s.best)
	}
	victims := s.m.inputs(s.best.victims)
	slices.Sort(victims)
	return Choice{victims, s.best.rank}, true
}

func (s *search) plan(a *answer) (fits bool) {
	s.plans--
	s.state = nil
	a.uses, fits = s.c.Plan(s.m.inputs(a.without), a.tiers)
	return fits
}
