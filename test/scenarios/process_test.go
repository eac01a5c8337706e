package scenarios

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// process is a running scheduler.
type process struct {
	*child.Process
	t    testing.TB
	port int
	log  lockedBuffer
}

// startScheduler starts the scheduler as a process of its own and waits until it is ready. The test's end stops it.
func startScheduler(t testing.TB, args ...string) *process {
	t.Helper()
	return startAs(t, "kubenexus", args...)
}

// startAs starts the scheduler of that kind and waits until it is ready.
func startAs(t testing.TB, kind string, args ...string) *process {
	t.Helper()
	p := launchAs(t, kind, args...)
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it is not ready"))
	defer cancel()
	if err := p.Ready(ctx, p.port); err != nil {
		t.Fatalf("starting the scheduler: %v:\n%s", err, p.log.tail(20_000))
	}
	return p
}

// launch starts the scheduler and does not wait for it.
func launch(t testing.TB, args ...string) *process {
	t.Helper()
	return launchAs(t, "kubenexus", args...)
}

func launchAs(t testing.TB, kind string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t}
	if p.port, err = child.FreePort(); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--secure-port=" + strconv.Itoa(p.port), "--bind-address=127.0.0.1"}, args...)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asScheduler+"="+kind)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if p.Process, err = child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

// stop asks the scheduler to end, and waits.
func (p *process) stop() {
	if !p.Stop(patience) {
		p.t.Errorf("the scheduler did not stop on SIGTERM")
	}
	if _, after, found := strings.Cut(p.log.String(), "panic"); found {
		p.t.Errorf("the scheduler panicked:%s", after[:min(len(after), 10_000)])
	}
	if p.t.Failed() {
		p.t.Logf("end of the scheduler's log:\n%s", p.log.tail(20_000))
	}
}

// ended says whether the scheduler has ended.
func (p *process) ended() bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// exit waits for a scheduler that is to end by itself, and returns its exit code and what it printed.
func (p *process) exit() (int, string) {
	select {
	case <-p.Done():
	case <-time.After(patience):
		p.t.Fatalf("the scheduler did not end:\n%s", p.log.tail(20_000))
	}
	return p.ExitCode(), p.log.String()
}

// within polls until the condition holds, and fails the test with what it last said if that takes too long.
func within(t testing.TB, limit time.Duration, what string, condition func() (bool, string)) {
	t.Helper()
	now := ""
	if !poll(limit, func() (done bool) { done, now = condition(); return done }) {
		t.Fatalf("waited %s for %s; now: %s", limit, what, now)
	}
}

// poll asks again and again until the answer is yes or the time is up, and returns the last answer.
func poll(limit time.Duration, ask func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); !ask(); <-tick.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// lockedBuffer is a buffer that a process writes and a test reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) contains(text string) bool { return strings.Contains(b.String(), text) }

// tail returns the last bytes.
func (b *lockedBuffer) tail(most int) string {
	text := b.String()
	return text[max(0, len(text)-most):]
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
