package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

// victimsPerNode is how many pods of low priority fill a node. A pod of high priority is as large as one of them.
const victimsPerNode = 8

// stockGangNodes is the largest number of nodes on which gangs of kube-scheduler preempt. To preempt as a whole, it tries the whole gang
// once for each pod that may go, so the time for one gang grows with the pods of the cluster.
const stockGangNodes = 100

// metricsTime is how long a scheduler may take to tell its metrics.
const metricsTime = 5 * time.Second

// preemptSteps returns the runs of the contenders that preempt. Gangs of kube-scheduler do it in two ways.
func (s *suite) preemptSteps(nodes, run int) []step {
	var steps []step
	add := func(c contender.Contender) {
		steps = append(steps, step{
			name: fmt.Sprintf("preempt, %d nodes, run %d, %s", nodes, run, c.Name),
			run:  func(ctx context.Context) (string, error) { return s.preempt(ctx, &c, nodes, run) },
		})
	}
	for i := range s.Contenders {
		switch c := &s.Contenders[i]; {
		case !c.Schedules():
		case !c.NeedsPodGroups():
			add(*c)
		case nodes <= stockGangNodes:
			add(*c)
			add(c.AsWhole())
		}
	}
	return steps
}

// preempt measures how fast pods of a high priority start on nodes that are full of pods of a low one. What is preempted is gone at once.
func (s *suite) preempt(ctx context.Context, c *contender.Contender, nodes, run int) (string, error) {
	low := s.batch(c, nodes*victimsPerNode, plainGroup)
	low.Style, low.CPU, low.Priority, low.Nodes = load.Plain, load.PodsPerNode/victimsPerNode, load.Low, nodes
	if err := s.create(ctx, low); err != nil {
		return "", err
	}
	high := s.batch(c, s.Preemptors, groupSize(c))
	high.CPU, high.Priority = low.CPU, load.High
	s.tracker.Follow(high.Prefix)
	if err := high.CreateGroups(ctx, s.client); err != nil {
		return "", err
	}
	f := report.Preempt{Contender: c.Name, Nodes: nodes, Run: run, Pods: high.Count}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-preempt-run%d", c.Name, nodes, run))
	if err != nil {
		return "", err
	}
	if err := a.conclude(ctx, s.preemptAll(a, high, &f), &f.Incomplete); err != nil {
		return "", err
	}
	s.result.Preempt = append(s.result.Preempt, f)
	found := fmt.Sprintf("%.0f pods/s, %d victims, %.1f ms for each decision", f.PerSecond, f.Victims, 1000*f.Decision)
	if f.Incomplete != "" {
		found += fmt.Sprintf("; %d of %d pods: %s", f.Bound, f.Pods, f.Incomplete)
	}
	return found, nil
}

// preemptAll waits until the scheduler is idle, creates the pods, and waits until all of them are bound.
func (s *suite) preemptAll(a *attempt, high *load.Batch, f *report.Preempt) error {
	if err := a.Ready(a.ctx); err != nil {
		return err
	}
	if err := settle(a, a.Pid, s.Timeout/2, time.Second); err != nil {
		return err
	}
	before, began := a.sampler.Now(), time.Now()
	if err := high.CreatePods(a.ctx, s.client); err != nil {
		return err
	}
	state, incomplete := s.tracker.Await(a.ctx, func(state watch.State) bool { return state.Bound.Count == high.Count })
	usage := a.sampler.Now()
	f.Bound, f.Victims, f.PeakRSS = state.Bound.Count, state.Victims.Count, usage.PeakRSS
	if f.Bound > 0 {
		f.PerSecond = float64(f.Bound) / state.Bound.Last.Sub(began).Seconds()
		f.CPUPer = (usage.CPU - before.CPU).Seconds() / float64(f.Bound) * 1000
	}
	if state.Victims.Count > 0 {
		f.FirstVictim = state.Victims.First.Sub(began).Seconds()
	}
	s.timeWaits(f)
	made, err := s.decisions(a)
	f.Decision, f.Decisions = made.Preempted.Mean(), made.Preempted.Count
	return errors.Join(incomplete, err)
}

// decisions returns what the scheduler decided, also after the time of the run is over.
func (s *suite) decisions(a *attempt) (contender.Decisions, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), metricsTime)
	defer cancel()
	return a.Decisions(ctx, s.admin)
}

// timeWaits records how long pods waited until a node was held for them, and from then until they were bound.
func (s *suite) timeWaits(f *report.Preempt) {
	var decided, bound []float64
	for _, w := range s.tracker.Waits() {
		if !w.Nominated.IsZero() {
			decided = append(decided, w.Nominated.Sub(w.Created).Seconds())
		}
		if !w.Nominated.IsZero() && !w.Bound.IsZero() {
			bound = append(bound, w.Bound.Sub(w.Nominated).Seconds())
		}
	}
	f.Nominated, f.DecidedP50, f.BoundP50 = len(decided), stats.Quantile(decided, 0.5), stats.Quantile(bound, 0.5)
}
