package queue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// benchWaiting is how many entries wait in the benchmarks.
const benchWaiting = 100_000

// benchResources are the resources of the benchmarks.
var benchResources = []string{"cpu", "memory", "ephemeral-storage", "pods", "nvidia.com/gpu", "example.com/nic"}

// layout is a tree for benchmarks: how many children each level has.
type layout struct {
	name   string
	levels []int
	// limited is true if queues have guarantees, and limits that are reached.
	limited bool
	strict  bool
}

var layouts = []layout{
	{name: "flat", levels: []int{1000}},
	{name: "flat, limits reached", levels: []int{1000}, limited: true},
	{name: "10x10x10", levels: []int{10, 10, 10}},
	{name: "10x10x10, limits reached", levels: []int{10, 10, 10}, limited: true},
	{name: "10x100, limits reached", levels: []int{10, 100}, limited: true},
	{name: "10x10x10, Strict", levels: []int{10, 10, 10}, strict: true},
	{name: "one queue", levels: []int{1}},
	{name: "one queue, limits reached", levels: []int{1}, limited: true},
}

// load is a tree with entries that wait in it and others that run.
type load struct {
	tree    *queue.Tree
	leaves  []queue.Leaf
	asks    []queue.Vector
	running []queue.Entry
	random  *rand.Rand
	ids     int
}

// queues returns the queues of a layout.
func (l layout) queues(name string, level int) []queue.Queue {
	queues := make([]queue.Queue, l.levels[level])
	below := 1
	for _, n := range l.levels[level+1:] {
		below *= n
	}
	for i := range queues {
		c := queue.NewQueue(fmt.Sprintf("%s-%d", name, i))
		if l.strict {
			c.Order = queue.Strict
		}
		c.Weight = float64(1 + i%3)
		if l.limited {
			limit := int64(16)
			if below > 1 { // less than the limits of those below together
				limit = 12
			}
			c.Limit = amounts{"nvidia.com/gpu": limit * int64(below), "cpu": 12_500 * limit * int64(below)}
			c.Guarantee = amounts{"nvidia.com/gpu": 8 * int64(below)}
		}
		if level+1 < len(l.levels) {
			c.Queues = l.queues(c.Name, level+1)
		}
		queues[i] = c
	}
	return queues
}

// newLoad returns a tree in which everything waits that can, and runs what the limits let run, or else some of it.
func newLoad(l layout) *load {
	r := queue.NewResources()
	queues := l.queues("q", 0)
	d := &load{tree: queue.New(queue.Config{Queues: queues}, r), random: rand.New(rand.NewPCG(1, 2))}
	total := queue.Vector{}
	for _, name := range benchResources {
		total.Set(r.Index(name), 10_000_000)
	}
	d.tree.SetTotal(total)
	for _, name := range leafNames(queues) {
		leaf, _ := d.tree.For("", name)
		d.leaves = append(d.leaves, leaf)
	}
	for range 1000 {
		ask := amounts{"cpu": 1000 + d.random.Int64N(16_000), "memory": 1 + d.random.Int64N(100), "pods": 1 + d.random.Int64N(8)}
		if d.random.IntN(2) == 0 {
			ask["nvidia.com/gpu"] = 1 << d.random.IntN(4)
			ask["example.com/nic"] = 1
		}
		d.asks = append(d.asks, r.Vector(ask))
	}
	for range benchWaiting {
		d.wait()
	}
	for range 20_000 {
		e, ok := d.tree.Next()
		if !ok {
			break
		}
		d.start(e)
	}
	return d
}

// wait adds an entry.
func (d *load) wait() {
	d.ids++
	d.tree.Wait(queue.Entry{
		ID: queue.ID(fmt.Sprint("e", d.ids)), Leaf: d.leaves[d.random.IntN(len(d.leaves))], Ask: d.asks[d.random.IntN(len(d.asks))], Ready: true,
		Key: queue.SortKey{Priority: d.random.Int32N(3), Age: time.Unix(int64(d.ids), 0)},
	})
}

// start starts an entry, and adds another in its place.
func (d *load) start(e queue.Entry) {
	d.tree.Remove(e.ID)
	d.tree.Use(e.Leaf, e.Ask, 1)
	d.running = append(d.running, e)
	d.wait()
}

// end ends something that runs.
func (d *load) end() {
	i, last := d.random.IntN(len(d.running)), len(d.running)-1
	e := d.running[i]
	d.running[i] = d.running[last]
	d.running = d.running[:last]
	d.tree.Use(e.Leaf, e.Ask, -1)
}

// BenchmarkUse measures what it takes to count a pod that is bound, or ends.
func BenchmarkUse(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			b.ReportAllocs()
			by := int64(1)
			for i := 0; b.Loop(); i++ {
				d.tree.Use(d.leaves[i/2*7919%len(d.leaves)], d.asks[i/2%len(d.asks)], by)
				by = -by
			}
		})
	}
}

// BenchmarkNext measures what it takes to find what goes next after something has ended, or has started.
func BenchmarkNext(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			b.ReportAllocs()
			by := int64(-1)
			for i := 0; b.Loop(); i++ {
				e := &d.running[i/2*7919%len(d.running)]
				d.tree.Use(e.Leaf, e.Ask, by)
				d.tree.Next()
				by = -by
			}
		})
	}
}

// BenchmarkTurn measures everything from one end to the next: what ends is counted, what goes next is found, starts and is counted, and
// another one waits.
func BenchmarkTurn(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			b.ReportAllocs()
			runs, started := len(d.running), 0
			for b.Loop() {
				d.end()
				for e, ok := d.tree.Next(); ok && len(d.running) < runs; e, ok = d.tree.Next() {
					d.start(e)
					started++
				}
			}
			b.ReportMetric(float64(started)/float64(b.N), "started/op")
		})
	}
}

// BenchmarkNotReady measures what it takes to find what goes next after the one before did not fit.
func BenchmarkNotReady(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			b.ReportAllocs()
			var refused []queue.ID
			for b.Loop() {
				e, ok := d.tree.Next()
				if !ok || len(refused) == benchWaiting/2 {
					b.StopTimer()
					for _, id := range refused {
						d.tree.SetReady(id, true)
					}
					refused = refused[:0]
					b.StartTimer()
					continue
				}
				d.tree.SetReady(e.ID, false)
				refused = append(refused, e.ID)
			}
		})
	}
}
