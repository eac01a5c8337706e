package suite

import (
	"context"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/proc"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

// streamGang is the size of the gangs of the stream and of the pending gangs.
const streamGang = 100

// waitingSteps returns the runs with and without pending pods, for each kind of scheduler that can finish them.
func (s *suite) waitingSteps(nodes, run int) []step {
	var steps []step
	for _, name := range []string{contender.Stock, fmt.Sprintf("ours/gang-%d", streamGang)} {
		c, err := contender.Parse(name)
		if err != nil || !s.asked(&c) {
			continue
		}
		for _, waiting := range []int{0, s.Waiting} {
			steps = append(steps, step{
				name: fmt.Sprintf("waiting, %d nodes, run %d, %s, %d pods wait", nodes, run, name, waiting),
				run:  func(ctx context.Context) (string, error) { return s.waiting(ctx, &c, nodes, run, waiting) },
			})
		}
	}
	return steps
}

// waiting measures how fast a stream of pods that fit passes pending pods that do not.
func (s *suite) waiting(ctx context.Context, c *contender.Contender, nodes, run, waiting int) (string, error) {
	if err := s.createWaiting(ctx, c, waiting); err != nil {
		return "", err
	}
	stream := s.batch(c, s.Stream, streamGang)
	s.tracker.Follow(stream.Prefix)
	f := report.Waiting{Contender: c.Name, Nodes: nodes, Run: run, Waiting: waiting, Pods: s.Stream}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-waiting%d-run%d", c.Name, nodes, waiting, run))
	if err != nil {
		return "", err
	}
	err = s.calmDown(a, &f)
	if err == nil {
		err = s.stream(a, stream, &f)
	}
	if err := a.conclude(ctx, err, &f.Incomplete); err != nil {
		return "", err
	}
	s.result.Waiting = append(s.result.Waiting, f)
	return streamed(&f), nil
}

// streamed summarizes a run.
func streamed(f *report.Waiting) string {
	found := fmt.Sprintf("%.0f pods/s, settled after %.1f s", f.PerSecond, f.Settle)
	if f.Incomplete != "" {
		found += fmt.Sprintf("; %d of %d pods: %s", f.Bound, f.Pods, f.Incomplete)
	}
	return found
}

// createWaiting creates two kinds of pods that cannot start: pods that are too large for any node, and gangs whose pods each fit on a node
// but not all at once.
func (s *suite) createWaiting(ctx context.Context, c *contender.Contender, count int) error {
	if count == 0 {
		return nil
	}
	big := s.batch(c, count/2, streamGang)
	big.CPU = 2 * load.PodsPerNode
	many := s.batch(c, count-count/2, streamGang)
	many.Slot = true
	for _, batch := range []*load.Batch{big, many} {
		if err := batch.CreateGroups(ctx, s.client); err != nil {
			return err
		}
		if err := s.create(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// calmDown waits until the control plane and then the scheduler are idle. A scheduler that waits for the control plane uses little CPU time
// although it has work. If they are not idle after half of the time, the scheduler is measured as it is.
func (s *suite) calmDown(a *attempt, f *report.Waiting) error {
	if err := a.Ready(a.ctx); err != nil {
		return err
	}
	ready := time.Now()
	most := s.Timeout / 2
	if err := settle(a, s.plane.Pid, most, 2*time.Second); err != nil {
		return err
	}
	if err := settle(a, a.Pid, most-time.Since(ready), 2*time.Second); err != nil {
		return err
	}
	f.Settle = time.Since(ready).Seconds()
	return nil
}

// stream creates the pods that fit, and waits until they are bound.
func (s *suite) stream(a *attempt, batch *load.Batch, f *report.Waiting) error {
	before, began := a.sampler.Now(), time.Now()
	if err := batch.CreateGroups(a.ctx, s.client); err != nil {
		return err
	}
	if err := batch.CreatePods(a.ctx, s.client); err != nil {
		return err
	}
	return s.awaitStream(a, batch, before, began, f)
}

// awaitStream waits until the pods are bound. It measures since that time.
func (s *suite) awaitStream(a *attempt, batch *load.Batch, before proc.Usage, began time.Time, f *report.Waiting) error {
	state, err := s.tracker.Await(a.ctx, func(state watch.State) bool { return state.Bound.Count == batch.Count })
	usage := a.sampler.Now()
	f.Bound, f.PeakRSS, f.Victims = state.Bound.Count, usage.PeakRSS, state.Victims.Count
	if f.Bound > 0 {
		f.PerSecond = float64(f.Bound) / state.Bound.Last.Sub(began).Seconds()
		f.CPUPer = (usage.CPU - before.CPU).Seconds() / float64(f.Bound) * 1000
	}
	return err
}
