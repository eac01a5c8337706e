package suite

import (
	"context"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

const (
	// boundPerNode is how many pods run on each node.
	boundPerNode = 10
	// idleTime is how long a scheduler has no work before it counts as idle.
	idleTime = 30 * time.Second
)

// footprintSteps returns the runs that compare the memory of contenders: one of each kind of scheduler.
func (s *suite) footprintSteps(nodes, run int) []step {
	var steps []step
	for _, name := range []string{contender.Stock, "ours/plain", fmt.Sprintf("ours/gang-%d", streamGang)} {
		c, err := contender.Parse(name)
		if err != nil || !s.asked(&c) {
			continue
		}
		steps = append(steps, step{
			name: fmt.Sprintf("footprint, %d nodes, run %d, %s", nodes, run, name),
			run:  func(ctx context.Context) (string, error) { return s.footprint(ctx, &c, nodes, run) },
		})
	}
	return steps
}

// footprint measures the memory of a scheduler in a cluster with running pods.
func (s *suite) footprint(ctx context.Context, c *contender.Contender, nodes, run int) (string, error) {
	running := load.Running{Prefix: fmt.Sprintf("running%d", s.batches), Nodes: nodes, PerNode: boundPerNode}
	s.batches++
	if err := running.Create(ctx, s.client); err != nil {
		return "", err
	}
	f := report.Footprint{Contender: c.Name, Nodes: nodes, Run: run, Pods: nodes * boundPerNode, Loaded: s.Stream}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-footprint-run%d", c.Name, nodes, run))
	if err != nil {
		return "", err
	}
	if err := a.conclude(ctx, s.idleThenLoaded(a, s.batch(c, s.Stream, streamGang), &f), &f.Incomplete); err != nil {
		return "", err
	}
	s.result.Footprint = append(s.result.Footprint, f)
	found := fmt.Sprintf("idle %.1f MB, %.1f of them anonymous; peak %.1f MB",
		float64(f.IdleRSS)/1e6, float64(f.IdleAnon)/1e6, float64(f.LoadPeakRSS)/1e6)
	if f.Incomplete != "" {
		found += "; " + f.Incomplete
	}
	return found, nil
}

// idleThenLoaded gives the scheduler no work for a while, and then creates pods.
func (s *suite) idleThenLoaded(a *attempt, batch *load.Batch, f *report.Footprint) error {
	if err := a.Ready(a.ctx); err != nil {
		return err
	}
	select {
	case <-time.After(idleTime):
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
	usage := a.sampler.Now()
	f.IdleRSS, f.IdleAnon, f.IdleFile, f.StartPeakRSS = usage.RSS, usage.Anon, usage.File, usage.PeakRSS
	s.tracker.Follow(batch.Prefix)
	if err := batch.CreateGroups(a.ctx, s.client); err != nil {
		return err
	}
	if err := batch.CreatePods(a.ctx, s.client); err != nil {
		return err
	}
	_, err := s.tracker.Await(a.ctx, func(state watch.State) bool { return state.Bound.Count == batch.Count })
	f.LoadPeakRSS, f.LoadPeakAnon = a.sampler.Now().PeakRSS, a.sampler.PeakAnon()
	return err
}
