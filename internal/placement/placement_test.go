package placement

import (
	"fmt"
	"testing"
)

// cluster returns equal nodes. If blocks is set, each zone is a run of neighbors; otherwise zones alternate.
func cluster(nodes, zones, free int, blocks bool) []toyNode {
	made := make([]toyNode, nodes)
	for n := range made {
		zone := n % zones
		if blocks {
			zone = n * zones / nodes
		}
		made[n] = toyNode{name: fmt.Sprintf("n%d", n), zone: fmt.Sprintf("z%d", zone), free: []int{free}}
	}
	return made
}

// strategies are what the tests below run with.
var strategies = map[string]Strategy{"pack": Pack, "spread": Spread}

// places checks that all members are placed with at most this many calls of Fits.
func places(t *testing.T, c *toy, strategy Strategy, most int) {
	t.Helper()
	total := 0
	for _, class := range c.classes {
		total += class.members
	}
	g := c.gang(total, strategy)
	plan, ok := Find(c, g)
	examine(t, c, g, plan, ok)
	if !ok {
		t.Fatalf("placed %d of %d", plan.Placed, total)
	}
	t.Logf("%d calls", c.fits)
	if c.fits > most {
		t.Errorf("%d calls of Fits, want at most %d", c.fits, most)
	}
}

// TestCalls checks that placing a gang that fits takes about nodes + members calls, whatever its members ask for.
func TestCalls(t *testing.T) {
	const nodes, members = 1000, 200
	for name, strategy := range strategies {
		place := func(what string, most int, nodes []toyNode, class toyClass) {
			t.Run(name+" "+what, func(t *testing.T) {
				class.needs = []int{1}
				places(t, newToy(nodes, []toyClass{class}), strategy, most)
			})
		}
		place("local", members, cluster(nodes, 1, 4, false), toyClass{members: members})
		place("apart", 4*members, cluster(nodes, 1, 4, false), toyClass{members: members, apart: true})

		for _, blocks := range []bool{false, true} {
			for _, zones := range []int{3, 10} {
				for _, free := range []int{1, 4} {
					what := fmt.Sprintf("over %d zones, %d a node, neighbors %v", zones, free, blocks)
					place(what, nodes+3*members, cluster(nodes, zones, free, blocks), toyClass{members: members, skew: 1})
				}
			}
			what := fmt.Sprintf("in one zone, neighbors %v", blocks)
			place(what, nodes+members, cluster(nodes, 3, 1, blocks), toyClass{members: members, with: "zone"})
		}

		lopsided := cluster(nodes, 2, 1, true)
		lopsided[nodes/2].zone, lopsided[nodes/2].free[0] = "large", members
		place("over three zones, one of them a single node", nodes+3*members, lopsided, toyClass{members: members, skew: 1})

		var most []int
		for n := range nodes {
			if n%5 > 0 {
				most = append(most, n)
			}
		}
		place("over the few nodes that accept the class", nodes+10*members,
			cluster(nodes, 3, 1, false), toyClass{members: members * 9 / 10, skew: 1, forbidden: most})
	}
}

// TestStarts checks that members that must be in the zone of the first are placed in the only zone that is large enough.
func TestStarts(t *testing.T) {
	for name, strategy := range strategies {
		for _, launcher := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s launcher %v", name, launcher), func(t *testing.T) {
				nodes := cluster(1000, 20, 1, false)
				for n := range nodes {
					if nodes[n].zone == "z13" {
						nodes[n].free[0] = 2
					}
				}
				classes := []toyClass{{members: 80, needs: []int{1}, with: "zone"}}
				if launcher {
					classes = append(classes, toyClass{members: 1, needs: []int{1}})
					classes[0].partner = 1
				}
				places(t, newToy(nodes, classes), strategy, 20_000)
			})
		}
	}
}

// moody is a cluster whose answers follow no rule, with as many classes as the gang has.
type moody struct {
	nodes        int
	answer       func(class, node, placed int) bool
	placed, fits int
}

