// Package process lets tests run schedulers as processes of their own, from the test binary that is running, and wait for
// what they do.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// variable makes a test binary be a scheduler of that kind: its arguments are then the scheduler's.
const variable = "KUBENEXUS_TEST_AS_SCHEDULER"

// KubeNexus is the kind of our own scheduler. Which others there are is up to the test binary's TestMain.
const KubeNexus = "kubenexus"

// programVariable names a program to run as our own scheduler instead of the test binary: `make test-race` builds one that finds races.
const programVariable = "KUBENEXUS_TEST_SCHEDULER"

// patience is many times what a start or an end takes on a slow machine.
const patience = time.Minute

// Kind returns which scheduler this process is to be, or "" if it is to run tests.
func Kind() string { return os.Getenv(variable) }

// As returns what the environment of a test binary has to have for it to be a scheduler of that kind.
func As(kind string) string { return variable + "=" + kind }

// Scheduler is a running scheduler.
type Scheduler struct {
	*child.Process
	// Port is where it serves health and metrics.
	Port int
	Log  Buffer
	t    testing.TB
	// ended is set once the test made it end, or waited for that.
	ended bool
}

// Start starts the scheduler of that kind and waits until it is ready. The test's end stops it.
func Start(t testing.TB, kind string, args ...string) *Scheduler {
	t.Helper()
	s := Launch(t, kind, args...)
	s.AwaitReady()
	return s
}

// AwaitReady waits until the scheduler is ready.
func (s *Scheduler) AwaitReady() {
	s.t.Helper()
	ctx, cancel := context.WithTimeoutCause(s.t.Context(), patience, errors.New("it is not ready"))
	defer cancel()
	if err := s.Ready(ctx, s.Port); err != nil {
		s.t.Fatalf("starting the scheduler: %v:\n%s", err, s.Log.tail())
	}
}

// Launch starts the scheduler and does not wait for it.
func Launch(t testing.TB, kind string, args ...string) *Scheduler {
	t.Helper()
	return LaunchIn(t, nil, kind, args...)
}

// LaunchIn starts the scheduler with this environment besides that of the test, and does not wait for it.
func LaunchIn(t testing.TB, environment []string, kind string, args ...string) *Scheduler {
	t.Helper()
	if program := os.Getenv(programVariable); program != "" && kind == KubeNexus {
		return launch(t, environment, kind, program, args)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, environment, kind, self, args)
}

// StartProgram starts another program that is a scheduler, and waits until it is ready.
func StartProgram(t testing.TB, program string, args ...string) *Scheduler {
	t.Helper()
	s := launch(t, nil, "", program, args)
	s.AwaitReady()
	return s
}

func launch(t testing.TB, environment []string, kind, program string, args []string) *Scheduler {
	t.Helper()
	s := &Scheduler{t: t}
	var err error
	if s.Port, err = child.FreePort(); err != nil {
		t.Fatal(err)
	}
	// The last of a flag counts: what is served where is for the test to say.
	cmd := exec.Command(program, append(args, "--secure-port="+strconv.Itoa(s.Port), "--bind-address=127.0.0.1")...)
	cmd.Env = append(append(os.Environ(), environment...), As(kind))
	cmd.Stdout, cmd.Stderr = &s.Log, &s.Log
	if s.Process, err = child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.End)
	return s
}

// Kill ends the scheduler as a crash would, and waits.
func (s *Scheduler) Kill() {
	s.ended = true
	s.Process.Kill()
}

// End asks the scheduler to end, and waits. It does nothing if the test ended it before.
func (s *Scheduler) End() {
	if s.Ended() && !s.ended {
		s.t.Errorf("the scheduler ended by itself: %v", s.Err())
	}
	s.ended = true
	if !s.Stop(patience) {
		s.t.Errorf("the scheduler did not stop on SIGTERM")
	}
	for _, fault := range []string{"panic", "WARNING: DATA RACE"} {
		if _, after, found := strings.Cut(s.Log.String(), fault); found {
			s.t.Errorf("the scheduler's log has %q:%s", fault, after[:min(len(after), 10_000)])
		}
	}
	if s.t.Failed() {
		s.t.Logf("end of the scheduler's log:\n%s", s.Log.tail())
	}
}

// Ended says whether the scheduler has ended.
func (s *Scheduler) Ended() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// Exit waits for a scheduler that is to end by itself, and returns its exit code and what it printed.
func (s *Scheduler) Exit() (int, string) {
	s.ended = true
	select {
	case <-s.Done():
	case <-time.After(patience):
		s.t.Fatalf("the scheduler did not end:\n%s", s.Log.tail())
	}
	return s.ExitCode(), s.Log.String()
}

// Get asks the scheduler's port with a token, or without one if that is empty, and returns the status and the text, or 0 if
// there was no answer.
func (s *Scheduler) Get(path, token string) (status int, text string) {
	s.t.Helper()
	// The scheduler makes its certificate itself; both ends are this machine.
	client, err := rest.HTTPClientFor(&rest.Config{BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		s.t.Fatal(err)
	}
	url := fmt.Sprintf("https://127.0.0.1:%d/%s", s.Port, path)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		s.t.Log(err)
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Log(err)
		return 0, ""
	}
	return response.StatusCode, string(body)
}
