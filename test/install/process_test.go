package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// patience is many times what anything here takes on a slow machine.
const patience = time.Minute

// process is a running scheduler.
type process struct {
	*child.Process
	t    testing.TB
	port int
	log  lockedBuffer
}

// start starts the scheduler as a process of its own and waits until it is ready.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t}
	if p.port, err = child.FreePort(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "--secure-port="+strconv.Itoa(p.port), "--bind-address=127.0.0.1")...)
	cmd.Env = append(os.Environ(), asScheduler+"=yes")
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if p.Process, err = child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it is not ready"))
	defer cancel()
	if err := p.Ready(ctx, p.port); err != nil {
		t.Fatalf("starting the scheduler: %v:\n%s", err, p.log.String())
	}
	return p
}

// stop asks the scheduler to end, and waits.
func (p *process) stop() {
	select {
	case <-p.Done():
		return
	default:
	}
	if !p.Stop(patience) {
		p.t.Errorf("the scheduler did not stop on SIGTERM")
	}
	text := p.log.String()
	if p.t.Failed() {
		p.t.Logf("end of the scheduler's log:\n%s", text[max(0, len(text)-20_000):])
	}
}

// get asks the scheduler's port and returns the status, or 0 if there was no answer.
func (p *process) get(t testing.TB, path, token string) int {
	t.Helper()
	// The scheduler makes its certificate itself; both ends are this machine.
	client, err := rest.HTTPClientFor(&rest.Config{BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("https://127.0.0.1:%d/%s", p.port, path)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Log(err)
		return 0
	}
	_ = response.Body.Close() // only its status counts
	return response.StatusCode
}

// within polls until the condition holds, and fails the test with what it last said if that takes too long.
func within(t testing.TB, what string, condition func() (bool, string)) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		done, now := condition()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s; now: %s", patience, what, now)
		}
	}
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

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lines returns the lines that contain the text, in any case.
func (b *lockedBuffer) lines(text string) []string {
	var found []string
	for line := range strings.Lines(b.String()) {
		if strings.Contains(strings.ToLower(line), text) {
			found = append(found, line)
		}
	}
	return found
}
