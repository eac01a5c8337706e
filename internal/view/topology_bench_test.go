package view

import (
	"fmt"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// levelled is benchWorld with racks of consecutive nodes, and blocks of 5 racks.
func levelled(nodes, racks int) *world {
	w := benchWorld(nodes, false)
	for i, node := range w.nodes {
		rack := i * racks / nodes
		node.Labels["rack"], node.Labels["block"] = fmt.Sprintf("r%03d", rack), fmt.Sprintf("b%02d", rack/5)
	}
	return w
}

// BenchmarkTopology plans gangs with all default plugins, with and without what they ask of the topology.
func BenchmarkTopology(b *testing.B) {
	none, oneRack := gang.Topology{}, gang.Topology{Required: "rack"}
	three := gang.Topology{Preferred: []string{hostKey, "rack", "block"}}
	for _, bench := range []struct {
		name         string
		nodes, racks int
		members      int
		cpu          string
		topology     gang.Topology
	}{
		{"none", 5000, 50, 4, "1", none},
		{"required", 5000, 50, 4, "1", oneRack},
		{"none", 5000, 50, 100, "1", none},
		{"required", 5000, 50, 100, "1", oneRack},
		{"none", 512, 64, 512, "5", none},
		{"slices of 8 nodes fill all racks", 512, 64, 512, "5", gang.Topology{SliceRequired: "rack", SliceSize: 8}},
		{"slices of 8 on a node", 512, 64, 512, "1", gang.Topology{SliceRequired: hostKey, SliceSize: 8}},
		{"slices of 8 nodes fill half of all racks", 512, 16, 256, "5", gang.Topology{SliceRequired: "rack", SliceSize: 8}},
		{"none", 10_000, 100, 100, "1", none},
		{"three levels preferred", 10_000, 100, 100, "1", three},
		{"none", 10_000, 100, 1000, "1", none},
		{"three levels preferred", 10_000, 100, 1000, "1", three},
	} {
		b.Run(fmt.Sprintf("%s/%d nodes/%d members", bench.name, bench.nodes, bench.members), func(b *testing.B) {
			h := newHarness(b)
			w := levelled(bench.nodes, bench.racks)
			w.join("a", bench.members, bench.cpu, nil)
			h.set(b, w)
			task := w.task()
			task.Topology = bench.topology
			b.ReportAllocs()
			before := used()
			for b.Loop() {
				if p := h.plan(b, task); p.Finding != nil {
					b.Fatalf("not planned: %+v", p.Finding)
				}
			}
			b.ReportMetric(float64((used()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
