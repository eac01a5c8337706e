package topology

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// drawToy draws a cluster of up to 6 nodes. traps says that nodes may reject members although they have free capacity.
func drawToy(t *rapid.T, traps bool) *toy {
	free := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 6).Draw(t, "free")
	c := one(free...)
	if traps {
		for n := range free {
			if rapid.IntRange(0, 4).Draw(t, "trap") == 0 {
				c.forbidden[0] = append(c.forbidden[0], n)
			}
		}
	}
	return c
}

// drawLevels draws three levels, narrowest first. nested says that each domain is inside one domain of the next level.
func drawLevels(t *rapid.T, nodes int, nested bool) []*Level {
	names := make([][]string, 3)
	for n := range nodes {
		block := rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "block")
		rack := rapid.SampledFrom([]string{"r1", "r2", "r3", ""}).Draw(t, "rack")
		host := rapid.SampledFrom([]string{"h1", "h2", "h3"}).Draw(t, "host")
		if nested {
			if rack != "" {
				rack = block + rack
			}
			host = block + rack + host
		}
		_ = n
		names[0], names[1], names[2] = append(names[0], host), append(names[1], rack), append(names[2], block)
	}
	return []*Level{level("host", names[0]...), level("rack", names[1]...), level("block", names[2]...)}
}

func drawGang(t *rapid.T) placement.Gang {
	members := rapid.IntRange(1, 9).Draw(t, "members")
	return equal(members, rapid.IntRange(1, members).Draw(t, "least"))
}

// drawRules draws rules over the levels.
func drawRules(t *rapid.T, levels []*Level, nodes int) Rules {
	var r Rules
	pick := func(what string) *Level { return rapid.SampledFrom(levels).Draw(t, what) }
	if rapid.Bool().Draw(t, "required") {
		r.Required = pick("required level")
	}
	for _, l := range levels {
		if rapid.Bool().Draw(t, "preferred") {
			r.Preferred = append(r.Preferred, l)
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "extra") {
	case 0:
		r.Slice, r.SliceSize = pick("slice"), rapid.IntRange(1, 4).Draw(t, "size")
	case 1:
		r.Spread = pick("spread")
		if rapid.Bool().Draw(t, "usable") {
			r.Usable = rapid.SliceOfN(rapid.Bool(), nodes, nodes).Draw(t, "which")
		}
	}
	return r
}

// examine checks what must hold for every result.
func examine(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, c *toy, r Request, result Result,
) {
	t.Helper()
	held := placement.Plan{Nodes: make([][]int, len(r.Gang.Classes)), Placed: len(c.steps)}
	for class := range held.Nodes {
		held.Nodes[class] = []int{}
	}
	for _, s := range c.steps {
		held.Nodes[s.class] = append(held.Nodes[s.class], int(s.node))
	}
	if diff := cmp.Diff(held, result.Plan); diff != "" {
		t.Fatalf("the cluster does not hold the plan (-cluster +plan):\n%s", diff)
	}
	fits := result.Placed >= r.Gang.Min
	for class, nodes := range result.Nodes {
		if len(nodes) > r.Gang.Classes[class].Members {
			t.Fatalf("%d of %d members", len(nodes), r.Gang.Classes[class].Members)
		}
		fits = fits && len(nodes) >= r.Gang.Classes[class].Must
	}
	if result.Level == nil && r.Required != nil && result.Placed > 0 {
		t.Fatalf("%v, but the required domain is not reported", result.Nodes)
	}
	for _, nodes := range result.Nodes {
		for _, n := range nodes {
			if result.Level != nil && result.Level.Of[n] != int32(result.Domain) {
				t.Fatalf("%v is not all in %s", result.Nodes, result.Level.Names[result.Domain])
			}
		}
	}
	if fits != result.Fits {
		t.Fatalf("placed %v of %+v, but %v", result.Nodes, r.Gang, result.Fits)
	}
}

// One local class: a plan keeps the rules, and has as many members as any plan that keeps them. Preferred levels never make it smaller.
func TestOneLocalClassIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		nodes := len(c.free)
		r := Request{Gang: drawGang(t), Rules: drawRules(t, drawLevels(t, nodes, rapid.Bool().Draw(t, "nested")), nodes)}
		if r.Spread != nil && rapid.Bool().Draw(t, "runs") {
			r.Running = rapid.SliceOfN(rapid.Int32Range(0, 2), nodes, nodes).Draw(t, "running")
			r.Required, r.Preferred = nil, nil
		}
		result := Find(c, r)
		examine(t, c, r, result)
		w := newWorld(emptied(c), r)
		counts := w.counts(result)
		if !w.legal(counts) {
			t.Fatalf("%v breaks the rules", counts)
		}
		best := 0
		w.try(func(_ []int, placed int) { best = max(best, placed) })
		if result.Placed != best {
			t.Fatalf("placed %d, %d are possible", result.Placed, best)
		}
		hard := r.Required != nil || r.Slice != nil || r.Spread != nil
		if (result.Finding != nil) != (!result.Fits && hard) {
			t.Fatalf("fits %v, finding %v", result.Fits, result.Finding)
		}
	})
}

// emptied is the toy without members.
func emptied(c *toy) *toy {
	c.Reset()
	return c
}

