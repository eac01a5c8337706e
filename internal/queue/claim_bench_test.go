package queue_test

import (
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// BenchmarkEligible asks for each of 50,000 victims whether it could be taken, with a new claim each time.
func BenchmarkEligible(b *testing.B) {
	for _, l := range []layout{
		{name: "one queue", levels: []int{1}},
		{name: "flat", levels: []int{1000}},
		{name: "flat, guarantees", levels: []int{1000}, limits: two},
		{name: "10x10x10", levels: []int{10, 10, 10}},
		{name: "10x10x10, guarantees", levels: []int{10, 10, 10}, limits: two},
	} {
		b.Run(l.name, func(b *testing.B) {
			r := queue.NewResources()
			queues := l.queues("q", 0)
			tree := queue.New(queue.Config{Queues: queues}, r)
			var leaves []queue.Leaf
			for _, name := range leafNames(queues) {
				leaf, _ := tree.For("", name)
				leaves = append(leaves, leaf)
			}
			total, each := queue.Vector{}, queue.Vector{}
			for _, name := range benchResources {
				each.Set(r.Index(name), 1)
			}
			victims := make([]queue.Victim, 50_000)
			for i := range victims {
				// The first leaf uses nothing, so that it may take.
				v := &victims[i]
				*v = queue.Victim{Leaf: leaves[i%len(leaves)], Amounts: each, Priority: int32(i % 5), Gang: i%2 == 0, Started: time.Unix(int64(i), 0)}
				if i%len(leaves) != 0 || len(leaves) == 1 {
					tree.UseAs(v.Leaf, v.Priority, v.Amounts, 1)
					total.Add(each, 1)
				}
			}
			tree.SetTotal(total)
			taker := queue.Taker{Leaf: leaves[0], Ask: each, Priority: 3}
			eligible := 0
			for b.Loop() {
				c := tree.Claim(taker, time.Unix(100_000, 0))
				eligible = 0
				for i := range victims {
					if _, ok := c.Eligible(&victims[i]); ok {
						eligible++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(victims)), "ns/victim")
			b.ReportMetric(float64(eligible), "eligible")
		})
	}
}
