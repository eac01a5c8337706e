package placement

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawNodes draws a cluster of up to 12 nodes with two resources in up to 3 zones.
func drawNodes(t *rapid.T) []toyNode {
	nodes := make([]toyNode, rapid.IntRange(0, 12).Draw(t, "nodes"))
	for n := range nodes {
		nodes[n] = toyNode{
			name: fmt.Sprintf("n%d", n),
			zone: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone"),
			free: rapid.SliceOfN(rapid.IntRange(0, 9), 2, 2).Draw(t, "free"),
		}
	}
	return nodes
}

// drawClass draws a local class.
func drawClass(t *rapid.T, nodes, members int) toyClass {
	class := toyClass{
		members: rapid.IntRange(1, members).Draw(t, "members"),
		needs:   rapid.SliceOfN(rapid.IntRange(0, 5), 2, 2).Draw(t, "needs"),
	}
	class.must = rapid.IntRange(0, class.members).Draw(t, "must")
	for n := range nodes {
		if rapid.IntRange(0, 5).Draw(t, "forbidden") == 0 {
			class.forbidden = append(class.forbidden, n)
		}
	}
	return class
}

// drawClasses draws up to 4 classes, some of which are not local.
func drawClasses(t *rapid.T, nodes int) []toyClass {
	classes := make([]toyClass, rapid.IntRange(1, 4).Draw(t, "classes"))
	for c := range classes {
		classes[c] = drawClass(t, nodes, 6)
		classes[c].partner = c
		switch rapid.IntRange(0, 8).Draw(t, "rule") {
		case 0:
			classes[c].apart = true
		case 1:
			classes[c].avoids = []int{rapid.IntRange(0, len(classes)-1).Draw(t, "avoids")}
		case 2:
			classes[c].skew = rapid.IntRange(1, 2).Draw(t, "skew")
		case 4, 5:
			classes[c].likes = rapid.IntRange(-3, 3).Draw(t, "likes")
			classes[c].liked = rapid.IntRange(0, len(classes)-1).Draw(t, "liked")
		case 3:
			classes[c].with = rapid.SampledFrom([]string{"zone", "node"}).Draw(t, "with")
			classes[c].partner = rapid.IntRange(0, len(classes)-1).Draw(t, "partner")
		}
	}
	return classes
}

func drawGang(t *rapid.T, c *toy) Gang {
	total := 0
	for _, class := range c.classes {
		total += class.members
	}
	return c.gang(rapid.IntRange(1, total).Draw(t, "min"), Strategy(rapid.IntRange(0, 1).Draw(t, "strategy")))
}

// A plan breaks no rule, the cluster holds it, and it fits if it has enough members, in total and of each class.
func TestPlansAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		c := newToy(nodes, drawClasses(t, len(nodes)))
		g := drawGang(t, c)
		plan, ok := Find(c, g)
		examine(t, c, g, plan, ok)
	})
}

// The same input gives the same plan.
func TestPlansAreRepeatable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		classes := drawClasses(t, len(nodes))
		c := newToy(nodes, classes)
		g := drawGang(t, c)
		plan, _ := Find(c, g)
		again, _ := Find(newToy(nodes, classes), g)
		if diff := cmp.Diff(plan, again); diff != "" {
			t.Fatalf("the second plan differs (-first +second):\n%s", diff)
		}
	})
}

// One local class: more free capacity, or one more node, never means fewer members.
func TestMoreCapacityIsNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		classes := []toyClass{drawClass(t, len(nodes), 40)}
		classes[0].likes = rapid.IntRange(-2, 2).Draw(t, "likes")
		c := newToy(nodes, classes)
		g := drawGang(t, c)
		plan, ok := Find(c, g)
		for n := range nodes {
			for r := range nodes[n].free {
				nodes[n].free[r] += rapid.IntRange(0, 2).Draw(t, "more")
			}
		}
		if rapid.Bool().Draw(t, "another") {
			nodes = append(nodes, toyNode{zone: "d", free: []int{3, 3}})
		}
		more, okMore := Find(newToy(nodes, classes), g)
		if more.Placed < plan.Placed || ok && !okMore {
			t.Fatalf("with more capacity %d are placed, with less %d", more.Placed, plan.Placed)
		}
	})
}

// One local class: the same number of members fits, packed or spread, and in whatever order the nodes are.
func TestOneLocalClassIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		class := drawClass(t, len(nodes), 40)
		class.likes = rapid.IntRange(-2, 2).Draw(t, "likes")
		fit := 0
		j := judge{nodes, []toyClass{class}}
		for n := range nodes {
			var placed []step
			for len(placed) < class.members && j.allows(placed, 0, n) {
				placed = append(placed, step{0, int32(n)})
			}
			fit += len(placed)
		}
		for _, strategy := range []Strategy{Pack, Spread} {
			c := newToy(nodes, j.classes)
			g := c.gang(1, strategy)
			plan, ok := Find(c, g)
			examine(t, c, g, plan, ok)
			if plan.Placed != min(fit, class.members) {
				t.Fatalf("%d placed, %d fit, of %d", plan.Placed, fit, class.members)
			}
		}
	})
}

// The order of the classes does not change how many members are placed, unless two classes look equal and only calls of Fits distinguish
// them.
func TestOrderOfClassesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		classes := drawClasses(t, len(nodes))
		c := newToy(nodes, classes)
		g := drawGang(t, c)
		for i := range g.Classes {
			g.Classes[i].Size += float64(i) / 1e6
		}
		plan, ok := Find(c, g)
		order := rapid.Permutation(identity(len(classes))).Draw(t, "order")
		place := make([]int, len(order)) // the new index of each class
		for to, from := range order {
			place[from] = to
		}
		other := make([]toyClass, len(classes))
		for to, from := range order {
			other[to] = classes[from]
			other[to].partner, other[to].liked = place[classes[from].partner], place[classes[from].liked]
			other[to].avoids = nil
			for _, avoided := range classes[from].avoids {
				other[to].avoids = append(other[to].avoids, place[avoided])
			}
		}
		d := newToy(nodes, other)
		h := d.gang(g.Min, g.Strategy)
		for to, from := range order {
			h.Classes[to] = g.Classes[from]
		}
		planOther, okOther := Find(d, h)
		if ok != okOther || plan.Placed != planOther.Placed {
			t.Fatalf("%d placed, in the order %v %d", plan.Placed, order, planOther.Placed)
		}
	})
}

func identity(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
