package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
)

// step is one run of one contender. run returns a short summary.
type step struct {
	name string
	run  func(ctx context.Context) (string, error)
}

// play runs all steps. It only adds nodes and never removes any. Each contender has its n-th run before any has the next, so that other
// work on the machine affects all of them alike.
func (s *suite) play(ctx context.Context) error {
	plans := make([][]step, len(s.Nodes))
	left := 0
	for i, nodes := range s.Nodes {
		plans[i] = s.plan(i, nodes)
		left += len(plans[i])
	}
	total, have := left, 0
	for i, nodes := range s.Nodes {
		s.say(fmt.Sprintf("Adding nodes up to %d", nodes))
		if err := load.AddNodes(ctx, s.client, have, nodes); err != nil {
			return err
		}
		have = nodes
		if err := s.warmUp(ctx, nodes); err != nil {
			return err
		}
		for _, step := range plans[i] {
			fmt.Fprintf(s.out, "[%6s%s] %d/%d %s ... ", s.elapsed(), s.estimate(total-left, left), total-left+1, total, step.name)
			found, err := step.run(ctx)
			if err == nil {
				err = s.clean(ctx)
			}
			if err != nil {
				fmt.Fprintln(s.out, "failed")
				return fmt.Errorf("%s: %w", step.name, err)
			}
			fmt.Fprintln(s.out, found)
			left--
		}
	}
	return nil
}

// warmUp makes a run that does not count, so that no contender is measured on an API server that was just started.
func (s *suite) warmUp(ctx context.Context, nodes int) error {
	c, err := contender.Parse("raw")
	if err != nil {
		return err
	}
	if _, err := s.throughput(ctx, &c, report.While, nodes, 0); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	s.result.Throughput = s.result.Throughput[:len(s.result.Throughput)-1]
	return s.clean(ctx)
}

// plan returns the steps for that many nodes.
func (s *suite) plan(at, nodes int) []step {
	var steps []step
	for run := 1; run <= s.Runs; run++ {
		if slices.Contains(s.Scenarios, Throughput) {
			for _, mode := range s.Modes {
				steps = append(steps, s.each(fmt.Sprintf("%s, %d nodes, run %d", mode, nodes, run),
					func(ctx context.Context, c *contender.Contender) (string, error) {
						return s.throughput(ctx, c, mode, nodes, run)
					})...)
			}
		}
		if slices.Contains(s.Scenarios, Footprint) {
			steps = append(steps, s.footprintSteps(nodes, run)...)
		}
		if slices.Contains(s.Scenarios, Preempt) {
			steps = append(steps, s.preemptSteps(nodes, run)...)
		}
		if at == len(s.Nodes)-1 {
			steps = append(steps, s.largest(nodes, run)...)
		}
		if slices.Contains(s.Scenarios, Submissions) && at == 0 { // Jobs need no nodes
			steps = append(steps, s.submissionsSteps(run)...)
		}
		// These scenarios measure pending pods, so one number of nodes is enough.
		if slices.Contains(s.Scenarios, Freed) && at == 0 {
			steps = append(steps, s.freedSteps(nodes, run)...)
		}
		if slices.Contains(s.Scenarios, Waiting) && at == (len(s.Nodes)-1)/2 {
			steps = append(steps, s.waitingSteps(nodes, run)...)
		}
		if slices.Contains(s.Scenarios, PreemptWaiting) && at == (len(s.Nodes)-1)/2 {
			steps = append(steps, s.preemptWaitingSteps(nodes, run)...)
		}
	}
	return steps
}

// largest returns the steps that only the largest number of nodes has.
func (s *suite) largest(nodes, run int) []step {
	var steps []step
	if slices.Contains(s.Scenarios, Topology) {
		steps = append(steps, s.topologySteps(nodes, run)...)
	}
	if slices.Contains(s.Scenarios, Questions) {
		steps = append(steps, s.questionsSteps(nodes, run)...)
	}
	return steps
}

// each returns a step for each contender.
func (s *suite) each(name string, run func(context.Context, *contender.Contender) (string, error)) []step {
	steps := make([]step, 0, len(s.Contenders))
	for i := range s.Contenders {
		c := &s.Contenders[i]
		steps = append(steps, step{
			name: name + ", " + c.Name,
			run:  func(ctx context.Context) (string, error) { return run(ctx, c) },
		})
	}
	return steps
}

func (s *suite) say(text string) { fmt.Fprintf(s.out, "[%6s] %s\n", s.elapsed(), text) }

func (s *suite) elapsed() time.Duration { return time.Since(s.start).Round(time.Second) }

// estimate returns how long the rest will take at the same speed.
func (s *suite) estimate(done, left int) string {
	if done == 0 {
		return ""
	}
	rest := time.Since(s.start) / time.Duration(done) * time.Duration(left)
	return fmt.Sprintf(", %s left", rest.Round(time.Second))
}
