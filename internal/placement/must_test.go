package placement

import (
	"fmt"
	"testing"
)

// TestLauncher checks that a launcher gets a node although the workers could take every node, with no more calls of Fits than for the
// workers alone.
func TestLauncher(t *testing.T) {
	const nodes, room, workers, least = 1000, 2, 800, 801
	for name, strategy := range strategies {
		t.Run(name, func(t *testing.T) {
			place := func(launchers, workers int) (plan Plan, ok bool, calls int) {
				c := newToy(cluster(nodes, 1, room, false), []toyClass{
					{members: room * nodes, must: workers, needs: []int{1}},
					{members: 1, must: launchers, needs: []int{1}},
				})
				g := c.gang(least, strategy)
				plan, ok = Find(c, g)
				examine(t, c, g, plan, ok)
				return plan, ok, c.fits
			}
			anyone, ok, usual := place(0, 0)
			if !ok || len(anyone.Nodes[1]) > 0 {
				t.Fatalf("%v, %d launchers: the workers leave capacity for one", ok, len(anyone.Nodes[1]))
			}
			plan, ok, calls := place(1, workers)
			if !ok || plan.Placed != anyone.Placed {
				t.Errorf("placed %d, %v; want %d", plan.Placed, ok, anyone.Placed)
			}
			if calls > usual {
				t.Errorf("%d calls of Fits, %d without a launcher", calls, usual)
			}
		})
	}
}

// TestLauncherStarts checks that Find places a launcher and the workers near it in the only zone that is large enough for its required
// workers.
func TestLauncherStarts(t *testing.T) {
	for _, must := range []int{0, 1} { // it is needed anyway
		t.Run(fmt.Sprintf("must %d", must), func(t *testing.T) {
			nodes := cluster(400, 20, 1, false)
			for n := range nodes {
				if nodes[n].zone == "z6" {
					nodes[n].zone = "z7"
				}
			}
			c := newToy(nodes, []toyClass{
				{members: 60, must: 30, needs: []int{1}, with: "zone", partner: 1},
				{members: 1, must: must, needs: []int{1}, partner: 1},
			})
			g := c.gang(1, Pack)
			plan, ok := Find(c, g)
			examine(t, c, g, plan, ok)
			if !ok || c.fits > leastBudget {
				t.Errorf("placed %d workers and %d launchers with %d calls", len(plan.Nodes[0]), len(plan.Nodes[1]), c.fits)
			}
		})
	}
}

// TestNoAtOnce checks that Find tries no second order if a class has fewer members than it must have, or the free capacity is too small, or
// too many nodes reject it.
func TestNoAtOnce(t *testing.T) {
	nodes := cluster(100, 1, 2, false)
	var half []int
	for n := range len(nodes) / 2 {
		half = append(half, n)
	}
	for name, most := range map[string]toyClass{
		"by number": {members: 2, must: 3, needs: []int{1}},
		"by room":   {members: 250, must: 201, needs: []int{1}},
		"by fits":   {members: 250, must: 101, needs: []int{1}, forbidden: half},
	} {
		t.Run(name, func(t *testing.T) {
			c := newToy(nodes, []toyClass{most, {members: 50, needs: []int{1}}})
			g := c.gang(1, Pack)
			plan, ok := Find(c, g)
			examine(t, c, g, plan, ok)
			if ok || c.resets > 0 {
				t.Errorf("%v after %d resets", ok, c.resets)
			}
		})
	}
}

// TestPromising checks that the search backtracks when no capacity is left for a required member.
func TestPromising(t *testing.T) {
	c := newToy(cluster(1, 1, 4, false), []toyClass{
		{members: 1, must: 1, needs: []int{4}},
		{members: 4, needs: []int{1}},
	})
	s := searcher{planner: newPlanner(c, c.gang(1, Pack))}
	for _, want := range []bool{true, false} {
		if got := s.promising(); got != want {
			t.Errorf("with %d small members: %v", len(s.steps), got)
		}
		s.try(1, 0)
	}
}
