package queue_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// ruling is a second implementation of the rules of preemption. It keeps lists only, and computes everything from them for each set.
type ruling struct {
	*moment
	taker unit
	set   []unit
	fair  map[string]queue.Status
}

// allowed reports whether a set of victims is allowed.
func (n *ruling) allowed() bool {
	return !slices.ContainsFunc(n.set, func(v unit) bool { return !n.victimAllowed(v) })
}

// common returns how many queues from the top two paths have in common.
func common(a, b []queue.Queue) int {
	i := 0
	for i < len(a) && i < len(b) && a[i].Name == b[i].Name {
		i++
	}
	return i
}

func (n *ruling) victimAllowed(v unit) bool {
	paths := naive{config: queue.Config{Queues: n.queues}}
	mine, theirs := paths.path(n.taker.leaf), paths.path(v.leaf)
	own, shared := mine[len(mine)-1].Preemption, common(mine, theirs)
	if v.protected {
		return false
	}
	if v.leaf == n.taker.leaf {
		return own.WithinQueue == queue.LowerPriorityWithin && v.priority < n.taker.priority && meets(n.taker.ask, v.ask) &&
			n.floors(v, theirs, len(theirs), true)
	}
	if own.Reclaim == queue.NeverReclaim || own.Reclaim == queue.ReclaimLowerPriority && v.priority >= n.taker.priority {
		return false
	}
	a, b := mine[shared], theirs[shared]
	guaranteed := n.within(a, n.use(a, nil))
	return meets(n.taker.ask, v.ask) && n.surplus(v, b) && n.floors(v, theirs, shared, guaranteed) && (guaranteed || n.fairer(a, b, theirs[shared:]))
}

// meets reports whether two have a resource in common.
func meets(a, b amounts) bool {
	for r, amount := range a {
		if amount > 0 && b[r] > 0 {
			return true
		}
	}
	return false
}

// use returns what the units below a queue that fulfil a condition use.
func (n *ruling) use(q queue.Queue, which func(unit) bool) amounts {
	sum := amounts{}
	below := append(leafNames(q.Queues), q.Name)
	for i, u := range n.units {
		if n.running&(1<<i) != 0 && slices.Contains(below, u.leaf) && (which == nil || which(u)) {
			for r, amount := range u.ask {
				sum[r] += amount
			}
		}
	}
	return sum
}

func less(a, b amounts) amounts {
	d := amounts{}
	for r, amount := range a {
		d[r] = amount - b[r]
	}
	for r, amount := range b {
		if _, ok := a[r]; !ok {
			d[r] = -amount
		}
	}
	return d
}

// gone returns the victims of the set below a queue, and their sum.
func (n *ruling) gone(q queue.Queue) (victims []unit, sum amounts) {
	sum = amounts{}
	below := append(leafNames(q.Queues), q.Name)
	for _, v := range n.set {
		if slices.Contains(below, v.leaf) {
			victims = append(victims, v)
			for r, amount := range v.ask {
				sum[r] += amount
			}
		}
	}
	return victims, sum
}

// within reports whether a queue that uses so much stays within its guarantee with the ask.
func (n *ruling) within(q queue.Queue, use amounts) bool {
	for r, g := range q.Guarantee {
		if ask := n.taker.ask[r]; ask > 0 && use[r]+ask > g {
			return false
		}
	}
	return meetsNamed(q.Guarantee, n.taker.ask)
}

// meetsNamed reports whether a queue guarantees something, if only nothing of it, that is there.
func meetsNamed(guarantee, a amounts) bool {
	for r := range guarantee {
		if a[r] > 0 {
			return true
		}
	}
	return false
}

// surplus reports whether the giver is above its guarantee in a resource that the victim gives to the taker.
func (n *ruling) surplus(v unit, giver queue.Queue) bool {
	if !meetsNamed(giver.Guarantee, v.ask) {
		return true
	}
	for r, g := range giver.Guarantee {
		if v.ask[r] > 0 && n.taker.ask[r] > 0 && n.use(giver, nil)[r] > g {
			return true
		}
	}
	return false
}

// top is the rank of a unit for what other queues take.
func top(u unit) int32 {
	if u.protected {
		return math.MaxInt32
	}
	return u.priority
}

// kept returns what a queue keeps: of a leaf only what is at least as important as the most important of its victims.
func (n *ruling) kept(q queue.Queue) amounts {
	victims, sum := n.gone(q)
	if len(q.Queues) > 0 || len(victims) == 0 {
		return less(n.use(q, nil), sum)
	}
	most := slices.MaxFunc(victims, func(a, b unit) int { return int(a.priority) - int(b.priority) }).priority
	sum = amounts{}
	for _, v := range victims {
		if v.priority >= most {
			for r, amount := range v.ask {
				sum[r] += amount
			}
		}
	}
	return less(n.use(q, func(u unit) bool { return top(u) >= most }), sum)
}

// floors reports whether no queue of the path loses what it is guaranteed through the victim. The first are shared with the taker.
func (n *ruling) floors(v unit, path []queue.Queue, shared int, gangs bool) bool {
	for i, q := range path {
		if i < shared && n.exempt(v, path, q) {
			continue
		}
		use := n.use(q, nil)
		some, above := false, false
		for r, g := range q.Guarantee {
			some = some || v.ask[r] > 0
			above = above || v.ask[r] > 0 && use[r] > g
		}
		if some && !above {
			return false
		}
		victims, _ := n.gone(q)
		kept := n.kept(q)
		for r, g := range q.Guarantee {
			if use[r] < g || kept[r] >= g {
				continue
			}
			for _, o := range victims {
				if o.ask[r] > 0 && (!gangs || !o.gang || kept[r]+o.ask[r] <= g) {
					return false
				}
			}
		}
	}
	return true
}

