package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/proc"
)

// begin starts the scheduler. The attempt's context is done when the scheduler ends or the run times out.
func (s *suite) begin(ctx context.Context, c *contender.Contender, name string) (*attempt, error) {
	process, err := c.Start(s.Env, strings.ReplaceAll(name, "/", "-"))
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	a := &attempt{Process: process, sampler: proc.Sample(ctx, process.Pid)}
	running, fail := context.WithCancelCause(ctx)
	a.ctx, a.cancel = context.WithTimeoutCause(running, s.Timeout, fmt.Errorf("not done within %s", s.Timeout))
	go func() {
		select {
		case <-process.Done():
			fail(process.Failure())
		case <-running.Done():
		}
	}()
	a.stop = func() { fail(nil) }
	if s.ProfileOf != "" && strings.HasPrefix(c.Name, s.ProfileOf) && c.Schedules() {
		a.profiler, err = process.Profile(a.ctx, s.admin, filepath.Join(s.Profiles, strings.ReplaceAll(name, "/", "-")))
		if err != nil {
			return nil, errors.Join(err, a.end())
		}
	}
	return a, nil
}

// conclude ends an attempt, and records why it was incomplete, if it was. It returns an error if the whole run has to end.
func (a *attempt) conclude(ctx context.Context, incomplete error, why *string) error {
	if incomplete != nil {
		*why = incomplete.Error()
	}
	if err := a.end(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// attempt is one measurement of a running scheduler.
type attempt struct {
	*contender.Process
	ctx      context.Context
	cancel   context.CancelFunc
	stop     func()
	sampler  *proc.Sampler
	profiler *contender.Profiler
}

// end kills the scheduler. A graceful stop would take a second or more and change no figure.
func (a *attempt) end() error {
	var err error
	if a.profiler != nil {
		err = a.profiler.Stop()
	}
	a.sampler.Stop()
	a.cancel()
	a.stop()
	a.Kill()
	return err
}

// settle waits until the process has been idle for the whole window, but for most at the longest, because some schedulers never stop
// retrying.
func settle(a *attempt, pid int, most, window time.Duration) error {
	ctx, cancel := context.WithTimeout(a.ctx, most)
	defer cancel()
	if err := proc.AwaitIdle(ctx, pid, calm, window); err != nil && a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return nil
}
