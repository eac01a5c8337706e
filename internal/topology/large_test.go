package topology

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// One local class on clusters that are too large for brute force, where counting promises much more than fits: as many members are placed as
// arithmetic allows.
func TestLargeClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		nodes := rapid.IntRange(1, 400).Draw(t, "nodes")
		l := divided("rack", nodes, rapid.IntRange(1, nodes).Draw(t, "domains"))
		free, ports := make([]int, nodes), make([]int, nodes)
		odds := rapid.IntRange(1, 20).Draw(t, "odds")
		for n := range free {
			free[n] = dice.IntN(9)
			if dice.IntN(odds) == 0 {
				ports[n] = dice.IntN(free[n] + 1)
			}
		}
		c := one(free...)
		c.ports = ports
		gang := equal(rapid.IntRange(1, 300).Draw(t, "members"), 1)
		members := gang.Classes[0].Members
		sums, _ := by(l, ports)

		size := rapid.IntRange(1, 12).Draw(t, "size")
		whole, rest := 0, 0
		for _, sum := range sums {
			whole += sum / size
			rest = max(rest, sum%size)
		}
		sliced := members
		if whole < members/size || whole == members/size && rest < members%size {
			sliced = whole*size + rest
		}
		least := slices.Min(sums)
		spread := 0
		for _, sum := range sums {
			spread += min(sum, least+1)
		}
		all := 0
		for _, sum := range sums {
			all += sum
		}
		for _, test := range []struct {
			name  string
			rules Rules
			want  int
		}{
			{"required", Rules{Required: l}, min(members, slices.Max(sums))},
			{"preferred", Rules{Preferred: []*Level{l}}, min(members, all)},
			{"slices", Rules{Slice: l, SliceSize: size}, sliced},
			{"spread", Rules{Spread: l}, min(members, spread)},
		} {
			c.Reset()
			c.fits = 0
			r := Request{Gang: gang, Rules: test.rules}
			result := Find(c, r)
			examine(t, c, r, result)
			if result.Placed != test.want {
				t.Fatalf("%s: placed %d, want %d", test.name, result.Placed, test.want)
			}
			if most := 3*nodes + 2*all + 20*members; c.fits > most {
				t.Errorf("%s: %d calls of Fits for %d nodes and %d members", test.name, c.fits, nodes, members)
			}
		}
	})
}
