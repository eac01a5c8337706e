package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/bench/internal/contender"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/load"
	"github.com/kubenexus/kubenexus-scheduler/bench/internal/report"
)

const (
	// waitingGang is the size of the gangs that could preempt nothing.
	waitingGang = 10
	// runPerNode is how many pods of a low priority run on each node, and freeOfVictims how many more fit beside them and one that
	// holds a slot.
	runPerNode    = victimsPerNode / 2
	freeOfVictims = load.PodsPerNode/2 - 1
)

// preemptWaitingSteps returns the runs with and without waiting gangs, in pairs, for each kind of scheduler and of pods that fit.
func (s *suite) preemptWaitingSteps(nodes, run int) []step {
	var steps []step
	for _, name := range []string{
		contender.Stock, "ours/plain", "ours-queues/plain",
		fmt.Sprintf("ours/gang-%d", streamGang), fmt.Sprintf("ours-queues/gang-%d", streamGang),
	} {
		c, err := contender.Parse(name)
		if err != nil || !s.asked(&c) {
			continue
		}
		for _, gangs := range alternating(run, 0, s.WaitingGangs) {
			steps = append(steps, step{
				name: fmt.Sprintf("preempt-waiting, %d nodes, run %d, %s, %d gangs wait", nodes, run, name, gangs),
				run:  func(ctx context.Context) (string, error) { return s.preemptWaiting(ctx, &c, nodes, run, gangs) },
			})
		}
	}
	return steps
}

// preemptWaiting measures how fast pods that fit are scheduled, while gangs wait that do not fit and could preempt nothing.
func (s *suite) preemptWaiting(ctx context.Context, c *contender.Contender, nodes, run, gangs int) (string, error) {
	if err := s.createUnhelpful(ctx, c, nodes, gangs); err != nil {
		return "", err
	}
	fit := s.batch(c, s.Stream, groupSize(c))
	fit.Priority = load.Low
	s.tracker.Follow(fit.Prefix)
	f := report.Waiting{Contender: c.Name, Nodes: nodes, Run: run, Waiting: gangs, Pods: s.Stream}
	a, err := s.begin(ctx, c, fmt.Sprintf("%s-%d-preempt-waiting%d-run%d", c.Name, nodes, gangs, run))
	if err != nil {
		return "", err
	}
	if err := a.conclude(ctx, s.comeAtOnce(a, fit, &f), &f.Incomplete); err != nil {
		return "", err
	}
	s.result.PreemptWaiting = append(s.result.PreemptWaiting, f)
	return fmt.Sprintf("%s, %d decisions meanwhile, %d victims", streamed(&f), f.Decisions, f.Victims), nil
}

// createUnhelpful creates pods that run, and gangs that wait for what none of these would give them.
func (s *suite) createUnhelpful(ctx context.Context, c *contender.Contender, nodes, gangs int) error {
	low := s.batch(c, nodes*runPerNode, plainGroup)
	low.Style, low.CPU, low.Priority, low.Nodes = load.Plain, load.PodsPerNode/victimsPerNode, load.Low, nodes
	holders := s.batch(c, load.Slots, plainGroup)
	holders.Style, holders.Slot, holders.Priority, holders.Nodes = load.Plain, true, load.High, load.Slots
	for _, batch := range append([]*load.Batch{low, holders}, s.unhelped(c, gangs)...) {
		if err := s.create(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// unhelped returns gangs of three kinds. Members of the first two need slots, all of which are held by pods of a high priority: the first
// kind has a low priority, so nothing that runs is below it, and the second has the high one, so much is below it, but no slot. The third
// has the high one too, and no node has the label that it selects.
func (s *suite) unhelped(c *contender.Contender, gangs int) []*load.Batch {
	kinds := []load.Batch{
		{Slot: true, Priority: load.Low},
		{Slot: true, Priority: load.High},
		{Nowhere: true, Priority: load.High},
	}
	batches := make([]*load.Batch, 0, len(kinds))
	for i, kind := range kinds {
		count := gangs*(i+1)/len(kinds) - gangs*i/len(kinds)
		batch := s.batch(c, count*waitingGang, waitingGang)
		batch.Style, batch.Slot, batch.Nowhere, batch.Priority = c.GangStyle(), kind.Slot, kind.Nowhere, kind.Priority
		batches = append(batches, batch)
	}
	return batches
}

// comeAtOnce waits until the scheduler is idle, and then gives it all pods that fit at once: it is paused while they are created, because
// creating them takes longer than scheduling them and would hide what that costs. It counts what the scheduler decides meanwhile.
func (s *suite) comeAtOnce(a *attempt, batch *load.Batch, f *report.Waiting) error {
	if err := s.calmDown(a, f); err != nil {
		return err
	}
	made, err := s.decisions(a)
	if err != nil {
		return err
	}
	if err := a.Pause(); err != nil {
		return err
	}
	if err := s.create(a.ctx, batch); err != nil {
		return err
	}
	before, began := a.sampler.Now(), time.Now()
	if err := a.Resume(); err != nil {
		return err
	}
	incomplete := s.awaitStream(a, batch, before, began, f)
	all, err := s.decisions(a)
	if err == nil {
		f.Decisions, f.Deciding = all.Nothing.Count-made.Nothing.Count, all.Nothing.Seconds-made.Nothing.Seconds
	}
	return errors.Join(incomplete, err)
}
