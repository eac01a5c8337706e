package cycle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

const (
	// betweenShare is the share of the time that questions may take while pods are being scheduled. To read and to refuse questions takes
	// time too.
	betweenShare = 0.02
	// betweenBurst is how much of it may be saved up.
	betweenBurst = 100 * time.Millisecond
	// restAfter is how long no pod must have been scheduled before questions may take half of the time.
	restAfter = 5 * time.Second
	// betweenMost is how long a question may take, while the next scheduling cycle waits for it.
	betweenMost = time.Second
	// betweenPoll is how often a question that waits looks whether it may go on.
	betweenPoll = 10 * time.Millisecond
)

// Between lets others use what a scheduling cycle uses, such as the snapshot, between two cycles. What they take of the scheduler's time is
// limited while it schedules pods.
type Between struct {
	// cycle is locked while a scheduling cycle runs, or a question is answered.
	cycle sync.Mutex

	mu sync.Mutex
	budget
}

// budget is how much time questions may take.
type budget struct {
	// left is what was left at the time at.
	left time.Duration
	at   time.Time
	// scheduled is when a scheduling cycle ended last.
	scheduled time.Time
}

// NewBetween returns a Between while no cycle runs.
func NewBetween(now time.Time) *Between { return &Between{budget: budget{left: betweenBurst, at: now}} }

// Begins says that a scheduling cycle begins. It waits for a question that is being answered.
func (b *Between) Begins() { b.cycle.Lock() }

// Ended says that the cycle has ended.
func (b *Between) Ended(now time.Time) {
	b.mu.Lock()
	b.scheduled = now
	b.mu.Unlock()
	b.cycle.Unlock()
}

// Do calls f between two cycles, with a context that ends when f has to. It returns an error if there is no time for it before the context
// ends.
func (b *Between) Do(ctx context.Context, now func() time.Time, f func(context.Context)) error {
	ticker := time.NewTicker(betweenPoll)
	defer ticker.Stop()
	for {
		if b.may(now()) {
			b.cycle.Lock()
			if b.may(now()) && ctx.Err() == nil {
				break // the questions before it may have used up the time
			}
			b.cycle.Unlock()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for time between two scheduling cycles: %w", ctx.Err())
		case <-ticker.C:
		}
	}
	defer b.cycle.Unlock()
	began := now()
	defer func() { b.spend(now(), now().Sub(began)) }()
	limited, cancel := context.WithTimeoutCause(ctx, betweenMost, answers.ErrTooLong)
	defer cancel()
	f(limited)
	return nil
}

// may reports whether a question may be answered now.
func (b *Between) may(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.save(now)
	return b.left > 0
}

// spend subtracts what a question took. Nothing is saved up meanwhile.
func (b *Between) spend(now time.Time, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.save(now.Add(-took))
	b.at = now
	b.left -= took
}

// save adds what has been saved up since. A question that took long is paid back in full, also while nothing is scheduled: in this time the
// scheduler can begin cycles that waited for the question.
func (b *budget) save(now time.Time) {
	share := betweenShare
	if now.Sub(b.scheduled) > restAfter {
		share = 1
	}
	b.left = min(betweenBurst, b.left+time.Duration(share*float64(now.Sub(b.at))))
	b.at = now
}
