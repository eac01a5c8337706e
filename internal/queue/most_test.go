package queue_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestMostIsABound: whatever the order in which victims are taken, together they take at most that.
func TestMostIsABound(t *testing.T) {
	reached, below := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := queue.NewResources()
		config := randomConfig(t)
		tree := queue.New(config, r)
		leaves := leafNames(config.Queues)
		draw := func(label string) (queue.Leaf, queue.Vector) {
			leaf, _ := tree.For("", rapid.SampledFrom(leaves).Draw(t, label))
			return leaf, r.Vector(randomAmounts(t, label, 4))
		}
		var all []queue.Victim
		total := queue.Vector{}
		for range rapid.IntRange(0, 20).Draw(t, "units") {
			v := queue.Victim{Priority: rapid.Int32Range(0, 2).Draw(t, "priority"), Gang: rapid.Bool().Draw(t, "gang"), Started: time.Unix(1, 0)}
			v.Leaf, v.Amounts = draw("unit")
			tree.UseAs(v.Leaf, v.Priority, v.Amounts, 1)
			total.Add(v.Amounts, 1)
			all = append(all, v)
		}
		tree.SetTotal(total)
		taker := queue.Taker{Priority: rapid.Int32Range(0, 2).Draw(t, "priority")}
		taker.Leaf, taker.Ask = draw("taker")
		now := time.Unix(100, 0)
		c := tree.Claim(taker, now)
		eligible := slices.DeleteFunc(all, func(v queue.Victim) bool { _, may := c.Eligible(&v); return !may })
		most := c.Most(func(yield func(*queue.Victim) bool) {
			for i := range eligible {
				if !yield(&eligible[i]) {
					return
				}
			}
		})
		sum, possible := queue.Vector{}, queue.Vector{}
		for _, v := range rapid.Permutation(eligible).Draw(t, "order") {
			possible.Add(v.Amounts, 1)
			if c.Take(&v) {
				sum.Add(v.Amounts, 1)
			}
		}
		for i := range sum {
			if sum.Get(i) > most.Get(i) {
				t.Fatalf("%d of %s are taken, and at most %d can be", sum.Get(i), r.Name(i), most.Get(i))
			}
			if sum.Get(i) == most.Get(i) {
				reached++
			}
			if most.Get(i) < possible.Get(i) {
				below++
			}
		}
	})
	t.Logf("the bound was reached %d times, and below what all victims take %d times", reached, below)
	if reached == 0 && !testing.Short() { // then there are few cases
		t.Error("the bound was never reached")
	}
}
