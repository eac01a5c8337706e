package proc

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// every is how often a sampler looks. The peak of the resident memory is kept by the kernel; that of the anonymous
// memory is only as good as this.
const every = 100 * time.Millisecond

// Sampler follows what a process uses until it is stopped.
type Sampler struct {
	pid    int
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	last     Usage
	peakAnon uint64
}

// Sample starts to follow a process.
func Sample(ctx context.Context, pid int) *Sampler {
	ctx, cancel := context.WithCancel(ctx)
	s := &Sampler{pid: pid, cancel: cancel, done: make(chan struct{})}
	go s.run(ctx)
	return s
}

func (s *Sampler) run(ctx context.Context) {
	defer close(s.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		s.Now()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Now returns what the process has used up to now, or what it was last seen to use if it has ended.
func (s *Sampler) Now() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if usage, err := Read(s.pid); err == nil {
		s.last = usage
		s.peakAnon = max(s.peakAnon, usage.Anon)
	}
	return s.last
}

// PeakAnon returns the most anonymous memory that was seen.
func (s *Sampler) PeakAnon() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peakAnon
}

// Stop ends the sampling.
func (s *Sampler) Stop() {
	s.cancel()
	<-s.done
}

// AwaitIdle waits until the process has used less than the share of one CPU for as long as the window.
func AwaitIdle(ctx context.Context, pid int, share float64, window time.Duration) error {
	const steps = 4
	ticker := time.NewTicker(window / steps)
	defer ticker.Stop()
	var seen []time.Duration
	for {
		usage, err := Read(pid)
		if err != nil {
			return err
		}
		seen = append(seen, usage.CPU)
		if n := len(seen); n > steps && float64(seen[n-1]-seen[n-1-steps]) < share*float64(window) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for process %d to be idle: %w", pid, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}