// Members that come later never leave more chunks incomplete than there were, or than one.
func TestChunksAreCompleted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		nodes := len(c.free)
		l := drawLevels(t, nodes, true)[rapid.IntRange(0, 2).Draw(t, "level")]
		r := Request{Gang: drawGang(t), Rules: Rules{Slice: l, SliceSize: rapid.IntRange(1, 4).Draw(t, "size")}}
		r.Running = rapid.SliceOfN(rapid.Int32Range(0, 5), nodes, nodes).Draw(t, "running")
		before := make([]int, nodes)
		for n, running := range r.Running {
			if before[n] = int(running); l.Of[n] < 0 {
				before[n], r.Running[n] = 0, 0
			}
		}
		result := Find(c, r)
		examine(t, c, r, result)
		after := slices.Clone(before)
		for _, n := range result.Nodes[0] {
			after[n]++
		}
		incomplete := func(counts []int) int {
			sums, ok := by(l, counts)
			if !ok {
				t.Fatalf("%v is not all in domains", counts)
			}
			n := 0
			for _, sum := range sums {
				n += min(1, sum%r.SliceSize)
			}
			return n
		}
		if got, had := incomplete(after), incomplete(before); got > max(1, had) {
			t.Fatalf("%d incomplete chunks, %d before: %v, %v", got, had, before, after)
		}
	})
}

// Without rules the plan is that of placement.Find.
func TestNoRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		gang := drawGang(t)
		result := Find(c, Request{Gang: gang, Parts: []Part{{Classes: []int{0}}}})
		plan, fits := placement.Find(emptied(c), gang)
		if diff := cmp.Diff(Result{Plan: plan, Fits: fits, Domain: -1}, result); diff != "" {
			t.Fatalf("-placement +topology:\n%s", diff)
		}
	})
}

// The order of nodes and domains does not matter for how much is placed where.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		nodes := len(c.free)
		levels := drawLevels(t, nodes, true)
		r := Request{Gang: drawGang(t), Rules: drawRules(t, levels, nodes)}
		r.Usable = nil
		result := Find(c, r)

		order := rapid.Permutation(ascending(nodes)).Draw(t, "order")
		other := one(make([]int, nodes)...)
		names := make([][]string, len(levels))
		for i, n := range order {
			other.free[i] = c.free[n]
			if slices.Contains(c.forbidden[0], n) {
				other.forbidden[0] = append(other.forbidden[0], i)
			}
			for k, l := range levels {
				name := ""
				if l.Of[n] >= 0 {
					name = l.Names[l.Of[n]]
				}
				names[k] = append(names[k], name)
			}
		}
		moved := map[*Level]*Level{nil: nil}
		for k, l := range levels {
			moved[l] = level(l.Key, names[k]...)
		}
		again := r
		again.Required, again.Slice, again.Spread = moved[r.Required], moved[r.Slice], moved[r.Spread]
		again.Preferred = nil
		for _, l := range r.Preferred {
			again.Preferred = append(again.Preferred, moved[l])
		}
		second := Find(other, again)
		for _, l := range levels {
			if l != r.Required && l != r.Slice && l != r.Spread && !slices.Contains(r.Preferred, l) {
				continue
			}
			if diff := cmp.Diff(spots(l, result.Plan), spots(moved[l], second.Plan)); diff != "" {
				t.Fatalf("members by %s (-first +in another order):\n%s", l.Key, diff)
			}
		}
	})
}

func ascending(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// Any rules, running members and parts, for several classes: the cluster holds the plan, and Fits is right.
func TestPlansAreConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "case")
		c, r := smallCase(rand.New(rand.NewPCG(seed, 1)))
		nodes := len(c.free)
		running := func(what string) []int32 {
			if rapid.Bool().Draw(t, what+" runs") {
				return rapid.SliceOfN(rapid.Int32Range(0, 3), nodes, nodes).Draw(t, what)
			}
			return nil
		}
		r.Running = running("gang")
		levels := drawLevels(t, nodes, rapid.Bool().Draw(t, "nested"))
		for class := range r.Gang.Classes {
			if rapid.Bool().Draw(t, "part") {
				r.Parts = append(r.Parts, Part{Classes: []int{class}, Rules: drawRules(t, levels, nodes)})
				r.Parts[len(r.Parts)-1].Running = running("part")
			}
		}
		result := Find(c, r)
		examine(t, c, r, result)
		again := Find(emptied(c), r)
		if diff := cmp.Diff(result, again); diff != "" {
			t.Fatalf("the second plan differs (-first +second):\n%s", diff)
		}
	})
}

// Nothing to place anything on, or no domains.
func TestEmpty(t *testing.T) {
	none := level("rack")
	for _, rules := range []Rules{{Required: none}, {Preferred: []*Level{none}}, {Slice: none, SliceSize: 2}, {Spread: none}} {
		if r := Find(one(), Request{Gang: equal(1, 1), Rules: rules}); r.Fits || r.Placed > 0 {
			t.Errorf("%+v: %+v", rules, r)
		}
		r := Find(one(1), Request{Gang: equal(1, 1), Rules: Rules{Required: level("rack", "a")}, Parts: []Part{{Rules: rules}}})
		if !r.Fits {
			t.Errorf("a part without classes: %+v", r)
		}
		unlabelled := level("rack", "", "")
		r = Find(one(1, 1), Request{Gang: equal(1, 1), Rules: Rules{Required: unlabelled}})
		if want := "no node that may be used has the label rack"; r.Fits || r.Finding.String() != want {
			t.Errorf("%v, %v; want %s", r.Fits, r.Finding, want)
		}
	}
}
