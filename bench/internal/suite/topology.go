package suite

import (
	"context"
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
)

const (
	// smallGang and largeGang are the sizes of the gangs that ask for one rack.
	smallGang, largeGang = 4, 100
)

// inRacks is how many pods fit at least in gangs that are each in one rack, whatever their size.
func inRacks(nodes int) int {
	return nodes / load.Racks * load.PodsPerNode / largeGang * largeGang * load.Racks
}

// topologySteps returns the runs with gangs that ask for one rack and with the same gangs that do not, in pairs, for each kind of scheduler
// that knows gangs.
func (s *suite) topologySteps(nodes, run int) []step {
	var steps []step
	for _, size := range []int{smallGang, largeGang} {
		for _, kind := range []string{"ours", "ours-queues", "stock"} {
			name := fmt.Sprintf("%s/gang-%d", kind, size)
			if kind == "stock" {
				name = fmt.Sprintf("stock-gang-%d", size)
			}
			without, err := contender.Parse(name)
			if err != nil || !s.asked(&without) {
				continue
			}
			steps = append(steps, bothSteps("topology", nodes, run, without, without.InRacks(),
				func(ctx context.Context, c *contender.Contender) (string, error) {
					return s.topology(ctx, c, without.Name, nodes, run)
				})...)
		}
	}
	return steps
}

// topology measures how fast gangs are bound that exist when the scheduler starts, and counts those that are in several racks. alike is the
// contender whose gangs ask for no topology.
func (s *suite) topology(ctx context.Context, c *contender.Contender, alike string, nodes, run int) (string, error) {
	count := s.Pods
	if c.Slow() {
		count = min(s.Pods, s.SlowPods)
	}
	batch := s.batch(c, count, c.Gang)
	s.tracker.Follow(batch.Prefix)
	if err := batch.CreateGroups(ctx, s.client); err != nil {
		return "", err
	}
	if err := s.create(ctx, batch); err != nil {
		return "", err
	}
	f := report.Topology{Alike: alike, Run: report.Run{Contender: c.Name, Mode: report.First, Nodes: nodes, Run: run, Pods: count}}
	if err := s.measure(ctx, c, batch, &f.Run, nothing); err != nil {
		return "", err
	}
	var err error
	if f.Torn, err = batch.InSeveralRacks(ctx, s.client); err != nil {
		return "", err
	}
	s.result.Topology = append(s.result.Topology, f)
	return summary(fmt.Sprintf("%.0f pods/s, %d gangs in several racks", f.PerSecond, f.Torn), &f.Run), nil
}
