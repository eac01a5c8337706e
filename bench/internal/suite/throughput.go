package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/proc"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

const (
	// silence is how long no event must arrive before missing events count as lost.
	silence = 3 * time.Second
	// plainGroup is the number of pods that share a group label, although the scheduler does not treat them as a gang.
	plainGroup = 100
)

// throughput measures how fast a contender binds pods.
func (s *suite) throughput(ctx context.Context, c *contender.Contender, mode string, nodes, run int) (string, error) {
	count := s.Pods
	if c.Slow() {
		count = min(s.Pods, s.SlowPods)
	}
	batch := s.batch(c, count, groupSize(c))
	s.tracker.Follow(batch.Prefix)
	if err := batch.CreateGroups(ctx, s.client); err != nil {
		return "", err
	}
	if mode == report.First {
		if err := s.create(ctx, batch); err != nil {
			return "", err
		}
	}
	figures := report.Run{Contender: c.Name, Mode: mode, Nodes: nodes, Run: run, Pods: count}
	if err := s.measure(ctx, c, batch, &figures, nothing); err != nil {
		return "", err
	}
	s.result.Throughput = append(s.result.Throughput, figures)
	return summary(fmt.Sprintf("%.0f pods/s", figures.PerSecond), &figures), nil
}

// groupSize returns the number of pods in a contender's groups.
func groupSize(c *contender.Contender) int {
	if c.Gangs() {
		return c.Gang
	}
	return plainGroup
}

// create creates the pods, and waits until the watch has reported them and the API server is idle.
func (s *suite) create(ctx context.Context, batch *load.Batch) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cleanTime, errors.New("the pods could not be created in time"))
	defer cancel()
	before := s.tracker.State().Live
	if err := batch.CreatePods(ctx, s.client); err != nil {
		return err
	}
	if _, err := s.tracker.Await(ctx, func(state watch.State) bool { return state.Live == before+batch.Count }); err != nil {
		return fmt.Errorf("waiting for the pods: %w", err)
	}
	return proc.AwaitIdle(ctx, s.plane.Pid, calm, 400*time.Millisecond)
}

// nothing is what else happens in most runs.
func nothing(*attempt) error { return nil }

// measure runs the scheduler until all pods are bound or the run times out. It calls beside once the scheduler's process runs.
func (s *suite) measure(ctx context.Context, c *contender.Contender, batch *load.Batch, f *report.Run, beside func(*attempt) error) error {
	planeBefore, err := proc.Read(s.plane.Pid)
	if err != nil {
		return err
	}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-%s-run%d", c.Name, f.Nodes, f.Mode, f.Run))
	if err != nil {
		return err
	}
	clock := a.Started
	if err := beside(a); err != nil {
		return errors.Join(err, a.end())
	}
	if f.Mode == report.While {
		clock, err = s.createWhile(a, batch, f)
	}
	var state watch.State
	if err == nil {
		state, err = s.tracker.Await(a.ctx, func(state watch.State) bool { return state.Bound.Count == batch.Count })
	}
	if err != nil {
		f.Incomplete = err.Error()
	}
	if c.Schedules() && err == nil {
		state = s.awaitEvents(a.ctx)
	}
	timeBinds(f, state, clock)
	s.account(a, f, planeBefore)
	if c.Gangs() {
		f.GangP50, f.GangP99 = s.gangSpreads()
	}
	err = a.end()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// createWhile waits until the scheduler is ready and creates the pods. It returns when it started to create them.
func (s *suite) createWhile(a *attempt, batch *load.Batch, f *report.Run) (time.Time, error) {
	if err := a.Ready(a.ctx); err != nil {
		return time.Now(), err
	}
	began := time.Now()
	err := batch.CreatePods(a.ctx, s.client)
	f.Created = time.Since(began).Seconds()
	return began, err
}

// awaitEvents waits until each pod has its event, or none has arrived for a while, because events can be lost.
func (s *suite) awaitEvents(ctx context.Context) watch.State {
	state, _ := s.tracker.Await(ctx, func(state watch.State) bool { // a timeout counts as silence
		latest := state.Bound.Last
		if state.Scheduled.Last.After(latest) {
			latest = state.Scheduled.Last
		}
		return state.Scheduled.Count >= state.Bound.Count || time.Since(latest) > silence
	})
	return state
}

// account records the usage until now.
func (s *suite) account(a *attempt, f *report.Run, planeBefore proc.Usage) {
	usage := a.sampler.Now()
	f.CPU = usage.CPU.Seconds()
	if f.Bound > 0 {
		f.CPUPer = f.CPU / float64(f.Bound) * 1000
	}
	f.PeakRSS, f.PeakAnon, f.EndAnon = usage.PeakRSS, a.sampler.PeakAnon(), usage.Anon
	if plane, err := proc.Read(s.plane.Pid); err == nil { // on an error keep 0: the process is supervised elsewhere
		f.PlaneCPU = (plane.CPU - planeBefore.CPU).Seconds()
	}
}

// gangSpreads returns the median and the 99th percentile of the time from a gang's first to its last bind.
func (s *suite) gangSpreads() (p50, p99 float64) {
	var spreads []float64
	for _, binds := range s.tracker.Groups() {
		spreads = append(spreads, binds.Last.Sub(binds.First).Seconds())
	}
	return stats.Quantile(spreads, 0.5), stats.Quantile(spreads, 0.99)
}

// timeBinds records when pods were bound, by the run's clock.
func timeBinds(f *report.Run, state watch.State, clock time.Time) {
	f.Bound, f.Events = state.Bound.Count, state.Scheduled.Count
	if f.Bound > 0 {
		f.ToFirst, f.ToLast = state.Bound.First.Sub(clock).Seconds(), state.Bound.Last.Sub(clock).Seconds()
		f.PerSecond = float64(f.Bound) / f.ToLast
	}
	if f.Events > 0 {
		f.ToLastEvent = state.Scheduled.Last.Sub(clock).Seconds()
	}
}
