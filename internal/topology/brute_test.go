package topology

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// score is what is wanted of a plan: first the members that classes must have, then many.
type score struct{ lacking, placed int }

func (s score) better(than score) bool {
	return s.lacking < than.lacking || s.lacking == than.lacking && s.placed > than.placed
}

// best tries all plans of all classes and returns the best of those that are legal. counts are the members of each class on each node.
func (w *world) best(legal func(counts [][]int) bool) score {
	t, classes := w.toy, w.request.Gang.Classes
	best := score{lacking: 1 << 30}
	counts := make([][]int, len(classes))
	for class := range counts {
		counts[class] = make([]int, len(t.free))
	}
	placed := make([]int, len(classes))
	var next func(class, node int)
	next = func(class, node int) {
		if class == len(classes) {
			if !legal(counts) {
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
		if node == len(t.free) {
			next(class+1, 0)
			return
		}
		next(class, node+1)
		n := 0
		for placed[class] < classes[class].Members && t.Fits(class, node) {
			t.Place(class, node)
			counts[class][node]++
			placed[class]++
			n++
			next(class, node+1)
		}
		counts[class][node] -= n
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
		w := newWorld(emptied(c), request)
		counts, got := w.counted(result)
		if !w.legal(sum(counts)) {
			t.Fatalf("case %d: %v breaks the rules of %+v", i, counts, request)
		}
		best := w.best(func(counts [][]int) bool { return w.legal(sum(counts)) })
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
	report(t, tallies)
}

// tally counts the cases of one kind: those in which a plan exists, and in which it is found, and those in which no better plan exists.
type tally struct{ cases, feasible, found, best int }

// report requires that a plan that exists is nearly always found, and always for one class.
func report(t *testing.T, tallies map[string]*tally) {
	for _, kind := range slices.Sorted(maps.Keys(tallies)) {
		n, wanted := tallies[kind], 0.98
		if !strings.Contains(kind, "several") {
			wanted = 1
		}
		share := float64(n.found) / float64(n.feasible)
		t.Logf("%s: %d cases, %d feasible, found %d (%.2f%%); none is better in %d", kind, n.cases, n.feasible, n.found, 100*share, n.best)
		if share < wanted {
			t.Errorf("%s: found %.2f%%, want %.0f%%", kind, 100*share, 100*wanted)
		}
	}
}

// counted returns the members of each class on each node, and the score.
func (w *world) counted(r Result) ([][]int, score) {
	counts := make([][]int, len(r.Nodes))
	s := score{placed: r.Placed}
	for class, nodes := range r.Nodes {
		counts[class] = make([]int, len(w.toy.free))
		for _, n := range nodes {
			counts[class][n]++
		}
		s.lacking += max(0, w.request.Gang.Classes[class].Must-len(nodes))
	}
	return counts, s
}

// sum adds up the members of the classes on each node.
func sum(counts [][]int, classes ...int) []int {
	if len(classes) == 0 {
		classes = ascending(len(counts))
	}
	all := make([]int, len(counts[0]))
	for _, class := range classes {
		for n, count := range counts[class] {
			all[n] += count
		}
	}
	return all
}

// TestBruteForceParts does the same for gangs of which some classes have rules of their own.
func TestBruteForceParts(t *testing.T) {
	cases := 5000
	if testing.Short() {
		cases = 500
	}
	r := rand.New(rand.NewPCG(5, 6))
	tallies := map[string]*tally{"several classes": {}}
	n := tallies["several classes"]
	for i := range cases {
		c, request := smallCase(r)
		levels := []*Level{request.Slice, request.Spread, request.Required}
		l := levels[slices.IndexFunc(append(levels, &Level{}), func(l *Level) bool { return l != nil })%3]
		if l == nil || len(request.Gang.Classes) < 2 {
			continue
		}
		own := Rules{Required: l}
		if r.IntN(2) == 0 {
			own = Rules{Slice: l, SliceSize: 2}
		}
		request.Slice, request.Spread = nil, nil
		request.Parts = []Part{{Classes: []int{0}, Rules: own}}
		if len(request.Gang.Classes) > 2 && r.IntN(2) == 0 {
			request.Parts = append(request.Parts, Part{Classes: []int{1}, Rules: Rules{Required: l}})
		}
		result := Find(c, request)
		examine(t, c, request, result)
		w := newWorld(emptied(c), request)
		legal := func(counts [][]int) bool {
			for _, part := range request.Parts {
				one := world{toy: c, request: Request{Gang: request.Gang, Rules: part.Rules}, members: w.members}
				if !one.legal(sum(counts, part.Classes...)) {
					return false
				}
			}
			return w.legal(sum(counts))
		}
		counts, got := w.counted(result)
		if !legal(counts) {
			t.Fatalf("case %d: %v breaks the rules of %+v", i, counts, request)
		}
		best := w.best(legal)
		if got.better(best) {
			t.Fatalf("case %d: %+v where %+v is the best", i, got, best)
		}
		n.cases++
		if best.lacking == 0 && best.placed >= request.Gang.Min {
			n.feasible++
			if result.Fits {
				n.found++
			} else if testing.Verbose() && n.feasible-n.found < 5 {
				t.Logf("case %d: %+v of %+v, free %v, needs %v, forbidden %v, apart %v, %+v %+v", i, got, best,
					c.free, c.needs, c.forbidden, c.apart, request.Gang, request.Parts)
			}
		}
		if got == best {
			n.best++
		}
	}
	report(t, tallies)
}