// exempt reports whether the taker may take of what a queue above both is guaranteed.
func (n *ruling) exempt(v unit, path []queue.Queue, q queue.Queue) bool {
	if v.leaf != n.taker.leaf {
		return n.within(q, nil)
	}
	lower := n.use(path[len(path)-1], func(u unit) bool { return top(u) < n.taker.priority })
	return n.within(q, less(n.use(q, nil), lower))
}

// fairer reports whether fair shares allow the set.
func (n *ruling) fairer(a, b queue.Queue, path []queue.Queue) bool {
	order := classes(a, b)
	if a.Weight <= 0 || order > 0 {
		return false
	}
	victims, sum := n.gone(b)
	left := less(n.use(b, nil), sum)
	if !slices.ContainsFunc(n.resources(), func(r string) bool {
		i := n.world.resources.Index(r)
		return n.taker.ask[r] > 0 && n.use(a, nil)[r] < n.fair[a.Name].Fair.Get(i) &&
			!slices.ContainsFunc(victims, func(v unit) bool { return v.ask[r] == 0 || left[r]+v.ask[r] <= n.fair[b.Name].Fair.Get(i) })
	}) {
		return false
	}
	if order < 0 {
		return true
	}
	now := n.use(a, nil)
	with := less(now, less(amounts{}, n.taker.ask))
	d, s := n.share(a, now)
	keeps, keepsSum := n.share(b, left)
	dominant, _ := n.share(a, with)
	if dominant > keeps || d > keeps || d == keeps && s >= keepsSum {
		return false
	}
	if len(path) == 1 {
		l, ls := n.share(b, n.kept(b))
		return d < l || d == l && s <= ls
	}
	return d <= n.level(path)
}

func (n *ruling) resources() []string {
	var names []string
	for r := range n.total {
		names = append(names, r)
	}
	return names
}

// classes orders two queues by whether they have a weight, and by priority.
func classes(a, b queue.Queue) int {
	if (a.Weight > 0) != (b.Weight > 0) {
		if a.Weight > 0 {
			return -1
		}
		return 1
	}
	return int(b.Priority) - int(a.Priority)
}

func part(q queue.Queue) float64 {
	if q.Weight > 0 {
		return q.Weight
	}
	return 1
}

// share returns the weighted dominant share of a queue that uses so much, and the weighted sum of all shares.
func (n *ruling) share(q queue.Queue, use amounts) (dominant, sum float64) {
	for i := range n.world.resources.Len() { // in this order: sums of floats depend on it
		name := n.world.resources.Name(i)
		if total := n.total[name]; total > 0 {
			dominant = max(dominant, float64(use[name])/float64(total))
			sum += float64(use[name]) / float64(total)
		}
	}
	return dominant / part(q), sum / part(q)
}

// level returns how high the first queue of a path stands with what comes before the victims in its last.
func (n *ruling) level(path []queue.Queue) float64 {
	if len(path) == 1 {
		level, _ := n.share(path[0], n.kept(path[0]))
		return level
	}
	level := n.level(path[1:])
	sum := level * part(path[1])
	for _, o := range path[0].Queues {
		order := classes(o, path[1])
		if o.Name == path[1].Name || order > 0 {
			continue
		}
		_, gone := n.gone(o)
		share, _ := n.share(o, less(n.use(o, nil), gone))
		if order == 0 {
			share = min(share, level)
		}
		sum += share * part(o)
	}
	return sum / part(path[0])
}

// TestClaimsAgreeWithTheNaiveImplementation in whatever order the victims come. As it asks for every set whether it is allowed, this also shows
// that any subset of an allowed set is allowed: Take refuses a victim where a larger set would be allowed again.
func TestClaimsAgreeWithTheNaiveImplementation(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomParty(r, partyShape{resources: []string{"gpu", "cpu"}, queues: 2 + r.IntN(2), deep: r.IntN(2) == 0, units: 12})
		m := p.at(t, r.Uint64()&(1<<12-1))
		fair := m.statuses()
		for taker := range p.units {
			u := p.units[taker]
			if e, _ := m.Entry(idOf(taker)); m.running&(1<<taker) != 0 || m.Why(e.ID).Never {
				continue
			}
			c, n := m.claim(taker), &ruling{moment: m, taker: u, fair: fair}
			for range 3 {
				c.Reset()
				n.set = nil
				for _, i := range r.Perm(len(p.units)) {
					if m.running&(1<<i) == 0 {
						continue
					}
					alone := &ruling{moment: m, taker: u, fair: fair, set: []unit{p.units[i]}}
					if _, eligible := c.Eligible(m.victim(i)); eligible != alone.allowed() {
						t.Fatalf("seed %d: Eligible says %v for %v and %v", seed, eligible, u, p.units[i])
					}
					n.set = append(n.set, p.units[i])
					took := c.Take(m.victim(i))
					if took != n.allowed() {
						t.Fatalf("seed %d: Take says %v for %v and the set %v, of %+v", seed, took, u, n.set, p.queues)
					}
					if !took {
						n.set = n.set[:len(n.set)-1]
					}
				}
				for range 5 { // subsets
					set := n.set
					sub := &ruling{moment: m, taker: u, fair: fair}
					for _, v := range set {
						if r.IntN(2) == 0 {
							sub.set = append(sub.set, v)
						}
					}
					if !sub.allowed() {
						t.Fatalf("seed %d: %v may take %v, but not %v", seed, u, set, sub.set)
					}
				}
			}
		}
	}
}
