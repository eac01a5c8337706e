package contender

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
)

// stopTime is how long a process may take to stop gracefully.
const stopTime = 10 * time.Second

// stockConfig raises the client's rate limit, which would otherwise be the result. All else is the default.
const stockConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: false
clientConnection:
  kubeconfig: %s
  qps: 5000
  burst: 10000
`

// QueuesName is the name of the ConfigMap that configures the queues of contenders with queues, in kube-system.
const QueuesName = "bench-queues"

// Queues is that configuration. The pods are in the queue default.
const Queues = `apiVersion: kubenexus.io/v1alpha1
kind: QueueConfiguration
queues:
- {name: research, weight: 2, guarantee: {cpu: "10"}}
- {name: batch, limit: {cpu: "100"}}
- {name: default, limit: {cpu: "1000000"}}
`

// queuesConfig makes the scheduler read it.
const queuesConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: kubenexus-scheduler
  pluginConfig:
  - name: GangQueue
    args:
      queues: {namespace: kube-system, name: ` + QueuesName + `}
`

// Env is the environment of the processes.
type Env struct {
	Bin  string // directory of the programs
	Dir  string // directory for configuration files
	Logs string // directory for logs
	// Admin is the kubeconfig of an administrator with a certificate, Kubeconfig that of one with a token, for all contenders. Pods in a
	// cluster use a token too: the API server verifies a token once, and a certificate at each request.
	Admin, Kubeconfig string
}

// Process is a running process.
type Process struct {
	*child.Process
	Pid     int
	Started time.Time
	Log     string
	port    int
	line    <-chan string
}

// Start starts the scheduler; name is the name of its log.
func (c *Contender) Start(env Env, name string) (*Process, error) {
	if c.kind == raw {
		return launch(filepath.Join(env.Logs, name+".log"),
			exec.Command(filepath.Join(env.Bin, "raw"), "--kubeconfig="+env.Kubeconfig, "--scheduler-name="+c.SchedulerName()))
	}
	port, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	args := []string{
		"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port),
		// The administrator may then fetch profiles, and the scheduler needs no watch that only real clusters need.
		"--client-ca-file=" + env.ca(), "--authentication-skip-lookup=true",
		"--authentication-kubeconfig=" + env.Kubeconfig, "--authorization-kubeconfig=" + env.Kubeconfig,
	}
	program := "kube-scheduler"
	if c.kind == ours {
		program = "kubenexus-scheduler"
		args = append(args, "--kubeconfig="+env.Kubeconfig, "--leader-elect=false")
		if c.queues {
			config := filepath.Join(env.Dir, "queues.yaml")
			if err := os.WriteFile(config, []byte(queuesConfig), 0o600); err != nil {
				return nil, fmt.Errorf("writing the configuration with queues: %w", err)
			}
			args = append(args, "--config="+config)
		}
	} else {
		config := filepath.Join(env.Dir, "stock.yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, stockConfig, env.Kubeconfig), 0o600); err != nil {
			return nil, fmt.Errorf("writing the configuration of kube-scheduler: %w", err)
		}
		args = append(args, "--config="+config)
	}
	if c.kind == stockGang {
		args = append(args, fmt.Sprintf(
			"--feature-gates=GenericWorkload=true,GangScheduling=true,WorkloadAwarePreemption=%t,TopologyAwareWorkloadScheduling=%t",
			c.preempts, c.topology))
	}
	p, err := launch(filepath.Join(env.Logs, name+".log"), exec.Command(filepath.Join(env.Bin, program), args...))
	if err != nil {
		return nil, err
	}
	p.port = port
	return p, nil
}

// StartPlane starts etcd and kube-apiserver. It sets env's kubeconfigs once they are ready.
func StartPlane(ctx context.Context, env *Env, podGroups bool) (*Process, error) {
	tokens, token := filepath.Join(env.Dir, "tokens.csv"), rand.Text()
	if err := os.WriteFile(tokens, fmt.Appendf(nil, "%s,bench,bench,%q\n", token, user.SystemPrivilegedGroup), 0o600); err != nil {
		return nil, fmt.Errorf("writing a token: %w", err)
	}
	args := []string{
		"--dir=" + env.Dir, "--log=" + filepath.Join(env.Logs, "plane.log"), "--",
		"--token-auth-file=" + tokens,
		"--delete-collection-workers=32",
		// Every run leaves tens of MB of old revisions, and etcd stores at most 2 GB.
		"--etcd-compaction-interval=1m",
	}
	if podGroups {
		// Without WorkloadAwarePreemption, PodGroups have no priority, and without TopologyAwareWorkloadScheduling they can ask for no
		// topology.
		args = append(args,
			"--feature-gates=GenericWorkload=true,GangScheduling=true,WorkloadAwarePreemption=true,TopologyAwareWorkloadScheduling=true",
			"--runtime-config=scheduling.k8s.io/v1alpha2=true")
	}
	p, err := launch(filepath.Join(env.Logs, "plane.out"), exec.Command(filepath.Join(env.Bin, "plane"), args...))
	if err != nil {
		return nil, err
	}
	if env.Admin, err = p.announcement(ctx); err != nil {
		p.End()
		return nil, fmt.Errorf("waiting for the control plane: %w", err)
	}
	if err := env.write(token); err != nil {
		p.End()
		return nil, err
	}
	return p, nil
}

