package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// plainNodes returns equal nodes of one zone.
func plainNodes(count, free int) []toyNode {
	nodes := make([]toyNode, count)
	for n := range nodes {
		nodes[n] = toyNode{name: fmt.Sprintf("n%d", n), zone: "a", free: []int{free}}
	}
	return nodes
}

// hostedBy returns how many members of the class are on each node.
func hostedBy(plan Plan, class, nodes int) []int {
	hosted := make([]int, nodes)
	for _, node := range plan.Nodes[class] {
		hosted[node]++
	}
	return hosted
}

func TestMembersFollowEachOther(t *testing.T) {
	for _, test := range []struct {
		name    string
		nodes   []toyNode
		classes []toyClass
		want    [][]int // by class and node
	}{
		{"apart", plainNodes(3, 9), []toyClass{{members: 3, needs: []int{1}, likes: -1}}, [][]int{{1, 1, 1}}},
		{"apart, more than nodes", plainNodes(2, 9), []toyClass{{members: 4, needs: []int{1}, likes: -1}}, [][]int{{2, 2}}},
		{
			"apart, on nodes that are too small",
			[]toyNode{{free: []int{1}}, {free: []int{9}}},
			[]toyClass{{members: 6, needs: []int{1}, likes: -1}},
			[][]int{{1, 5}},
		},
		{"together", plainNodes(3, 2), []toyClass{{members: 4, needs: []int{1}, likes: 1}}, [][]int{{2, 2, 0}}},
		{
			"near members of a smaller class, so that class comes first", plainNodes(3, 3),
			[]toyClass{{members: 2, needs: []int{1}, likes: 1, liked: 1}, {members: 1, needs: []int{1}, forbidden: []int{0, 1}}},
			[][]int{{0, 0, 2}, {0, 0, 1}},
		},
		{
			"apart from others", plainNodes(2, 3),
			[]toyClass{{members: 2, needs: []int{1}, likes: -1, liked: 1}, {members: 1, needs: []int{1}, forbidden: []int{1}}},
			[][]int{{0, 2}, {1, 0}},
		},
		{
			"only where a rule allows it", plainNodes(4, 9),
			[]toyClass{{members: 4, needs: []int{1}, likes: 1, apart: true}},
			[][]int{{1, 1, 1, 1}},
		},
		{
			"another order where the gang would not fit",
			[]toyNode{{free: []int{3}}, {free: []int{2}}},
			[]toyClass{{members: 3, needs: []int{1}, likes: -1}, {members: 1, needs: []int{2}, forbidden: []int{0}, likes: 1}},
			[][]int{{3, 0}, {0, 1}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newToy(test.nodes, test.classes)
			total := 0
			for _, class := range test.classes {
				total += class.members
			}
			g := c.gang(total, Pack)
			plan, ok := Find(c, g)
			examine(t, c, g, plan, ok)
			if !ok {
				t.Fatalf("%d of %d are placed", plan.Placed, total)
			}
			for class, want := range test.want {
				if got := hostedBy(plan, class, len(test.nodes)); !slices.Equal(got, want) {
					t.Errorf("class %d is on %v, want %v", class, got, want)
				}
			}
		})
	}
}

// For a local class, preferences among members do not change how many members fit, nor whether the gang fits.
func TestPreferencesAmongMembersCostNoCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		classes := []toyClass{drawClass(t, len(nodes), 40)}
		c := newToy(nodes, classes)
		g := drawGang(t, c)
		plain, okPlain := Find(c, g)
		classes[0].likes = rapid.SampledFrom([]int{-2, -1, 1, 2}).Draw(t, "likes")
		d := newToy(nodes, classes)
		g.Classes = d.gang(g.Min, g.Strategy).Classes
		plan, ok := Find(d, g)
		examine(t, d, g, plan, ok)
		if plan.Placed != plain.Placed || ok != okPlain {
			t.Fatalf("%d are placed, without the preference %d", plan.Placed, plain.Placed)
		}
	})
}

// Members that prefer to be apart are spread evenly: if all nodes have capacity, no node has two more than another.
func TestMembersThatPreferToBeApartAreEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := plainNodes(rapid.IntRange(1, 12).Draw(t, "nodes"), 50)
		class := toyClass{members: rapid.IntRange(1, 40).Draw(t, "members"), needs: []int{1}, likes: -1}
		c := newToy(nodes, []toyClass{class})
		plan, _ := Find(c, c.gang(class.members, Strategy(rapid.IntRange(0, 1).Draw(t, "strategy"))))
		hosted := hostedBy(plan, 0, len(nodes))
		if slices.Max(hosted)-slices.Min(hosted) > min(1, class.members) {
			t.Fatalf("the nodes host %v", hosted)
		}
	})
}

// A gang without such a preference costs no extra calls: Room once for each node, and once more for each member.
func TestWithoutPreferencesAmongMembersNothingIsRenewed(t *testing.T) {
	c := newToy(plainNodes(100, 2), []toyClass{{members: 20, needs: []int{1}}})
	plan, ok := Find(c, c.gang(20, Pack))
	if !ok || plan.Placed != 20 {
		t.Fatalf("%d are placed", plan.Placed)
	}
	// In this cluster Fits calls Room too. One more call finds each used node full, except the last.
	if c.renewals != 0 || c.fits != 20 || c.rooms != 100+20+20+9 {
		t.Errorf("%d renewals, %d calls of Fits and %d of Room", c.renewals, c.fits, c.rooms)
	}
}

// Rankings are limited however many members and nodes there are, and they are spread over all members.
func TestRenewalsAreBounded(t *testing.T) {
	for _, test := range []struct {
		nodes, members, likes int
		most                  int // members on one node
	}{
		{50, 50, -1, 1},
		{1000, 50, -1, 1},
		{1000, 400, -1, 1},
		{100, 1000, -1, 10},
		{1000, 400, 1, 8},
		{60_000, 3, -1, 3}, // one ranking would exceed the budget
	} {
		t.Run(fmt.Sprintf("%d of %d by %d", test.members, test.nodes, test.likes), func(t *testing.T) {
			c := newToy(plainNodes(test.nodes, max(8, test.most)), []toyClass{{members: test.members, needs: []int{1}, likes: test.likes}})
			plan, ok := Find(c, c.gang(test.members, Pack))
			if !ok || c.renewals*test.nodes*renewCost > renewBudget {
				t.Fatalf("%d of %d are placed, with %d renewals", plan.Placed, test.members, c.renewals)
			}
			if most := slices.Max(hostedBy(plan, 0, test.nodes)); most > test.most || test.likes > 0 && most < test.most {
				t.Errorf("a node has %d members, want %d", most, test.most)
			}
		})
	}
}
