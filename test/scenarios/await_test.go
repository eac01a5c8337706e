package scenarios

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestSchedulerWaitsForTheAPIServer: a scheduler that starts before the API server is alive, so that it is not restarted, and not
// ready; it says what it waits for, and works as soon as the API server is there.
func TestSchedulerWaitsForTheAPIServer(t *testing.T) {
	port, kubeconfig := elsewhere(t)
	scheduler := launch(t, "--kubeconfig="+kubeconfig, "--leader-elect=false")
	awaitsAPIServer(t, scheduler, port)

	forward(t, port)
	process.Within(t, patience, "the scheduler to be ready", func() (bool, string) {
		status, text := scheduler.Get("readyz", "")
		return status == http.StatusOK, fmt.Sprint(status, text)
	})
	startsAGang(t, "awaited", "kubenexus-scheduler", gangAnnotations("a", 3))
}

// TestSchedulerThatWaitsCanBeStopped: without an API server the scheduler ends when it is asked to.
func TestSchedulerThatWaitsCanBeStopped(t *testing.T) {
	port, kubeconfig := elsewhere(t)
	scheduler := launch(t, "--kubeconfig="+kubeconfig, "--leader-elect=false")
	awaitsAPIServer(t, scheduler, port)
	scheduler.End()
	if code, log := scheduler.Exit(); code != 0 {
		t.Errorf("exit code %d, want 0:\n%s", code, log)
	}
}

func awaitsAPIServer(t *testing.T, scheduler *process.Scheduler, port int) {
	t.Helper()
	says := fmt.Sprintf(`"Waiting for the API server" host="https://127.0.0.1:%d"`, port)
	process.Within(t, patience, "the scheduler to say that it waits", func() (bool, string) {
		return scheduler.Log.Contains(says), scheduler.Log.String()
	})
	if status, text := scheduler.Get("livez", ""); status != http.StatusOK {
		t.Errorf("/livez says %d %s, want 200", status, text)
	}
	if status, text := scheduler.Get("readyz", ""); status != http.StatusServiceUnavailable || !strings.Contains(text, "waiting for the API server") {
		t.Errorf("/readyz says %d %s, want 503 and why", status, text)
	}
}

// elsewhere returns a free port, and a kubeconfig with the API server at that port.
func elsewhere(t *testing.T) (port int, kubeconfig string) {
	t.Helper()
	port, err := child.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(suite.plane.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	there := strings.ReplaceAll(string(text), suite.plane.Config().Host, fmt.Sprintf("https://127.0.0.1:%d", port))
	return port, writeConfig(t, there)
}

// forward makes the API server be there too.
func forward(t *testing.T, port int) {
	t.Helper()
	server, err := url.Parse(suite.plane.Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(t.Context(), func() { _ = listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			to, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Host)
			if err != nil {
				_ = from.Close()
				continue
			}
			go pipe(from, to)
			go pipe(to, from)
		}
	}()
}

// pipe copies what comes from one end until either is closed, and closes both.
func pipe(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
	_ = to.Close()
}
