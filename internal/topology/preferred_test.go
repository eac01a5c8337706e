package topology

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// One local class: it goes to one domain of the narrowest preferred level that has one, and otherwise to the fewest of the last.
func TestPreferredIsTheNarrowest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		nodes := len(c.free)
		levels := drawLevels(t, nodes, true)
		r := Request{Gang: drawGang(t), Rules: drawRules(t, levels, nodes)}
		r.Gang.Min = r.Gang.Classes[0].Members
		r.Spread = nil
		if r.Slice != nil { // levels that divide chunks do not count
			narrowest := slices.Index(levels, r.Slice)
			r.Preferred = slices.DeleteFunc(r.Preferred, func(l *Level) bool { return slices.Index(levels, l) < narrowest })
		}
		if len(r.Preferred) == 0 {
			r.Preferred = levels[2:]
		}
		result := Find(c, r)
		if !result.Fits {
			return
		}
		w := newWorld(emptied(c), r)
		counts := w.counts(result)
		for i, l := range r.Preferred {
			possible := false
			w.try(func(other []int, placed int) {
				d, ok := oneDomain(l, other)
				possible = possible || ok && d >= 0 && placed == r.Gang.Min
			})
			if _, ok := oneDomain(l, counts); ok != possible {
				t.Fatalf("%v is in one %s: %v; possible: %v", counts, l.Key, ok, possible)
			} else if ok {
				if i > 0 && r.Slice == nil {
					inside := func(other []int) bool { d, ok := oneDomain(l, other); return ok && d == first(oneDomain(l, counts)) }
					w.checkFewest(t, r.Preferred[i-1], counts, inside)
				}
				return
			}
		}
		region := func([]int) bool { return true } // the required domain was chosen before
		if r.Required != nil {
			chosen, _ := oneDomain(r.Required, counts)
			region = func(other []int) bool { d, _ := oneDomain(r.Required, other); return d == chosen }
		}
		w.checkFewest(t, r.Preferred[len(r.Preferred)-1], counts, region)
	})
}

// checkFewest checks that the members on the nodes use as few domains of the level as any plan in the region.
func (w *world) checkFewest(t *rapid.T, l *Level, counts []int, region func(counts []int) bool) {
	nodes := len(counts)
	fewest := nodes + 1
	w.try(func(other []int, placed int) {
		if placed == w.members && region(other) && labelled(l, other) {
			fewest = min(fewest, used(l, other))
		}
	})
	if n := used(l, counts); labelled(l, counts) && n != fewest {
		t.Fatalf("%v is in %d of %s, %d are possible", counts, n, l.Key, fewest)
	} else if !labelled(l, counts) && fewest <= nodes {
		t.Fatalf("%v uses nodes in no %s", counts, l.Key)
	}
}

func first(d int, _ bool) int { return d }

// labelled reports whether all members are in domains.
func labelled(l *Level, counts []int) bool {
	_, ok := by(l, counts)
	return ok
}

// One local class: chunks use as few domains as possible.
func TestFewestDomainsOfSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, true)
		l := drawLevels(t, len(c.free), true)[rapid.IntRange(0, 2).Draw(t, "level")]
		r := Request{Gang: drawGang(t), Rules: Rules{Slice: l, SliceSize: rapid.IntRange(1, 4).Draw(t, "size")}}
		result := Find(c, r)
		w := newWorld(emptied(c), r)
		fewest := len(c.free) + 1
		w.try(func(counts []int, placed int) {
			if placed == result.Placed {
				fewest = min(fewest, used(l, counts))
			}
		})
		if n := used(l, w.counts(result)); n != fewest {
			t.Fatalf("%v is in %d domains, %d are possible", w.counts(result), n, fewest)
		}
	})
}

// One local class: of the domains that hold all, the one with the least free capacity is taken, and the first by name of equal ones.
func TestTheTightestDomain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawToy(t, false)
		nodes := len(c.free)
		l := drawLevels(t, nodes, true)[rapid.IntRange(0, 2).Draw(t, "level")]
		r := Request{Gang: drawGang(t)}
		r.Gang.Min = r.Gang.Classes[0].Members
		if rapid.Bool().Draw(t, "required") {
			r.Required = l
		} else {
			r.Preferred = []*Level{l}
		}
		result := Find(c, r)
		if result.Level == nil {
			return
		}
		free := make([]int, nodes)
		for n := range free {
			free[n] = c.free[n][0]
		}
		sums, _ := by(l, free)
		for d, sum := range sums {
			chosen := sums[result.Domain]
			if sum >= r.Gang.Min && (sum < chosen || sum == chosen && l.Names[d] < l.Names[result.Domain]) {
				t.Fatalf("%s with %d is chosen, not %s with %d", l.Names[result.Domain], chosen, l.Names[d], sum)
			}
		}
	})
}
