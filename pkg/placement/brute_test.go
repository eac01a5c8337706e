package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallCase draws a cluster of 1 to 4 nodes and a gang of 1 to 3 classes with 1 to 6 members together, tight on room.
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

// TestBruteForce compares with trying everything. A plan must always be right; one that exists must nearly always be found.
func TestBruteForce(t *testing.T) {
	const wanted = 0.99
	cases := 10_000
	if testing.Short() {
		cases = 1000
	}
	r := rand.New(rand.NewPCG(1, 2))
	var feasible, found, most, exact int
	for i := range cases {
		nodes, classes, least := smallCase(r)
		j := judge{nodes, classes}
		c := newToy(nodes, classes)
		g := c.gang(least, Strategy(r.IntN(2)))
		plan, ok := Find(c, g)
		examine(t, c, g, plan, ok)
		best := j.bruteForce(1 << 10)
		if best >= least {
			feasible++
			if ok {
				found++
			} else if testing.Verbose() && feasible-found < 5 {
				t.Logf("case %d: %+v, not found, %d of %d/%d", i, c, plan.Placed, best, least)
			}
		}
		if plan.Placed > best {
			t.Fatalf("case %d: placed %d where %d is the most", i, plan.Placed, best)
		}
		if plan.Placed == best {
			most++
		}
		if len(classes) == 1 && classes[0].local() {
			exact++
			if plan.Placed != best {
				t.Errorf("case %d: one local class, placed %d of %d", i, plan.Placed, best)
			}
		}
	}
	share := float64(found) / float64(feasible)
	t.Logf("%d cases, %d feasible, found %d (%.2f%%); as many members as possible in %d; %d of one local class",
		cases, feasible, found, 100*share, most, exact)
	if share < wanted {
		t.Errorf("found %.2f%% of what is feasible, want %.2f%%", 100*share, 100*wanted)
	}
}

// examine checks what must be true of every plan.
func examine(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, c *toy, g Gang, plan Plan, ok bool,
) {
	t.Helper()
	if err := (judge{c.nodes, c.classes}).legal(c.placed); err != nil {
		t.Fatalf("%v", err)
	}
	if ok != (plan.Placed >= g.Min) {
		t.Fatalf("placed %d, min %d, but %v", plan.Placed, g.Min, ok)
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
