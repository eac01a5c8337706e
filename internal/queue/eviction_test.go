package queue_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// The tests of this file check that preemption ends: whoever is evicted waits again at once, and whatever can start or take may do so in any
// order and with any victims that the rules allow. If the same units run a second time, they would take turns.

// unit is a gang or a pod.
type unit struct {
	leaf      string
	ask       amounts
	priority  int32
	gang      bool
	protected bool
}

func (u unit) String() string {
	return fmt.Sprintf("%s(%v, priority %d, gang %v, protected %v)", u.leaf, u.ask, u.priority, u.gang, u.protected)
}

// party is a cluster with units of which some run, as a set of bits, and all others wait.
type party struct {
	total  amounts
	queues []queue.Queue
	units  []unit
}

// moment is a party with a tree when some units run.
type moment struct {
	*party
	*world
	running uint64
	free    queue.Vector
	now     time.Time
}

func (p *party) at(t testing.TB, running uint64) *moment {
	m := &moment{party: p, world: cluster(t, p.total, p.queues...), running: running, now: time.Unix(1000, 0)}
	m.free = m.vector(p.total)
	for i, u := range p.units {
		if running&(1<<i) == 0 {
			m.waits(u.leaf, idOf(i), u.ask, func(e *queue.Entry) {
				e.Guaranteed, e.Key.Priority = u.protected, u.priority
			})
			continue
		}
		rank := u.priority
		if u.protected {
			rank = queue.NeverTaken
		}
		m.UseAs(m.leaf(u.leaf), rank, m.vector(u.ask), 1)
		m.free.Add(m.vector(u.ask), -1)
	}
	return m
}

// idOf returns the ID of a unit.
func idOf(i int) queue.ID { return queue.ID(strconv.Itoa(i)) }

func (m *moment) claim(i int) *queue.Claim {
	u := m.units[i]
	return m.Claim(queue.Taker{Leaf: m.leaf(u.leaf), Ask: m.vector(u.ask), Priority: u.priority, Guaranteed: u.protected}, m.now)
}

func (m *moment) victim(i int) *queue.Victim {
	u := m.units[i]
	return &queue.Victim{
		Leaf: m.leaf(u.leaf), Amounts: m.vector(u.ask), Priority: u.priority, Gang: u.gang, Protected: u.protected, Started: time.Unix(1, 0),
	}
}

// fits reports whether a unit fits and is within its bounds when others are gone.
func (m *moment) fits(c *queue.Claim, taker int, gone uint64) bool {
	free, lacks := m.free.Clone(), c.Lacks()
	for i := range m.units {
		if gone&(1<<i) == 0 {
			continue
		}
		v := m.victim(i)
		free.Add(v.Amounts, 1)
		for d, freed := range c.Frees(v) {
			lacks[d] -= freed
		}
	}
	for r, ask := range m.vector(m.units[taker].ask) {
		if ask > free.Get(r) {
			return false
		}
	}
	for _, lack := range lacks {
		if lack > 0 {
			return false
		}
	}
	return true
}

// steps calls f for what can run after every start, with every set of victims that is allowed.
func (m *moment) steps(f func(taker int, gone, running uint64)) {
	for taker := range m.units {
		if m.running&(1<<taker) != 0 {
			continue
		}
		c := m.claim(taker)
		var choose func(from int, gone uint64)
		choose = func(from int, gone uint64) {
			if m.fits(c, taker, gone) {
				if !m.minimal(c, taker, gone) {
					return
				}
				f(taker, gone, m.running&^gone|1<<taker)
				return // nobody goes who does not have to
			}
			for i := from; i < len(m.units); i++ {
				if m.running&(1<<i) == 0 {
					continue
				}
				c.Reset()
				for j := range m.units {
					if gone&(1<<j) != 0 && !c.Take(m.victim(j)) {
						m.Fatalf("a subset of an allowed set is not allowed")
					}
				}
				if c.Take(m.victim(i)) {
					choose(i+1, gone|1<<i)
				}
			}
		}
		choose(0, 0)
	}
}

// minimal reports whether the taker needs each of the victims.
func (m *moment) minimal(c *queue.Claim, taker int, gone uint64) bool {
	for i := range m.units {
		if gone&(1<<i) != 0 && m.fits(c, taker, gone&^(1<<i)) {
			return false
		}
	}
	return true
}

