package topology

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// score is what is wanted of a plan: first the members that classes must have, then many.
type score struct{ lacking, placed int }

func (s score) better(than score) bool {
	return s.lacking < than.lacking || s.lacking == than.lacking && s.placed > than.placed
}

// best tries all plans of all classes and returns the best that keeps the rules.
func (w *world) best() score {
	t, classes := w.toy, w.request.Gang.Classes
	best := score{lacking: 1 << 30}
	counts := make([]int, len(t.free))
	placed := make([]int, len(classes))
	var next func(class, node int)
	next = func(class, node int) {
		if class == len(classes) {
			if !w.legal(counts) {
				return
			}
			s := score{}
			for c, n := range placed {
				s.placed += n
				s.lacking += max(0, classes[c].Must-n)
			}
			if s.better(best) {
				best = s
			}
			return
		}
		if node == len(counts) {
			next(class+1, 0)
			return
		}
		next(class, node+1)
		n := 0
		for placed[class] < classes[class].Members && t.Fits(class, node) {
			t.Place(class, node)
			counts[node]++
			placed[class]++
			n++
			next(class, node+1)
		}
		counts[node] -= n
		placed[class] -= n
		for r, need := range t.needs[class] {
			t.used[node][r] -= n * need
		}
		t.on[class][node] -= n
	}
	next(0, 0)
	return best
}

// smallCase draws a cluster of up to 5 nodes, a gang of up to 3 classes with up to 7 members, and rules.
func smallCase(r *rand.Rand) (*toy, Request) {
	var free, needs [][]int
	names := make([][]string, 2)
	for range 1 + max(r.IntN(5), r.IntN(5)) {
		free = append(free, []int{2 + r.IntN(7), 2 + r.IntN(7)})
		block := strconv.Itoa(r.IntN(2))
		rack := block + "-" + strconv.Itoa(r.IntN(2))
		if r.IntN(12) == 0 {
			rack = ""
		}
		names[0], names[1] = append(names[0], rack), append(names[1], block)
	}
	request := Request{}
	total := 0
	for range 1 + r.IntN(3) {
		class := placement.Class{Members: 1 + r.IntN(3), Local: true}
		if r.IntN(3) == 0 {
			class.Must = r.IntN(class.Members + 1)
		}
		total += class.Members
		need := []int{1 + r.IntN(4), r.IntN(4)}
		class.Size = float64(slices.Max(need))
		request.Gang.Classes = append(request.Gang.Classes, class)
		needs = append(needs, need)
	}
	t := newToy(free, needs)
	for c := range needs {
		if t.apart[c] = r.IntN(5) == 0; t.apart[c] {
			request.Gang.Classes[c].Local = false
		}
		for n := range free {
			if r.IntN(8) == 0 {
				t.forbidden[c] = append(t.forbidden[c], n)
			}
		}
	}
	request.Gang.Min = total
	if r.IntN(3) == 0 {
		request.Gang.Min = 1 + r.IntN(total)
	}
	racks, blocks := level("rack", names[0]...), level("block", names[1]...)
	either := func() *Level { return []*Level{racks, blocks}[r.IntN(2)] }
	if r.IntN(2) == 0 {
		request.Required = either()
	}
	if r.IntN(2) == 0 {
		request.Preferred = append(request.Preferred, racks)
	}
	if r.IntN(2) == 0 {
		request.Preferred = append(request.Preferred, blocks)
	}
	switch r.IntN(4) {
	case 0:
		request.Slice, request.SliceSize = either(), 2+r.IntN(2)
	case 1:
		request.Spread = either()
	}
	return t, request
}

// TestBruteForce compares Find with an exhaustive search for gangs of several classes. A plan must always keep the rules, and Find must
// nearly always find a plan that exists.
func TestBruteForce(t *testing.T) {
	cases := 10_000
	if testing.Short() {
		cases = 1000
	}
	r := rand.New(rand.NewPCG(1, 2))
	type tally struct{ cases, feasible, found, best int }
	tallies := map[string]*tally{}
	for i := range cases {
		c, request := smallCase(r)
		kind := "plain"
		if request.Slice != nil {
			kind = "slices"
		} else if request.Spread != nil {
			kind = "spread"
		}
		if len(request.Gang.Classes) > 1 {
			kind += " of several classes"
		}
		result := Find(c, request)
		examine(t, c, request, result)
		w := newWorld(c2(c), request)
		got := score{placed: result.Placed}
		counts := make([]int, len(c.free))
		for class, nodes := range result.Nodes {
			got.lacking += max(0, request.Gang.Classes[class].Must-len(nodes))
			for _, n := range nodes {
				counts[n]++
			}
		}
		if !w.legal(counts) {
			t.Fatalf("case %d: %v breaks the rules of %+v", i, counts, request)
		}
		best := w.best()
		if got.better(best) {
			t.Fatalf("case %d: %+v where %+v is the best", i, got, best)
		}
		if tallies[kind] == nil {
			tallies[kind] = &tally{}
		}
		n := tallies[kind]
		n.cases++
		if best.lacking == 0 && best.placed >= request.Gang.Min {
			n.feasible++
			if result.Fits {
				n.found++
			} else if testing.Verbose() && n.feasible-n.found < 3 {
				t.Logf("case %d: %s: %+v of %+v, free %v, needs %v, forbidden %v, apart %v, %+v %+v", i, kind, got, best,
					c.free, c.needs, c.forbidden, c.apart, request.Gang, request.Rules)
			}
		}
		if got == best {
			n.best++
		}
	}
	for _, kind := range []string{"plain", "plain of several classes", "slices", "slices of several classes", "spread", "spread of several classes"} {
		n := tallies[kind]
		t.Logf("%s: %d cases, %d feasible, found %d (%.2f%%); none is better in %d", kind, n.cases, n.feasible, n.found,
			100*float64(n.found)/float64(n.feasible), n.best)
	}
}
