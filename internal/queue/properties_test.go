package queue_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// plain makes queues BestEffort, without limits.
func plain(queues []queue.Queue) []queue.Queue {
	queues = slices.Clone(queues)
	for i := range queues {
		queues[i].Order, queues[i].Limit = queue.BestEffort, nil
		queues[i].Queues = plain(queues[i].Queues)
	}
	return queues
}

// TestWorkConserving checks that nothing that fits waits while Next says that nothing goes next, if there are no limits and no Strict queues.
func TestWorkConserving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := plain(randomConfig(t).Queues)
		s := newSimulation(t, amounts{"cpu": 20, "gpu": 10, "memory": 15}, queues...)
		s.drive(t, leafNames(queues), func(t *rapid.T) {
			s.startAll()
			for e := range s.Entries() {
				if !e.Guaranteed && s.fits(e.Ask) {
					t.Fatalf("%s fits and waits", e.ID)
				}
			}
		})
	})
}

// TestSharingIncentive checks that each of n queues with equal weights and a backlog of equal tasks gets at least 1/n of its dominant
// resource, up to one task (NSDI 2011, section 3).
func TestSharingIncentive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "queues")
		var queues []queue.Queue
		for i := range n {
			queues = append(queues, q(fmt.Sprint("q", i)))
		}
		const total = 200
		s := newSimulation(t, amounts{"cpu": total, "gpu": total, "memory": total}, queues...)
		largest := make([]int64, n)
		for i, c := range queues {
			ask := randomAmounts(t, "ask", 5)
			ask["cpu"] = max(ask["cpu"], 1)
			largest[i] = max(ask["cpu"], ask["gpu"], ask["memory"])
			for range total {
				s.arrives(c.Name, ask)
			}
		}
		s.startAll()
		for i, c := range queues {
			a := s.runs(c.Name)
			if has := max(a["cpu"], a["gpu"], a["memory"]); (has+largest[i])*int64(n) < total {
				t.Fatalf("%s has %d of %d, which is less than 1/%d", c.Name, has, total, n)
			}
		}
	})
}

// statuses returns the statuses by the names of the queues.
func (w *world) statuses() map[string]queue.Status {
	statuses := map[string]queue.Status{}
	for _, s := range w.Statuses() {
		statuses[s.Name] = s
	}
	return statuses
}

// TestNoQueueIsEverAboveItsLimitNorLedBeyondItsGuarantee on any level: the latter by what may only start within guarantees.
func TestNoQueueIsEverAboveItsLimitNorLedBeyondItsGuarantee(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := randomConfig(t).Queues
		s := newSimulation(t, amounts{"cpu": 40, "gpu": 40, "memory": 40}, queues...)
		s.observe = func(e queue.Entry) {
			statuses := s.statuses()
			for _, name := range e.Leaf.Path() {
				st := statuses[name]
				for r, ask := range e.Ask {
					resource := s.resources.Name(r)
					use := st.Used.Get(r) + ask
					if bound, limited := st.Limit[resource]; limited && ask > 0 && use > bound {
						t.Fatalf("%s leads %s to %d %s, above its limit of %d", e.ID, name, use, resource, bound)
					}
					bound, guarantees := st.Guarantee[resource]
					if e.Guaranteed && ask > 0 && guarantees && use > bound {
						t.Fatalf("%s leads %s to %d %s, beyond its guarantee of %d", e.ID, name, use, resource, bound)
					}
				}
			}
		}
		s.drive(t, leafNames(queues), func(*rapid.T) {})
	})
}

