package topology

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// flat is a cluster with one resource whose answers take about as long as those of a real one: 30 ns for Room, 4 µs for Fits.
type flat struct {
	free, initial []int
	slow          bool
	rejects       int // the first so many nodes reject members
	fits          int
	sink          int
}

func newFlat(nodes int, slow bool) *flat {
	f := &flat{initial: make([]int, nodes), slow: slow}
	for n := range f.initial {
		f.initial[n] = 1 + n*7919%8
	}
	f.free = append(f.free, f.initial...)
	return f
}

func (f *flat) Nodes() int { return len(f.free) }

func (f *flat) Room(_, node int) int {
	if f.slow {
		f.work(32)
	}
	return f.free[node]
}

func (f *flat) Fits(_, node int) bool {
	f.fits++
	if f.slow {
		f.work(4000)
	}
	return f.free[node] > 0 && node >= f.rejects
}

func (f *flat) work(steps int) {
	x := f.sink
	for i := range steps {
		x = x*31 + i
	}
	f.sink = x
}

func (f *flat) Place(_, node int)  { f.free[node]-- }
func (f *flat) Tiers(int) []uint16 { return nil }
func (f *flat) Reset()             { copy(f.free, f.initial) }

// divided is a level in which the nodes are divided into so many domains, one run of neighbors each.
func divided(key string, nodes, domains int) *Level {
	l := &Level{Key: key, Of: make([]int32, nodes)}
	for d := range domains {
		l.Names = append(l.Names, key+strconv.Itoa(d))
	}
	for n := range l.Of {
		l.Of[n] = int32(n * domains / nodes)
	}
	return l
}

// BenchmarkRequired compares a gang that must be in one of 50 racks with the same gang without topology.
func BenchmarkRequired(b *testing.B) {
	const nodes = 5000
	rack := divided("rack", nodes, 50)
	for _, members := range []int{4, 100} {
		for _, rules := range []Rules{{}, {Required: rack}} {
			b.Run(fmt.Sprintf("%d members/topology %v", members, rules.Required != nil), func(b *testing.B) {
				benchmark(b, newFlat(nodes, true), Request{Gang: equal(members, members), Rules: rules})
			})
		}
	}
}

// BenchmarkSlices places a gang of 512 in chunks of 8 on 512 nodes.
func BenchmarkSlices(b *testing.B) {
	const nodes = 512
	for _, racks := range []int{32, 512} {
		b.Run(fmt.Sprintf("%d racks", racks), func(b *testing.B) {
			rules := Rules{Slice: divided("rack", nodes, racks), SliceSize: 8, Preferred: []*Level{divided("block", nodes, 4)}}
			c := newFlat(nodes, true)
			for n := range c.initial {
				c.initial[n] += 8
			}
			benchmark(b, c, Request{Gang: equal(512, 512), Rules: rules})
		})
	}
}

// BenchmarkRanking ranks 10,000 nodes in three levels. The answers of the cluster take no time.
func BenchmarkRanking(b *testing.B) {
	const nodes = 10_000
	levels := []*Level{divided("rack", nodes, 500), divided("block", nodes, 50), divided("zone", nodes, 5)}
	for _, test := range []struct {
		name    string
		members int
	}{{"one rack", 16}, {"one zone", 5000}, {"all zones", 30_000}} {
		b.Run(test.name, func(b *testing.B) {
			p := newPlanner(newFlat(nodes, false), equal(test.members, test.members))
			b.ReportAllocs()
			for b.Loop() {
				t := newTree(p, task{classes: []int{0}, rules: &Rules{Preferred: levels}, least: test.members})
				t.rise()
				t.divide(t.choose())
			}
		})
	}
}

// BenchmarkParts is a launcher and workers in one block, the workers in chunks of 8, each in one rack. The larger job fits in no block.
func BenchmarkParts(b *testing.B) {
	const nodes = 5000
	rack, block := divided("rack", nodes, 250), divided("block", nodes, 10)
	for _, workers := range []int{64, 2248} {
		b.Run(strconv.Itoa(workers), func(b *testing.B) {
			gang := placement.Gang{Min: 1 + workers, Classes: []placement.Class{
				{Members: 1, Must: 1, Local: true, Size: 1},
				{Members: workers, Must: workers, Local: true, Size: 1},
			}}
			benchmark(b, newFlat(nodes, true), Request{Gang: gang, Rules: Rules{Required: block}, Parts: []Part{
				{Classes: []int{1}, Rules: Rules{Slice: rack, SliceSize: 8}},
			}})
		})
	}
}

// BenchmarkNo is a gang of three classes that fits in no rack, though counting says so of each.
func BenchmarkNo(b *testing.B) {
	const nodes = 5000
	gang := placement.Gang{Min: 3 * 200}
	for range 3 {
		gang.Classes = append(gang.Classes, placement.Class{Members: 200, Local: true, Size: 1})
	}
	benchmark(b, newFlat(nodes, true), Request{Gang: gang, Rules: Rules{Required: divided("rack", nodes, 50)}})
}

// BenchmarkRejected is a gang for which counting prefers 4,000 nodes that reject it: each node is a domain.
func BenchmarkRejected(b *testing.B) {
	const nodes = 5000
	host := divided("host", nodes, nodes)
	for _, test := range []struct {
		name  string
		rules Rules
	}{
		{"required", Rules{Required: host}},
		{"slices", Rules{Slice: host, SliceSize: 2}},
		{"preferred", Rules{Preferred: []*Level{host}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			c := newFlat(nodes, true)
			c.rejects = 4000
			for n := range c.initial {
				c.initial[n] = 3 + n/c.rejects
			}
			benchmark(b, c, Request{Gang: equal(3, 3), Rules: test.rules})
		})
	}
}

func benchmark(b *testing.B, c *flat, r Request) {
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		Find(c, r)
	}
	b.ReportMetric(float64(c.fits)/float64(b.N), "fits/op")
}
