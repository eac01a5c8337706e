package suite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/proc"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
)

// submissionsSteps returns a run of each way to submit Jobs. No scheduler takes part.
func (s *suite) submissionsSteps(run int) []step {
	var steps []step
	for _, way := range append(alternating(run, report.Direct, report.Served), report.Refused) {
		steps = append(steps, step{
			name: fmt.Sprintf("submissions, run %d, %s", run, way),
			run:  func(ctx context.Context) (string, error) { return s.submissions(ctx, way, run) },
		})
	}
	return steps
}

// submissions measures how fast Jobs are submitted, and what that costs. The REST API also runs, idle, while it is not asked.
func (s *suite) submissions(ctx context.Context, way string, run int) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, fmt.Errorf("not done within %s", s.Timeout))
	defer cancel()
	if s.submitters == nil {
		var err error
		if s.submitters, err = load.CreateSubmitters(ctx, s.client, s.admin); err != nil {
			return "", err
		}
	}
	serve, address, err := contender.StartServe(ctx, &s.Env, fmt.Sprintf("serve-run%d-%s", run, strings.Fields(way)[0]))
	if err != nil {
		return "", err
	}
	defer serve.Kill()
	s.batches++
	all := load.Submissions{Submitters: s.submitters, Prefix: fmt.Sprintf("s%d", s.batches), Count: s.Submissions}
	do := map[string]func() ([]time.Duration, error){
		report.Direct:  func() ([]time.Duration, error) { return all.Direct(ctx) },
		report.Served:  func() ([]time.Duration, error) { return all.Served(ctx, address) },
		report.Refused: func() ([]time.Duration, error) { return all.Refused(ctx, address) },
	}[way]
	f := report.Submissions{Way: way, Run: run, Requests: all.Count, InFlight: load.InFlight}
	if err := s.timed(serve, &f, do); err != nil {
		return "", err
	}
	s.result.Submissions = append(s.result.Submissions, f)
	return fmt.Sprintf("%.0f requests/s, %.2f CPU-s of serve for 1000", f.PerSecond, f.CPUPer), nil
}

// timed records how fast the requests are answered, and what that costs.
func (s *suite) timed(serve *contender.Process, f *report.Submissions, do func() ([]time.Duration, error)) error {
	before, planeBefore, err := both(serve.Pid, s.plane.Pid)
	if err != nil {
		return err
	}
	began := time.Now()
	took, err := do()
	if err != nil {
		return err
	}
	f.PerSecond = float64(f.Requests) / time.Since(began).Seconds()
	after, planeAfter, err := both(serve.Pid, s.plane.Pid)
	if err != nil {
		return err
	}
	per1000 := func(cpu time.Duration) float64 { return cpu.Seconds() / float64(f.Requests) * 1000 }
	f.PlaneCPUPer = per1000(planeAfter.CPU - planeBefore.CPU)
	if f.Way != report.Direct {
		f.CPUPer, f.PeakRSS = per1000(after.CPU-before.CPU), after.PeakRSS
	}
	seconds := make([]float64, len(took))
	for i := range took {
		seconds[i] = took[i].Seconds()
	}
	f.P50, f.P99 = stats.Quantile(seconds, 0.5), stats.Quantile(seconds, 0.99)
	return nil
}

// both returns the usage of two processes.
func both(pid, other int) (proc.Usage, proc.Usage, error) {
	one, err := proc.Read(pid)
	if err != nil {
		return proc.Usage{}, proc.Usage{}, err
	}
	two, err := proc.Read(other)
	return one, two, err
}
