package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// stopTime is how long the scheduler may take to end when it is asked to.
const stopTime = 5 * time.Second

// process is the scheduler and its log file.
type process struct {
	*child.Process
	log string
}

// startScheduler runs this program again as the scheduler, and returns when it is ready. If it leads, its lease says where it answers.
func startScheduler(ctx context.Context, kubeconfig, log string, leads bool) (*process, error) {
	p, port, err := launch(kubeconfig, log, leads)
	if err != nil {
		return nil, err
	}
	if err := p.Ready(ctx, port); err != nil {
		p.Stop(stopTime)
		if ctx.Err() == nil {
			err = p.failure()
		}
		return nil, fmt.Errorf("waiting for the scheduler to be ready: %w", err)
	}
	return p, nil
}

func launch(kubeconfig, log string, leads bool) (p *process, port int, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, fmt.Errorf("finding this program: %w", err)
	}
	if port, err = child.FreePort(); err != nil {
		return nil, 0, err
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the scheduler's log: %w", err)
	}
	defer func() { _ = file.Close() }() // the child has its own
	cmd := exec.Command(self, "scheduler", "--kubeconfig="+kubeconfig, fmt.Sprintf("--leader-elect=%t", leads),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "-v=2")
	cmd.Stdout, cmd.Stderr = file, file
	started, err := child.Start(cmd)
	if err != nil {
		return nil, 0, err
	}
	return &process{Process: started, log: log}, port, nil
}

// failure says how the scheduler ended, with the end of its log.
func (p *process) failure() error {
	return fmt.Errorf("the scheduler ended: %w; the end of its log:\n%s", p.Err(), tail(p.log))
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
