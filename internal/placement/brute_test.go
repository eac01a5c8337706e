package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallCase draws a cluster of 1 to 4 nodes and a gang of 1 to 3 classes with 1 to 6 members in total, with little spare capacity.
func smallCase(r *rand.Rand) (nodes []toyNode, classes []toyClass, least int) {
	for n := range 1 + max(r.IntN(4), r.IntN(4)) {
		nodes = append(nodes, toyNode{
			name: fmt.Sprintf("n%d", n),
			zone: fmt.Sprintf("z%d", r.IntN(3)),
			free: []int{2 + r.IntN(9), 2 + r.IntN(9)},
		})
	}
	members := 1 + max(r.IntN(6), r.IntN(6))
	total := members
	for len(classes) < 3 && members > 0 {
		c := toyClass{members: 1 + r.IntN(members), needs: []int{1 + r.IntN(5), r.IntN(5)}}
		if len(classes) == 2 {
			c.members = members
		}
		members -= c.members
		c.partner = len(classes)
		for n := range nodes {
			if r.IntN(6) == 0 {
				c.forbidden = append(c.forbidden, n)
			}
		}
		switch r.IntN(8) {
		case 0:
			c.apart = true
		case 1:
			c.avoids = []int{r.IntN(3)}
		case 2:
			c.skew = 1 + r.IntN(2)
		case 3:
			c.with = []string{"zone", "node"}[r.IntN(2)]
			c.partner = r.IntN(len(classes) + 1)
		}
		classes = append(classes, c)
	}
	total -= members
	least = total
	if r.IntN(3) == 0 {
		least = 1 + r.IntN(total)
	}
	return nodes, classes, least
}

// TestBruteForce compares Find with an exhaustive search. A plan must always be valid, and Find must nearly always find a plan that exists.
// The cases of both tests are the same, except for the members that some classes must have.
func TestBruteForce(t *testing.T) {
	for _, musts := range []bool{false, true} {
		t.Run(fmt.Sprintf("musts %v", musts), func(t *testing.T) { testBruteForce(t, musts) })
	}
}

func testBruteForce(t *testing.T, musts bool) {
	const wanted = 0.99
	cases := 10_000
	if testing.Short() {
		cases = 1000
	}
	r, dice := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
	var feasible, found, most, exact int
	for i := range cases {
		nodes, classes, least := smallCase(r)
		strategy := Strategy(r.IntN(2))
		for c := range classes {
			if musts && dice.IntN(3) > 0 {
				classes[c].must = dice.IntN(classes[c].members + 1)
			}
		}
		if musts && dice.IntN(2) == 0 {
			least = 1 // only the classes decide
		}
		c := newToy(nodes, classes)
		g := c.gang(least, strategy)
		plan, ok := Find(c, g)
		examine(t, c, g, plan, ok)
		j := judge{nodes, classes}
		best, got := j.bruteForce(), j.score(c.placed)
		if best.lacking == 0 && best.placed >= least {
			feasible++
			if ok {
				found++
			} else if testing.Verbose() && feasible-found < 5 {
				t.Logf("case %d: %+v, not found, %+v of %+v/%d", i, c, got, best, least)
			}
		}
		if got.compare(best) > 0 {
			t.Fatalf("case %d: %+v where %+v is the best", i, got, best)
		}
		if got == best {
			most++
		}
		if len(classes) == 1 && classes[0].local() {
			exact++
			if got != best {
				t.Errorf("case %d: one local class, %+v of %+v", i, got, best)
			}
		}
	}
	share := float64(found) / float64(feasible)
	t.Logf("%d cases, %d feasible, found %d (%.2f%%); none is better in %d; %d of one local class",
		cases, feasible, found, 100*share, most, exact)
	if share < wanted {
		t.Errorf("found %.2f%% of what is feasible, want %.2f%%", 100*share, 100*wanted)
	}
}

// examine checks what must hold for every plan.
func examine(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, c *toy, g Gang, plan Plan, ok bool,
) {
	t.Helper()
	if err := (judge{c.nodes, c.classes}).legal(c.placed); err != nil {
		t.Fatalf("%v", err)
	}
	fits := plan.Placed >= g.Min
	for class, nodes := range plan.Nodes {
		fits = fits && len(nodes) >= g.Classes[class].Must
	}
	if ok != fits {
		t.Fatalf("placed %v of %+v, but %v", plan.Nodes, g, ok)
	}
	held := Plan{Nodes: make([][]int, len(g.Classes)), Placed: len(c.placed)}
	for class := range held.Nodes {
		held.Nodes[class] = []int{}
	}
	for _, s := range c.placed {
		held.Nodes[s.class] = append(held.Nodes[s.class], int(s.node))
	}
	if diff := cmp.Diff(held, plan); diff != "" {
		t.Fatalf("the cluster does not hold the plan (-cluster +plan):\n%s", diff)
	}
	for class, nodes := range plan.Nodes {
		if len(nodes) > g.Classes[class].Members {
			t.Fatalf("class %d has %d members, %d are placed", class, g.Classes[class].Members, len(nodes))
		}
	}
}