// cycle returns steps that lead from what runs back to it, if there are any.
func (p *party) cycle(t testing.TB) []string {
	const open, done = 1, 2
	state := map[uint64]int{}
	var trail []string
	var at []uint64
	var visit func(running uint64) []string
	visit = func(running uint64) []string {
		state[running] = open
		at = append(at, running)
		var found []string
		p.at(t, running).steps(func(taker int, gone, next uint64) {
			if found != nil || state[next] == done {
				return
			}
			trail = append(trail, fmt.Sprintf("%0*b: %d starts, %0*b go", len(p.units), running, taker, len(p.units), gone))
			if state[next] == open {
				for i, r := range at {
					if r == next {
						found = append([]string{}, trail[i:]...)
					}
				}
			} else {
				found = visit(next)
			}
			trail = trail[:len(trail)-1]
		})
		at = at[:len(at)-1]
		state[running] = done
		return found
	}
	return visit(0)
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// partyShape bounds random parties.
type partyShape struct {
	resources []string
	queues    int
	deep      bool
	units     int
}

func randomParty(r *rand.Rand, s partyShape) *party {
	p := &party{total: amounts{}}
	some := func(most int64) amounts {
		a := amounts{}
		for _, name := range s.resources {
			if n := r.Int64N(most + 1); n > 0 {
				a[name] = n
			}
		}
		if len(a) == 0 {
			a[s.resources[0]] = 1
		}
		return a
	}
	for _, name := range s.resources {
		p.total[name] = 4 + r.Int64N(6)
	}
	var leaves []string
	names := 0
	var level func(n, depth int) []queue.Queue
	level = func(n, depth int) []queue.Queue {
		var qs []queue.Queue
		for range n {
			names++
			c := q(fmt.Sprint("q", names), weight(pick(r, 1.0, 1, 1, 2, 0)), priority(pick(r, int32(0), 0, 0, 1)))
			if r.IntN(2) == 0 {
				c.Guarantee = some(5)
			}
			if r.IntN(5) == 0 {
				c.Limit = some(8)
			}
			c.Preemption.Reclaim = pick(r, queue.ReclaimAny, queue.ReclaimAny, queue.ReclaimAny, queue.ReclaimLowerPriority)
			if depth > 0 && r.IntN(2) == 0 {
				c.Queues = level(2, depth-1)
			} else {
				leaves = append(leaves, c.Name)
			}
			qs = append(qs, c)
		}
		return qs
	}
	depth := 0
	if s.deep {
		depth = 2
	}
	p.queues = level(s.queues, depth)
	for range s.units {
		u := unit{leaf: pick(r, leaves...), ask: some(4), priority: r.Int32N(3), gang: r.IntN(2) == 0, protected: r.IntN(8) == 0}
		p.units = append(p.units, u)
	}
	return p
}

// TestPreemptionEnds visits all that can come of starting and preempting in small clusters, in any order and with any victims that are
// allowed and needed, and checks that no way leads back.
func TestPreemptionEnds(t *testing.T) {
	for _, s := range []struct {
		name string
		partyShape
	}{
		{"flat, one resource", partyShape{[]string{"gpu"}, 2, false, 8}},
		{"flat, one resource, three queues", partyShape{[]string{"gpu"}, 3, false, 8}},
		{"flat, two resources", partyShape{[]string{"gpu", "cpu"}, 2, false, 7}},
		{"deep, one resource", partyShape{[]string{"gpu"}, 2, true, 8}},
		{"deep, two resources", partyShape{[]string{"gpu", "cpu"}, 2, true, 7}},
	} {
		t.Run(s.name, func(t *testing.T) {
			for seed := range uint64(400) {
				p := randomParty(rand.New(rand.NewPCG(seed, 1)), s.partyShape)
				if steps := p.cycle(t); steps != nil {
					t.Fatalf("seed %d: total %v, queues %+v\nunits %v\ntake turns:\n%v", seed, p.total, p.queues, p.units, steps)
				}
			}
		})
	}
}

// TestTheseDoNotTakeTurns has the examples of docs/concepts/preemption-proof.md.
func TestTheseDoNotTakeTurns(t *testing.T) {
	for _, tc := range []struct {
		name string
		party
	}{
		{"gangs beyond guarantees", party{
			total: gpus(5), queues: []queue.Queue{q("x", guarantee(gpus(3))), q("y", guarantee(gpus(2)))},
			units: []unit{wholeGang("x", 3), wholeGang("x", 4).of(1), wholeGang("y", 2), wholeGang("y", 4).of(1)},
		}},
		{"important pods", party{
			total: gpus(6), queues: []queue.Queue{q("x"), q("y")},
			units: slices.Concat([]unit{pod("x", 1).of(2), wholeGang("x", 3).of(1), pod("y", 1).of(2), wholeGang("y", 2).of(1)},
				several(3, pod("x", 1)), several(4, pod("y", 1))),
		}},
		{"fairness below a guarantee", party{
			total: gpus(4), queues: []queue.Queue{q("x", priority(1)), q("y", priority(1), weight(0), guarantee(gpus(1)))},
			units: []unit{pod("x", 1), wholeGang("x", 4).of(1), pod("y", 1), wholeGang("y", 3).of(1)},
		}},
		{"a department", party{
			total: gpus(10), queues: []queue.Queue{q("x"), q("y", children(q("y.a"), q("y.b")))},
			units: slices.Concat([]unit{pod("y.a", 1), wholeGang("y.b", 4)}, several(2, pod("y.b", 1)), []unit{pod("x", 1), wholeGang("x", 3), wholeGang("x", 4)}),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if steps := tc.cycle(t); steps != nil {
				t.Errorf("%v take turns:\n%v", tc.units, steps)
			}
		})
	}
}

// TestPreemptionEndsInLargerClusters plays one way to the end in each of many clusters, with random victims of which those that are not
// needed are given back. At each step nothing is above a limit, and no queue is below a guarantee that it had, unless a whole gang left.
func TestPreemptionEndsInLargerClusters(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := randomParty(r, partyShape{resources: []string{"gpu", "cpu"}[:1+r.IntN(2)], queues: 2 + r.IntN(3), deep: r.IntN(2) == 0, units: 24})
		for name := range p.total {
			p.total[name] *= 3
		}
		running, seen := uint64(0), map[uint64]bool{}
		for m := p.at(t, running); ; m = p.at(t, running) {
			gone, taker, ok := m.randomStep(r)
			if !ok {
				break
			}
			running = running&^gone | 1<<taker
			if seen[running] {
				t.Fatalf("seed %d: %b runs a second time: %v, queues %+v", seed, running, p.units, p.queues)
			}
			seen[running] = true
			m.check(p.at(t, running), taker, gone)
		}
	}
}