// TestGuaranteesComeFirst checks that while a queue is below its guarantee, and something is ready in it that fits, nothing starts in a queue
// that is not.
func TestGuaranteesComeFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var queues []queue.Queue
		asks := map[string]amounts{}
		for i := range rapid.IntRange(2, 5).Draw(t, "queues") {
			name := fmt.Sprint("q", i)
			queues = append(queues, q(name, guarantee(amounts{"cpu": rapid.Int64Range(0, 8).Draw(t, "guarantee")}),
				priority(rapid.Int32Range(0, 1).Draw(t, "priority")), weight(rapid.Float64Range(0, 2).Draw(t, "weight"))))
			asks[name] = amounts{"cpu": rapid.Int64Range(1, 4).Draw(t, "ask")}
		}
		s := newSimulation(t, amounts{"cpu": 30}, queues...)
		below := func(name string) bool { return s.runs(name)["cpu"] < s.statuses()[name].Guarantee["cpu"] }
		s.observe = func(e queue.Entry) {
			if below(e.Leaf.Name()) {
				return
			}
			for o := range s.Entries() {
				if below(o.Leaf.Name()) && s.fits(o.Ask) {
					t.Fatalf("%s starts while %s fits and its queue is below its guarantee", e.ID, o.ID)
				}
			}
		}
		leaves := leafNames(queues)
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				leaf := rapid.SampledFrom(leaves).Draw(t, "leaf")
				s.arrives(leaf, asks[leaf])
			},
			"start": func(*rapid.T) { s.startAll() },
			"end": func(t *rapid.T) {
				if len(s.running) == 0 {
					t.Skip("nothing runs")
				}
				s.end(rapid.IntRange(0, len(s.running)-1).Draw(t, "which"))
			},
		})
	})
}

// TestNothingOvertakesInAStrictQueue checks that whatever starts in a Strict queue leaves nothing behind that was before it and could use the
// same nodes, unless that can never start.
func TestNothingOvertakesInAStrictQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := randomConfig(t).Queues
		s := newSimulation(t, amounts{"cpu": 20, "gpu": 10, "memory": 15}, queues...)
		s.SetPools(meet)
		s.observe = func(e queue.Entry) {
			if e.Leaf.Order() != queue.Strict {
				return
			}
			for o := range s.Entries() {
				if o.Leaf == e.Leaf && o.ID != e.ID && s.Before(o.ID, e.ID) && meet(o.Pool, e.Pool) && !s.Why(o.ID).Never {
					t.Fatalf("%s overtakes %s", e.ID, o.ID)
				}
			}
		}
		s.drive(t, leafNames(queues), func(*rapid.T) {})
	})
}

// TestTheOrderDoesNotDependOnTheOrderOfReports of what waits and what is used.
func TestTheOrderDoesNotDependOnTheOrderOfReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := randomConfig(t).Queues
		leaves := leafNames(queues)
		type report func(w *world)
		var reports []report
		for i := range rapid.IntRange(1, 20).Draw(t, "reports") {
			leaf, ask := rapid.SampledFrom(leaves).Draw(t, "leaf"), randomAmounts(t, "amounts", 4)
			if rapid.Bool().Draw(t, "uses") {
				reports = append(reports, func(w *world) { w.uses(leaf, ask) })
				continue
			}
			age, pool := rapid.Int64Range(0, 3).Draw(t, "age"), rapid.IntRange(0, 3).Draw(t, "pool")
			reports = append(reports, func(w *world) { w.waits(leaf, queue.ID(fmt.Sprint("e", i)), ask, at(age), inPool(pool)) })
		}
		outcome := func(reports []report, asked bool) string {
			w := cluster(t, amounts{"cpu": 20, "gpu": 10, "memory": 15}, queues...)
			w.SetPools(meet)
			for _, report := range reports {
				report(w)
				if asked {
					w.Next()
				}
			}
			return w.order()
		}
		want := outcome(reports, false)
		if got := outcome(rapid.Permutation(reports).Draw(t, "another order"), true); got != want {
			t.Fatalf("the order is %q, and with the reports in another order %q", want, got)
		}
	})
}

