package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// stopTime is how long the scheduler may take to end when it is asked to.
const stopTime = 5 * time.Second

// process is the scheduler. It is a process of its own because the logs and feature gates of Kubernetes are global to a
// process, and those of the API server are another's.
type process struct {
	cmd  *exec.Cmd
	log  string
	port int
	done chan struct{}
	err  error // how it ended, once done is closed
}

// startScheduler runs this program again as the scheduler, and returns when it is ready.
func startScheduler(ctx context.Context, kubeconfig, log string) (*process, error) {
	p, err := launch(kubeconfig, log)
	if err != nil {
		return nil, fmt.Errorf("starting the scheduler: %w", err)
	}
	client := &http.Client{
		Timeout: time.Second,
		// The scheduler makes its certificate itself; both ends are this machine.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	defer client.CloseIdleConnections()
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case <-p.done:
			return false, p.failure()
		default:
			return ready(ctx, client, p.port), nil
		}
	})
	if err == nil {
		return p, nil
	}
	p.stop()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("waiting for the scheduler to be ready: %w", err)
}

func ready(ctx context.Context, client *http.Client, port int) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/readyz", port), http.NoBody)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func launch(kubeconfig, log string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening its log: %w", err)
	}
	p := &process{log: log, port: port, done: make(chan struct{})}
	p.cmd = exec.Command(self, "scheduler", "--kubeconfig="+kubeconfig, "--leader-elect=false",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "-v=2")
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = childAttributes()
	started := make(chan error, 1)
	go func() {
		defer func() { _ = file.Close() }() // the child has its own
		// Linux sends the signal of a parent's death when the thread ends that started the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// failure says how the scheduler ended, with the end of its log.
func (p *process) failure() error {
	how := p.err
	if how == nil {
		how = errors.New("exit status 0")
	}
	return fmt.Errorf("the scheduler ended: %w; the end of its log:\n%s", how, tail(p.log))
}

// stop asks the scheduler to end, and makes it if it does not.
func (p *process) stop() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		_ = p.cmd.Process.Kill() // it may have ended already
	}
	select {
	case <-p.done:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }() // nobody connected
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("unexpected address %s", listener.Addr())
	}
	return address.Port, nil
}

// tail returns the last lines of a file.
func tail(path string) string {
	const most = 10
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
