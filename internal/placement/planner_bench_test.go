package placement

import (
	"fmt"
	"testing"
)

// flat is a cluster with one resource and very cheap answers, so that the benchmark measures the planner.
type flat struct {
	free, initial []int
	needs         []int // by class
	fits          int
}

func newFlat(nodes int, needs []int) *flat {
	f := &flat{needs: needs, initial: make([]int, nodes)}
	for n := range f.initial {
		f.initial[n] = int(scramble(uint64(n)) % 17)
	}
	f.free = append(f.free, f.initial...)
	return f
}

func (f *flat) Nodes() int                { return len(f.free) }
func (f *flat) Room(class, node int) int  { return f.free[node] / f.needs[class] }
func (f *flat) Fits(class, node int) bool { f.fits++; return f.free[node] >= f.needs[class] }
func (f *flat) Place(class, node int)     { f.free[node] -= f.needs[class] }
func (f *flat) Tiers(int) []uint16        { return nil }
func (f *flat) Reset()                    { copy(f.free, f.initial) }

// BenchmarkPlanner measures Find without the cost of the cluster itself. fits/op is the number of calls of Fits, which cost about 4 µs each
// in a real cluster.
func BenchmarkPlanner(b *testing.B) {
	for _, nodes := range []int{100, 1000, 10_000, 100_000} {
		thousand := []Class{{Members: 1000, Local: true}}
		three := []Class{
			{Members: 100, Local: true, Size: 8},
			{Members: 300, Local: true, Size: 4},
			{Members: 600, Local: true, Size: 1},
		}
		launcher := []Class{
			{Members: 1, Must: 1, Local: true, Size: 4},
			{Members: 700, Must: 500, Local: true, Size: 4},
			{Members: 300, Local: true, Size: 1},
		}
		tooMany := []Class{{Members: 6 * nodes, Local: true}}
		third := Class{Members: nodes / 3, Local: true}
		for _, gang := range []struct {
			name     string
			needs    []int
			classes  []Class
			strategy Strategy
			without  int // Min is this many less than all members
		}{
			{"pack", []int{2}, thousand, Pack, 0},
			{"spread", []int{2}, thousand, Spread, 0},
			{"three classes", []int{8, 4, 1}, three, Pack, 0},
			{"three classes with musts", []int{4, 4, 1}, launcher, Pack, 400},
			{"not local", []int{2}, []Class{{Members: 1000}}, Pack, 0},
			{"failing", []int{2}, tooMany, Pack, 0},
			// Each of these classes would fit alone, so Find tries every order.
			{"failing classes", []int{9, 8, 7}, []Class{third, third, third}, Pack, 0},
		} {
			b.Run(fmt.Sprintf("%s/%d", gang.name, nodes), func(b *testing.B) {
				f := newFlat(nodes, gang.needs)
				g := Gang{Classes: gang.classes, Strategy: gang.strategy, Min: -gang.without}
				for _, class := range g.Classes {
					g.Min += class.Members
				}
				b.ReportAllocs()
				for b.Loop() {
					f.Reset()
					Find(f, g)
				}
				b.ReportMetric(float64(f.fits)/float64(b.N), "fits/op")
			})
		}
	}
}