// randomStep returns who starts and who goes for that, if anybody can start.
func (m *moment) randomStep(r *rand.Rand) (gone uint64, taker int, ok bool) {
	for _, taker := range r.Perm(len(m.units)) {
		if m.running&(1<<taker) != 0 {
			continue
		}
		c := m.claim(taker)
		gone := uint64(0)
		order := r.Perm(len(m.units))
		for _, i := range order {
			if m.running&(1<<i) != 0 && !m.fits(c, taker, gone) && c.Take(m.victim(i)) {
				gone |= 1 << i
			}
		}
		for _, i := range order {
			if m.fits(c, taker, gone&^(1<<i)) {
				gone &^= 1 << i
			}
		}
		if m.fits(c, taker, gone) {
			return gone, taker, true
		}
	}
	return 0, 0, false
}

// check checks what holds after each step.
func (m *moment) check(next *moment, taker int, gone uint64) {
	before := m.statuses()
	for name, s := range next.statuses() {
		for r, limit := range s.Limit {
			if used := s.Used.Get(m.resources.Index(r)); used > limit {
				m.Fatalf("queue %s uses %d of %d %s", name, used, limit, r)
			}
		}
		if slices.Contains(m.leaf(m.units[taker].leaf).Path(), name) {
			continue
		}
		for r, guarantee := range s.Guarantee {
			i := m.resources.Index(r)
			fell := before[name].Used.Get(i) >= guarantee && next.used(name, r) < guarantee
			if fell && !m.someGang(name, gone) {
				m.Fatalf("queue %s has %d of %d %s that it is guaranteed, and no whole gang left", name, s.Used.Get(i), guarantee, r)
			}
		}
	}
}

// used returns what a queue uses of a resource.
func (m *moment) used(name, resource string) int64 {
	return m.statuses()[name].Used.Get(m.resources.Index(resource))
}

// someGang reports whether one of those that went from a queue is a whole gang.
func (m *moment) someGang(name string, gone uint64) bool {
	for i, u := range m.units {
		if gone&(1<<i) != 0 && u.gang && slices.Contains(m.leaf(u.leaf).Path(), name) {
			return true
		}
	}
	return false
}