// StartServe starts the REST API, without a limit that a benchmark would reach. It returns the API's address once it serves.
func StartServe(ctx context.Context, env *Env, name string) (*Process, string, error) {
	const unlimited = "1000000"
	p, err := launch(filepath.Join(env.Logs, name+".log"), exec.Command(filepath.Join(env.Bin, "kubenexus"), "serve",
		"--listen=127.0.0.1:0", "--kubeconfig="+env.Kubeconfig, "--requests-per-second="+unlimited, "--burst="+unlimited))
	if err != nil {
		return nil, "", err
	}
	line, err := p.announcement(ctx)
	if err != nil {
		p.Kill()
		return nil, "", fmt.Errorf("waiting for kubenexus serve: %w", err)
	}
	address, found := strings.CutPrefix(line, "Serving ")
	address, _, _ = strings.Cut(address, " ")
	if !found {
		p.Kill()
		return nil, "", fmt.Errorf("kubenexus serve says %q, not where it serves", line)
	}
	return p, address, nil
}

func (e *Env) ca() string { return filepath.Join(e.Dir, "ca.crt") }

// write writes the certificate authority of the administrator's kubeconfig to a file, and a kubeconfig with the token.
func (e *Env) write(token string) error {
	config, err := clientcmd.LoadFromFile(e.Admin)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	for _, cluster := range config.Clusters {
		if err := os.WriteFile(e.ca(), cluster.CertificateAuthorityData, 0o600); err != nil {
			return fmt.Errorf("writing the certificate authority: %w", err)
		}
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	}
	e.Kubeconfig = filepath.Join(e.Dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, e.Kubeconfig); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

// launch starts a command with its standard error in the log, and keeps the first line of its output.
func launch(log string, cmd *exec.Cmd) (*Process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("creating a log: %w", err)
	}
	defer func() { _ = file.Close() }() // the child has its own
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("creating a pipe: %w", err)
	}
	defer func() { _ = in.Close() }() // the child has its own
	cmd.Stdout, cmd.Stderr = in, file
	p := &Process{Started: time.Now(), Log: log}
	if p.Process, err = child.Start(cmd); err != nil {
		_ = out.Close() // nothing was written
		return nil, err
	}
	p.Pid = cmd.Process.Pid
	line := make(chan string, 1)
	p.line = line
	go func() {
		defer func() { _ = out.Close() }() // only read
		reader := bufio.NewReader(out)
		first, _ := reader.ReadString('\n') // without a line the child has ended, which Failure reports
		line <- strings.TrimSpace(first)
		_, _ = reader.WriteTo(io.Discard) // drain the pipe, or the child would block
	}()
	return p, nil
}

// Ready waits until the scheduler is ready.
func (p *Process) Ready(ctx context.Context) error {
	if p.port == 0 {
		_, err := p.announcement(ctx)
		return err
	}
	return p.Process.Ready(ctx, p.port)
}

// Pause stops the process without ending it, until Resume.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused process run.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(sig syscall.Signal) error {
	if err := syscall.Kill(p.Pid, sig); err != nil {
		return fmt.Errorf("sending %s to %d: %w", sig, p.Pid, err)
	}
	return nil
}

// announcement waits for the line that our own programs print when they are ready.
func (p *Process) announcement(ctx context.Context) (string, error) {
	select {
	case line := <-p.line:
		if line == "" {
			<-p.Done()
			return "", p.Failure()
		}
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// End stops the process.
func (p *Process) End() { p.Stop(stopTime) }

// Failure describes how the process ended, with the end of its log.
func (p *Process) Failure() error {
	const most = 2000
	text, err := os.ReadFile(p.Log)
	return errors.Join(fmt.Errorf("it ended: %w; the end of its log:\n%s", p.Err(), text[max(0, len(text)-most):]), err)
}