func (m *moody) Nodes() int                { return m.nodes }
func (m *moody) Room(_, _ int) int         { return 1 }
func (m *moody) Place(_, _ int)            { m.placed++ }
func (m *moody) Tiers(int) []uint16        { return nil }
func (m *moody) Reset()                    { m.placed = 0 }
func (m *moody) Fits(class, node int) bool { m.fits++; return m.answer(class, node, m.placed) }

// TestBudget checks that no gang is too expensive, and how much the first order places nevertheless.
func TestBudget(t *testing.T) {
	never := func(_, _, _ int) bool { return false }
	always := func(_, _, _ int) bool { return true }
	for _, test := range []struct {
		name    string
		classes int  // of one member each
		musts   bool // a class must have one; each of several has one more
		members int  // of the one class
		nodes   int
		answer  func(class, node, placed int) bool
		local   bool
		placed  int
		most    int
	}{
		{
			name: "one local class that fits nowhere asks each node once", members: 1000, nodes: 300_000, local: true,
			answer: never, placed: 0, most: 300_000,
		},
		{
			name: "one local class that fits on the last node", members: 1, nodes: 300_000, local: true,
			answer: func(_, node, _ int) bool { return node == 299_999 }, placed: 1, most: 300_000,
		},
		{
			name: "many classes that fit everywhere", classes: 1000, nodes: 2000, local: true,
			answer: always, placed: 1000, most: 1000,
		},
		{
			name: "many classes that fit nowhere", classes: 1000, nodes: 2000, local: true,
			answer: never, placed: 0, most: orderBudget + 2000 + 1000*patience,
		},
		{
			name: "many wide classes that fit nowhere", classes: 1000, nodes: 2000,
			answer: never, placed: 0, most: orderBudget + 2000 + 1000*patience,
		},
		{
			name: "many classes, and the last fits", classes: 1000, nodes: 2000, local: true,
			answer: func(class, _, _ int) bool { return class == 999 }, placed: 1, most: orderBudget + 2000 + 1000*patience,
		},
		{
			name: "one local class that must have one asks each node once", members: 1000, musts: true, nodes: 300_000, local: true,
			answer: func(_, node, placed int) bool { return node == 299_999 && placed == 0 }, placed: 1, most: 300_001,
		},
		{
			name: "many classes that must have one of two and fit everywhere", classes: 1000, musts: true, nodes: 2000, local: true,
			answer: always, placed: 2000, most: 2000,
		},
		{
			name: "many classes that must have one of two and fit nowhere", classes: 1000, musts: true, nodes: 2000, local: true,
			answer: never, placed: 0, most: orderBudget + 2000 + 1000*patience,
		},
		{
			name: "many wide classes that must have one of two and fit nowhere", classes: 1000, musts: true, nodes: 2000,
			answer: never, placed: 0, most: orderBudget + 2000 + 2*1000*patience,
		},
		{
			name: "each placement moves the only node that fits", members: 2000, nodes: 2000,
			answer: func(_, node, placed int) bool { return scramble(uint64(placed))%2000 == uint64(node) },
			placed: -1, most: orderBudget + 2*2000 + 2000,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := Gang{Min: 1, Classes: []Class{{Members: test.members, Local: test.local}}}
			if test.musts {
				g.Classes[0].Must = 1
			}
			if test.classes > 0 {
				g.Classes = make([]Class, test.classes)
				for c := range g.Classes {
					g.Classes[c] = Class{Members: 1, Local: test.local}
					if test.musts {
						g.Classes[c].Members, g.Classes[c].Must = 2, 1
					}
				}
			}
			m := &moody{nodes: test.nodes, answer: test.answer}
			plan, ok := Find(m, g)
			t.Logf("%d placed, %d calls", plan.Placed, m.fits)
			fits := plan.Placed > 0 && (!test.musts || plan.Placed > test.classes)
			if test.placed >= 0 && plan.Placed != test.placed || ok != fits || m.placed != plan.Placed {
				t.Errorf("placed %d, %v, the cluster holds %d; want %d", plan.Placed, ok, m.placed, test.placed)
			}
			if m.fits > test.most {
				t.Errorf("%d calls of Fits, want at most %d", m.fits, test.most)
			}
		})
	}
}
