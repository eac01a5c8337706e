package proc

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// every is the sampling interval. The kernel records the peak of the resident memory; the peak of the anonymous memory depends on this
// interval.
const every = 100 * time.Millisecond

// Sampler samples the usage of a process until it is stopped.
type Sampler struct {
	pid    int
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	last     Usage
	peakAnon uint64
}

// Sample starts sampling a process.
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

// Now returns the current usage of the process, or the last sample if the process has ended.
func (s *Sampler) Now() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if usage, err := Read(s.pid); err == nil {
		s.last = usage
		s.peakAnon = max(s.peakAnon, usage.Anon)
	}
	return s.last
}

// PeakAnon returns the largest sample of anonymous memory.
func (s *Sampler) PeakAnon() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peakAnon
}

// Stop stops sampling.
func (s *Sampler) Stop() {
	s.cancel()
	<-s.done
}

// AwaitIdle waits until the process has used less than the share of one CPU for the whole window.
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