// TestFairSharesAgreeWithPouringDropByDrop compares the fair shares with those that come of giving one unit after another to the queue that
// has the least for its weight, as far as whole units can agree.
func TestFairSharesAgreeWithPouringDropByDrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queues := randomConfig(t).Queues
		w := cluster(t, amounts{"cpu": 60, "gpu": rapid.Int64Range(0, 30).Draw(t, "gpu"), "memory": 45}, queues...)
		for i := range rapid.IntRange(0, 30).Draw(t, "reports") {
			leaf, ask := rapid.SampledFrom(leafNames(queues)).Draw(t, "leaf"), randomAmounts(t, "amounts", 12)
			if rapid.IntRange(0, 3).Draw(t, "uses") == 0 {
				w.uses(leaf, ask)
			} else {
				w.waits(leaf, queue.ID(fmt.Sprint("e", i)), ask)
			}
		}
		below := map[string][]queue.Status{}
		available := map[string]queue.Vector{"": w.Total()}
		for _, s := range w.Statuses() {
			below[s.Parent] = append(below[s.Parent], s)
			available[s.Name] = s.Fair
		}
		for parent, siblings := range below {
			for r := range w.resources.Len() {
				want := pour(siblings, r, w.resources.Name(r), available[parent].Get(r))
				for i, s := range siblings {
					if got := s.Fair.Get(r); got < want[i]-2 || got > want[i]+2 || got > s.Demand.Get(r) {
						t.Fatalf("the fair share of %s is %d %s of a demand of %d, want about %d", s.Name, got, w.resources.Name(r), s.Demand.Get(r), want[i])
					}
				}
			}
		}
	})
}

// pour divides an amount of a resource among siblings, one unit after another.
func pour(siblings []queue.Status, r int, resource string, available int64) []int64 {
	has, extra := make([]int64, len(siblings)), make([]int64, len(siblings))
	give := func(wants func(i int) bool, level func(i int) float64) {
		for ; available > 0; available-- {
			least := -1
			for i := range siblings {
				if wants(i) && (least < 0 || level(i) < level(least)) {
					least = i
				}
			}
			if least < 0 {
				return
			}
			has[least]++
			extra[least]++
		}
	}
	guaranteed := func(i int) int64 { return siblings[i].Guarantee[resource] }
	demand := func(i int) int64 { return siblings[i].Demand.Get(r) }
	give(func(i int) bool { return has[i] < min(guaranteed(i), demand(i)) }, func(i int) float64 { return float64(has[i]) / float64(guaranteed(i)) })
	clear(extra)
	for _, weighted := range []bool{true, false} {
		for p := int32(1); p >= 0; p-- {
			give(func(i int) bool {
				return has[i] < demand(i) && siblings[i].Priority == p && (siblings[i].Weight > 0) == weighted
			}, func(i int) float64 {
				if !weighted {
					return float64(extra[i])
				}
				return float64(extra[i]) / siblings[i].Weight
			})
		}
	}
	return has
}

