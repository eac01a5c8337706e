package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/stats"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/watch"
)

const (
	// freedSize is the size of a gang, and freedPerNode how many of its pods fit on a node.
	freedSize, freedPerNode = 20, 4
	// freedTime limits how long the next gang may take. restTime is how long the scheduler may become idle before each repetition.
	freedTime, restTime = 30 * time.Second, 3 * time.Second
)

// freedSteps returns the runs of the contenders that this scenario distinguishes: one of each kind of scheduler.
func (s *suite) freedSteps(nodes, run int) []step {
	var steps []step
	for _, name := range []string{contender.Stock, fmt.Sprintf("stock-gang-%d", freedSize), fmt.Sprintf("ours/gang-%d", freedSize)} {
		c, err := contender.Parse(name)
		if err != nil || !s.asked(&c) {
			continue
		}
		steps = append(steps, step{
			name: fmt.Sprintf("freed, %d nodes, run %d, %s", nodes, run, name),
			run:  func(ctx context.Context) (string, error) { return s.freed(ctx, &c, nodes, run) },
		})
	}
	return steps
}

// asked reports whether the options include a contender of this kind.
func (s *suite) asked(c *contender.Contender) bool {
	return slices.ContainsFunc(s.Contenders, func(other contender.Contender) bool { return other.Like(c) })
}

// freed measures the time from when capacity for a gang is freed until a gang uses it.
func (s *suite) freed(ctx context.Context, c *contender.Contender, nodes, run int) (string, error) {
	full := nodes * freedPerNode / freedSize
	batch := s.batch(c, (full+s.Repetitions)*freedSize, freedSize)
	batch.CPU = load.PodsPerNode / freedPerNode
	s.tracker.Follow(batch.Prefix)
	if err := batch.CreateGroups(ctx, s.client); err != nil {
		return "", err
	}
	if err := s.create(ctx, batch); err != nil {
		return "", err
	}
	f := report.Freed{Contender: c.Name, Nodes: nodes, Run: run, Size: freedSize}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-freed-run%d", c.Name, nodes, run))
	if err != nil {
		return "", err
	}
	if err := a.conclude(ctx, s.freeAgainAndAgain(a, full*freedSize, &f), &f.Incomplete); err != nil {
		return "", err
	}
	s.result.Freed = append(s.result.Freed, f)
	found := fmt.Sprintf("p50 %.0f ms of %d", stats.Quantile(f.Took, 0.5)*1000, len(f.Took))
	if f.Incomplete != "" {
		found += "; " + f.Incomplete
	}
	return found, nil
}

// freeAgainAndAgain waits until the cluster is full, and then frees capacity for one gang at a time.
func (s *suite) freeAgainAndAgain(a *attempt, full int, f *report.Freed) error {
	state, err := s.tracker.Await(a.ctx, func(state watch.State) bool { return state.Bound.Count >= full })
	if err != nil {
		return fmt.Errorf("filling the cluster: %d of %d pods: %w", state.Bound.Count, full, err)
	}
	gone := map[string]bool{}
	for range s.Repetitions {
		if err := settle(a, a.Pid, restTime, 500*time.Millisecond); err != nil {
			return err
		}
		group, bound := s.fullest(gone)
		gone[group] = true
		took, err := s.freeOne(a.ctx, group, bound)
		if err != nil {
			return err
		}
		f.Took = append(f.Took, took.Seconds())
	}
	return nil
}

// fullest returns the group with the most bound pods, or the one bound first among several. All pods of a gang are bound, but plain pods of
// one group may be bound only in part.
func (s *suite) fullest(gone map[string]bool) (fullest string, bound int) {
	groups := s.tracker.Groups()
	for name, binds := range groups {
		if !gone[name] && (binds.Count > bound || binds.Count == bound && binds.Last.Before(groups[fullest].Last)) {
			fullest, bound = name, binds.Count
		}
	}
	return fullest, bound
}

// freeOne deletes a group and returns the time from the deletion of its last pod until as many other pods are bound.
func (s *suite) freeOne(ctx context.Context, group string, bound int) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, freedTime, fmt.Errorf("the freed capacity was not used within %s", freedTime))
	defer cancel()
	before := s.tracker.State()
	if err := load.DeleteGroup(ctx, s.client, group); err != nil {
		return 0, err
	}
	after, err := s.tracker.Await(ctx, func(state watch.State) bool {
		return state.Live == before.Live-freedSize && state.Bound.Count >= before.Bound.Count+bound
	})
	if err != nil {
		return 0, err
	}
	return after.Bound.Last.Sub(after.Deleted), nil
}
