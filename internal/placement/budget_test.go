package placement

import "testing"

// TestGangBudget checks that a small budget ends the search after the first order, and that one local class ignores it.
func TestGangBudget(t *testing.T) {
	nodes := cluster(100, 1, 2, false)
	classes := []toyClass{{members: 150, needs: []int{1}}, {members: 150, needs: []int{1}}}
	for _, test := range []struct {
		name   string
		budget int
		most   int
	}{
		{"one order", 1, 200},
		{"all orders", 0, leastBudget + 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newToy(nodes, classes)
			g := c.gang(300, Pack)
			g.Budget = test.budget
			plan, ok := Find(c, g)
			examine(t, c, g, plan, ok)
			if ok || plan.Placed != 200 || c.fits > test.most || (c.resets == 0) != (test.budget == 1) {
				t.Errorf("placed %d, %v, with %d calls and %d resets", plan.Placed, ok, c.fits, c.resets)
			}
		})
	}
	last := &moody{nodes: 1000, answer: func(_, node, _ int) bool { return node == 999 }}
	if _, ok := Find(last, Gang{Min: 1, Budget: 1, Classes: []Class{{Members: 1, Local: true}}}); !ok {
		t.Error("the only node that fits was not found")
	}
}
