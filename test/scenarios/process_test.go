package scenarios

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running scheduler.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	port int
	log  lockedBuffer
	done chan struct{}
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
	client := &http.Client{
		Timeout:   time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // its own certificate, on loopback
	}
	within(t, 20*time.Second, "the scheduler to be ready", func() (bool, string) {
		select {
		case <-p.done:
			t.Fatalf("the scheduler ended:\n%s", p.log.String())
		default:
		}
		resp, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/readyz", p.port))
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, resp.Status
	})
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
	p := &process{t: t, port: freePort(t), done: make(chan struct{})}
	args = append([]string{"--secure-port=" + strconv.Itoa(p.port), "--bind-address=127.0.0.1"}, args...)
	p.cmd = exec.Command(self, args...)
	p.cmd.Env = append(os.Environ(), asScheduler+"="+kind)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting the scheduler: %v", err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	t.Cleanup(p.stop)
	return p
}

// stop asks the scheduler to end, and waits.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("the scheduler did not stop on SIGTERM:\n%s", p.log.String())
	}
	if p.t.Failed() {
		p.t.Logf("end of the scheduler's log:\n%s", p.log.tail(20_000))
	}
}

// kill ends the scheduler as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// exit waits for a scheduler that is to end by itself, and returns its exit code and what it printed.
func (p *process) exit() (int, string) {
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("the scheduler did not end:\n%s", p.log.String())
	}
	return p.cmd.ProcessState.ExitCode(), p.log.String()
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
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
