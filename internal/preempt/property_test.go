package preempt_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

func rapidDice(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "draw") }
}

// examine checks what must hold for every answer.
func examine(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, c *toy, choice preempt.Choice, found bool,
) {
	t.Helper()
	if !found {
		return
	}
	gone := []int{}
	for u := range c.gone {
		gone = append(gone, u)
	}
	slices.Sort(gone)
	switch {
	case !slices.Equal(gone, choice.Victims):
		t.Fatalf("%v are gone from the cluster, and %v are the victims", gone, choice.Victims)
	case choice.Rank != c.rank(choice.Victims):
		t.Fatalf("the rank of %v is %+v, want %+v", choice.Victims, choice.Rank, c.rank(choice.Victims))
	case !c.does(choice.Victims):
		t.Fatalf("the gang cannot start in place of %v", choice.Victims)
	}
}

// TestVictimsAreFoundExactlyIfThereAreAny, and with them gone the gang fits.
func TestVictimsAreFoundExactlyIfThereAreAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(rapidDice(t), 2)
		choice, found := preempt.Choose(c.Problem, c)
		examine(t, c, choice, found)
		best, want := c.bruteForce()
		switch {
		case found != want:
			t.Fatalf("found: %t, there are victims: %t (%v)", found, want, best)
		case found && choice.Rank.Compare(best.Rank) < 0:
			t.Fatalf("%+v is cheaper than the best, %+v", choice, best)
		case want && !preempt.Hopeful(c.Problem):
			t.Fatalf("there is no hope, but %v would do", best)
		}
	})
}

// TestEachVictimIsNeeded: with members of one class no smaller set of victims would do.
func TestEachVictimIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(rapidDice(t), 1)
		choice, found := preempt.Choose(c.Problem, c)
		if found {
			if fewer := c.fewer(choice.Victims); fewer != nil {
				t.Fatalf("of %v, %v are enough", choice.Victims, fewer)
			}
		}
	})
}

// fewer returns a smaller set that would do, if there is one.
func (c *toy) fewer(victims []int) []int {
	for set := range 1<<len(victims) - 1 {
		part := []int{}
		for i, v := range victims {
			if set>>i&1 == 1 {
				part = append(part, v)
			}
		}
		if c.does(part) {
			return part
		}
	}
	return nil
}

// TestTheOrderOfUnitsDoesNotCount: all units of these clusters started at different times.
func TestTheOrderOfUnitsDoesNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(rapidDice(t), 2)
		other := &toy{Problem: c.Problem}
		order := make([]int, len(c.Units))
		for i := range order {
			order[i] = i
		}
		order = rapid.Permutation(order).Draw(t, "order")
		other.Units = make([]preempt.Unit, len(order))
		for to, from := range order {
			other.Units[to] = c.Units[from]
			if u := &other.Units[to]; u.Kind == preempt.Surplus && u.Core >= 0 {
				u.Core = slices.Index(order, u.Core)
			}
		}
		choice, found := preempt.Choose(c.Problem, c)
		again, foundAgain := preempt.Choose(other.Problem, other)
		mapped := []int{}
		for _, v := range again.Victims {
			mapped = append(mapped, order[v])
		}
		slices.Sort(mapped)
		if found != foundAgain || found && !slices.Equal(mapped, choice.Victims) {
			t.Fatalf("%v (%t), in another order %v (%t)", choice.Victims, found, mapped, foundAgain)
		}
	})
}

// queues allows so many victims of each of three queues.
func queues(most [3]int) func([]int) bool {
	return func(victims []int) bool {
		var taken [3]int
		for _, v := range victims {
			taken[v%3]++
		}
		return taken[0] <= most[0] && taken[1] <= most[1] && taken[2] <= most[2]
	}
}

// TestVictimsAreAllowedTogether: whatever the rules between queues are, victims respect them.
func TestVictimsAreAllowedTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapidDice(t)
		c := drawToy(d, 2)
		c.allows = queues([3]int{d(4), d(4), d(4)})
		choice, found := preempt.Choose(c.Problem, c)
		examine(t, c, choice, found)
	})
}

// figures are what TestHowCloseToTheBest counts.
type figures struct {
	cases, best, level, needed, found int
	plans, mostPlans, mostAsked       int // mostAsked is how often the rules between queues were asked
	pods, bestPods                    int
}

// TestHowCloseToTheBest compares choices with the best ones of some thousands of clusters.
func TestHowCloseToTheBest(t *testing.T) {
	cases := 5000
	if testing.Short() {
		cases = 500
	}
	for _, tc := range []struct {
		name    string
		classes int
		queues  bool
		racks   bool
	}{
		{name: "one class", classes: 1},
		{name: "up to two classes", classes: 2},
		{name: "with rules between queues", classes: 2, queues: true},
		{name: "with a rule that only the planner knows", classes: 2, racks: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var f figures
			for range cases {
				c := drawToy(r.IntN, tc.classes)
				c.racks = tc.racks
				if tc.queues {
					c.allows = queues([3]int{r.IntN(4), r.IntN(4), r.IntN(4)})
				}
				best, exists := c.bruteForce()
				if !exists || len(best.Victims) == 0 {
					continue
				}
				f.cases++
				choice, found := preempt.Choose(c.Problem, c)
				examine(t, c, choice, found)
				f.plans += c.plans
				f.mostPlans, f.mostAsked = max(f.mostPlans, c.plans), max(f.mostAsked, c.asked)
				if !found {
					continue
				}
				f.found++
				if choice.Rank == best.Rank {
					f.best++
				}
				if choice.Rank.Broken == best.Rank.Broken && choice.Rank.Highest == best.Rank.Highest {
					f.level++
					f.pods += choice.Rank.Pods
					f.bestPods += best.Rank.Pods
				}
				if c.fewer(choice.Victims) == nil {
					f.needed++
				}
			}
			f.check(t, tc.queues)
		})
	}
}

func (f figures) check(t *testing.T, queues bool) {
	percent := func(n int) float64 { return 100 * float64(n) / float64(f.found) }
	more := 100 * float64(f.pods-f.bestPods) / float64(f.bestPods)
	t.Logf("%d clusters with victims, found in %d; as cheap as possible: %.1f%%; as few budgets and as low a priority: %.1f%%; "+
		"pods more than the best: %.2f%%; each victim needed: %.2f%%; plans: %.1f in the mean, at most %d; rules asked at most %d times",
		f.cases, f.found, percent(f.best), percent(f.level), more, percent(f.needed), float64(f.plans)/float64(f.cases), f.mostPlans, f.mostAsked)
	if percent(f.level) < 95 || more > 5 || percent(f.needed) < 99 || f.mostPlans > 12 {
		t.Error("too far from the best")
	}
	if !queues && f.mostAsked > 6 {
		t.Errorf("with one queue, the rules between queues were asked %d times", f.mostAsked)
	}
	if share := float64(f.found) / float64(f.cases); share < 0.95 || !queues && share < 1 {
		t.Errorf("found in %.3f of the clusters", share)
	}
}
