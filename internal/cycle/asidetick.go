package cycle

import (
	"context"
	"time"
)

// tickPause is how often what is set aside is compared with what waits.
const tickPause = 100 * time.Millisecond

// Run keeps what is set aside up to date while no pod is popped, until the context ends.
func (s *SetAside) Run(ctx context.Context) {
	ticker := time.NewTicker(tickPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.tick(ctx)
		}
	}
}

// tick lets go of what is set aside for gangs that do not wait any more. If something has to be planned and no pod is popped, it puts the
// first gang into the queue.
func (s *SetAside) tick(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.popped.IsZero() {
		return // another process leads
	}
	s.prune(ctx)
	for key, until := range s.hopeless {
		if !now.Before(until) {
			delete(s.hopeless, key)
		}
	}
	if !s.mustPlan(now) || now.Sub(s.popped) < idlePause {
		return
	}
	if s.findDue(now); len(s.due) == 0 {
		for key := range s.ours { // their queues do not let them start any more, or capacity is no longer set aside for them
			s.letGo(ctx, key)
		}
		return
	}
	s.popped, s.refresh = now, now // the next pod that is popped finds something to plan
	s.Dispatcher.Perform(s.Ledger.Try(s.due[0].Key))
}