func TestStatuses(t *testing.T) {
	w := cluster(t, amounts{"cpu": 100, "gpu": 10},
		q("research", weight(3), guarantee(amounts{"gpu": 4}), limit(amounts{"cpu": 50}), children(q("nlp", strict()), q("vision", priority(1)))), q("idle"))
	w.uses("nlp", amounts{"gpu": 1, "cpu": 20})
	w.waits("vision", "young", amounts{"gpu": 2, "cpu": 40}, at(20)).
		waits("nlp", "head", amounts{"gpu": 1}, at(10), notReady).
		waits("nlp", "second", amounts{"gpu": 12}, at(15)).
		waits("nlp", "never", amounts{"cpu": 51}, at(16)).
		waits(queue.Default, "other", amounts{"gpu": 8}, at(30))
	want := []queue.Status{
		{
			Name: "research", Weight: 3, Order: queue.BestEffort, Guarantee: amounts{"gpu": 4}, Limit: amounts{"cpu": 50},
			Used: w.vector(amounts{"cpu": 20, "gpu": 1}), Demand: w.vector(amounts{"cpu": 50, "gpu": 16}), Fair: w.vector(amounts{"cpu": 50, "gpu": 8}),
			Share: 0.2, FairShare: 0.8, Waiting: 4, Ready: 3, HeadAge: time.Unix(10, 0), BelowGuarantee: true,
		},
		{
			Name: "nlp", Parent: "research", Leaf: true, Weight: 1, Order: queue.Strict,
			Used: w.vector(amounts{"cpu": 20, "gpu": 1}), Demand: w.vector(amounts{"cpu": 20, "gpu": 14}), Fair: w.vector(amounts{"cpu": 10, "gpu": 6}),
			Share: 0.2, FairShare: 0.6, Waiting: 3, Ready: 2, HeadAge: time.Unix(10, 0),
		},
		{
			Name: "vision", Parent: "research", Leaf: true, Weight: 1, Priority: 1, Order: queue.BestEffort,
			Demand: w.vector(amounts{"cpu": 40, "gpu": 2}), Fair: w.vector(amounts{"cpu": 40, "gpu": 2}),
			FairShare: 0.4, Waiting: 1, Ready: 1, HeadAge: time.Unix(20, 0),
		},
		{Name: "idle", Leaf: true, Weight: 1, Order: queue.BestEffort, Fair: w.vector(amounts{"cpu": 0, "gpu": 0})},
		{
			Name: queue.Default, Leaf: true, Weight: 1, Order: queue.BestEffort,
			Demand: w.vector(amounts{"gpu": 8}), Fair: w.vector(amounts{"cpu": 0, "gpu": 2}), FairShare: 0.2, Waiting: 1, Ready: 1, HeadAge: time.Unix(30, 0),
		},
	}
	same := cmp.Comparer(func(a, b queue.Vector) bool {
		for r := range max(len(a), len(b)) {
			if a.Get(r) != b.Get(r) {
				return false
			}
		}
		return true
	})
	if diff := cmp.Diff(want, w.Statuses(), same); diff != "" {
		t.Errorf("Statuses (-want +got):\n%s", diff)
	}
}

// TestGuaranteesThatAreMoreThanThereIsAreCutInProportion when nodes are gone.
func TestGuaranteesThatAreMoreThanThereIsAreCutInProportion(t *testing.T) {
	w := cluster(t, amounts{"gpu": 9}, q("a", guarantee(amounts{"gpu": 12})), q("b", guarantee(amounts{"gpu": 6})), q("c"))
	for _, leaf := range []string{"a", "b", "c"} {
		w.waits(leaf, queue.ID(leaf), amounts{"gpu": 20})
	}
	statuses := w.statuses()
	for leaf, want := range map[string]int64{"a": 6, "b": 3, "c": 0} {
		if got := statuses[leaf].Fair.Get(w.resources.Index("gpu")); got != want {
			t.Errorf("the fair share of %s is %d gpu, want %d", leaf, got, want)
		}
	}
}

func TestAQueueIsBelowItsGuaranteeOnlyIfSomethingWaitsForIt(t *testing.T) {
	w := cluster(t, amounts{"gpu": 9, "cpu": 9}, q("a", guarantee(amounts{"gpu": 4})))
	w.waits("a", "x", amounts{"cpu": 1})
	if w.statuses()["a"].BelowGuarantee {
		t.Error("a queue in which nothing waits for its guarantee is below it")
	}
	w.waits("a", "y", amounts{"gpu": 1})
	if !w.statuses()["a"].BelowGuarantee {
		t.Error("a queue in which something waits for its guarantee is not below it")
	}
}

func TestAsksTooLargeToAddUpDoNotMakeTheDemandNegative(t *testing.T) {
	w := cluster(t, amounts{"memory": 9}, q("a"))
	for _, id := range []queue.ID{"x", "y"} {
		w.waits("a", id, amounts{"memory": math.MaxInt64})
	}
	if st := w.statuses()["a"]; st.Demand.Get(0) <= 0 || st.Fair.Get(0) != 9 {
		t.Errorf("the demand is %d, and the fair share %d of 9", st.Demand.Get(0), st.Fair.Get(0))
	}
}
