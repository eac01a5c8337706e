package topology

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// TestCalls checks how many calls of Fits it takes to place a gang, or to find that it does not fit, on 1,000 nodes in 50 racks.
func TestCalls(t *testing.T) {
	const nodes, racks = 1000, 50
	l := divided("rack", nodes, racks)
	even := func(free int, needs ...int) *toy {
		var all, by [][]int
		for range nodes {
			all = append(all, []int{free})
		}
		for _, need := range needs {
			by = append(by, []int{need})
		}
		return newToy(all, by)
	}
	trapped := func(c *toy, racks int) *toy {
		for n := range nodes {
			if int(l.Of[n]) < racks {
				c.forbidden[0] = append(c.forbidden[0], n)
			}
		}
		return c
	}
	several := func(members ...int) placement.Gang {
		g := placement.Gang{}
		for _, n := range members {
			g.Classes = append(g.Classes, placement.Class{Members: n, Local: true, Size: 1})
			g.Min += n
		}
		return g
	}
	for _, test := range []struct {
		name    string
		cluster *toy
		gang    placement.Gang
		rules   Rules
		fits    bool
		most    int
	}{
		{"in the first rack", even(2, 1), equal(40, 40), Rules{Required: l}, true, 40},
		{"too large for any rack", even(2, 1), equal(41, 41), Rules{Required: l}, false, 40},
		{"ten racks reject it", trapped(even(2, 1), 10), equal(40, 40), Rules{Required: l}, true, nodes},
		{"all racks reject it", trapped(even(2, 1), 50), equal(40, 40), Rules{Required: l}, false, 2 * nodes},
		{"preferred, over two racks", even(2, 1), equal(60, 60), Rules{Preferred: []*Level{l}}, true, 60},
		{"preferred, all racks reject it", trapped(even(2, 1), 50), equal(60, 60), Rules{Preferred: []*Level{l}}, false, 2 * nodes},
		{"slices", even(2, 1), equal(512, 512), Rules{Slice: l, SliceSize: 8}, true, 512},
		{"slices, ten racks reject them", trapped(even(2, 1), 10), equal(512, 512), Rules{Slice: l, SliceSize: 8}, true, 3 * 512},
		{"spread", even(2, 1), equal(512, 512), Rules{Spread: l}, true, 512},
		{"two classes", even(2, 1, 1), several(30, 10), Rules{Required: l}, true, 40},
		{"two classes that each fit alone", even(2, 1, 1), several(30, 30), Rules{Required: l}, false, allBudget + placementMost},
		{"two classes in slices", even(2, 1, 1), several(400, 112), Rules{Slice: l, SliceSize: 8}, true, 2 * 512},
		{"two classes spread", even(2, 1, 1), several(400, 112), Rules{Spread: l}, true, 2 * 512},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Find(test.cluster, Request{Gang: test.gang, Rules: test.rules})
			if r.Fits != test.fits || test.cluster.fits > test.most {
				t.Errorf("fits %v with %d calls; want %v with at most %d", r.Fits, test.cluster.fits, test.fits, test.most)
			}
		})
	}
}

// placementMost is how much a last call of placement.Find may exceed a budget.
const placementMost = 5000
