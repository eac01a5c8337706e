package queue_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
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
	// limits has, for each resource with limits that are reached, the limit of a leaf for each GPU of its limit. Then queues have guarantees too.
	limits amounts
	strict bool
	// hogged is true if the first queue uses all GPUs. So the others are below their guarantee, and what waits for GPUs in them cannot start.
	hogged bool
}

// Of two resources, or of all.
var (
	two = amounts{"nvidia.com/gpu": 1, "cpu": 12_500}
	six = amounts{"nvidia.com/gpu": 1, "cpu": 12_500, "memory": 73, "pods": 6, "example.com/nic": 1, "ephemeral-storage": 37}
)

var layouts = []layout{
	{name: "flat", levels: []int{1000}},
	{name: "10x10x10", levels: []int{10, 10, 10}},
	{name: "10x10x10, Strict", levels: []int{10, 10, 10}, strict: true},
	{name: "one queue", levels: []int{1}},
	{name: "one queue, limits reached", levels: []int{1}, limits: two},
	{name: "flat, limits reached", levels: []int{1000}, limits: two},
	{name: "10x10x10, limits reached", levels: []int{10, 10, 10}, limits: two},
	{name: "100x10, limits reached", levels: []int{100, 10}, limits: two},
	{name: "10x100, limits reached", levels: []int{10, 100}, limits: two},
	{name: "10x100, Strict, limits reached", levels: []int{10, 100}, limits: two, strict: true},
	{name: "2x500, limits reached", levels: []int{2, 500}, limits: two},
	{name: "1x1000, limits reached", levels: []int{1, 1000}, limits: two},
	{name: "10 chains of 7 above 100, limits reached", levels: []int{10, 1, 1, 1, 1, 1, 1, 100}, limits: two},
	{name: "10x10x10, six limits reached", levels: []int{10, 10, 10}, limits: six},
	{name: "10x100, six limits reached", levels: []int{10, 100}, limits: six},
	{name: "1x1000, six limits reached", levels: []int{1, 1000}, limits: six},
	{name: "1x1000, one has all GPUs, limits reached", levels: []int{1, 1000}, limits: two, hogged: true},
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
		if l.limits != nil {
			gpus := int64(16 * below)
			if below > 1 { // less than the limits of those below together
				gpus = int64(12 * below)
			}
			c.Limit = amounts{}
			for resource, limit := range l.limits {
				c.Limit[resource] = limit * gpus
			}
			c.Guarantee = amounts{"nvidia.com/gpu": int64(8 * below)}
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
		ask := amounts{
			"cpu": 1000 + d.random.Int64N(16_000), "memory": 1 + d.random.Int64N(100), "pods": 1 + d.random.Int64N(8),
			"ephemeral-storage": 1 + d.random.Int64N(50),
		}
		if d.random.IntN(2) == 0 {
			ask["nvidia.com/gpu"] = 1 << d.random.IntN(4)
			ask["example.com/nic"] = 1
		}
		d.asks = append(d.asks, r.Vector(ask))
	}
	for range benchWaiting {
		d.wait()
	}
	if l.hogged {
		d.tree.Use(d.leaves[0], r.Vector(amounts{"nvidia.com/gpu": int64(12 * len(d.leaves))}), 1)
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

// reportCPU reports the CPU time from now on until what it returns is called. On a busy machine it says more than the time.
func reportCPU(b *testing.B) (done func()) {
	b.ReportAllocs()
	runtime.GC()
	before := cpuTime(b)
	return func() { b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op") }
}

// cpuTime returns the CPU time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkUse measures what it takes to count a pod that is bound, or ends: what changed is only noted, and Next pays for the rest.
func BenchmarkUse(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			defer reportCPU(b)()
			for i := 0; b.Loop(); i++ {
				d.pod(i)
			}
		})
	}
}

// BenchmarkBinds measures the same, and what it takes to bring the tree up to date after 1,000 pods in different queues: all of it for one pod.
func BenchmarkBinds(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			defer reportCPU(b)()
			for i := 0; b.Loop(); i++ {
				d.pod(i)
				if i%1000 == 999 {
					d.tree.Next()
				}
			}
		})
	}
}

// pod counts a pod that is bound, or that ends: first as many as there are queues are bound, then the same end.
func (d *load) pod(i int) {
	n := len(d.leaves)
	by := int64(1 - i/n%2*2)
	d.tree.Use(d.leaves[i%n*7919%n], d.asks[i%n%len(d.asks)], by)
}

// BenchmarkNext measures what it takes to count something that has ended, or has started, to bring the tree up to date and to find what goes
// next.
func BenchmarkNext(b *testing.B) {
	for _, l := range layouts {
		b.Run(l.name, func(b *testing.B) {
			d := newLoad(l)
			defer reportCPU(b)()
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
			defer reportCPU(b)()
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
			defer reportCPU(b)()
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
