//go:build linux

// Package node runs real Kubernetes nodes for tests: each has a kubelet, a containerd and a network of its own. They run inside of a
// sandbox (package sandbox), which is what ends and removes all of them.
package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/child"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

const (
	// PauseImage is the image that holds the namespaces of a pod. It has to be imported before pods start.
	PauseImage = "registry.example.com/worker:test"
	// state is where the nodes have their files.
	state = "/run/nodes"
	// patience is many times longer than any step takes on a slow machine.
	patience = time.Minute
)

// Options describe a node.
type Options struct {
	// Number tells nodes from each other: 1 is the first.
	Number int
	// Kubelet is the program.
	Kubelet string
	// Config is how the kubelet reaches the API server, and CAFile the authority of its clients' certificates.
	Config *rest.Config
	CAFile string
}

// Node is a node that runs, or that is powered off.
type Node struct {
	Name string
	// Address is the address of the node itself; its pods have others.
	Address string

	options Options
	dir     string
	cgroup  string

	kubelet, containerd *child.Process
	// on is false while the node is switched off.
	on bool
}

// Name returns the name of the node with that number.
func Name(number int) string { return "node-" + strconv.Itoa(number) }

// Start starts a node. It returns once its containerd answers; the kubelet registers the node soon.
func Start(ctx context.Context, o Options) (*Node, error) {
	n := &Node{Name: Name(o.Number), Address: fmt.Sprintf("172.30.0.%d", o.Number), options: o}
	n.dir = filepath.Join(state, n.Name)
	var err error
	if n.cgroup, err = sandbox.MakeCgroup(n.Name); err != nil {
		return nil, err
	}
	if err := sandbox.Run("ip", "address", "add", n.Address+"/32", "dev", "lo"); err != nil {
		return nil, err
	}
	if err := n.configure(); err != nil {
		return nil, fmt.Errorf("configuring %s: %w", n.Name, err)
	}
	if err := n.PowerOn(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// PowerOn starts what runs on a node: its containerd, and the kubelet. It does nothing if the node is on.
func (n *Node) PowerOn(ctx context.Context) error {
	if n.on {
		return nil
	}
	n.on = true
	var err error
	if n.containerd, err = n.run("containerd", "containerd", "--config", n.path("containerd.toml")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("containerd does not answer"))
	defer cancel()
	for n.ctr(ctx, nil, "version") != nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: see %s", n.Name, context.Cause(ctx), n.LogFile("containerd"))
		case <-n.containerd.Done():
			return fmt.Errorf("%s: containerd has ended: %w: see %s", n.Name, n.containerd.Err(), n.LogFile("containerd"))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return n.StartKubelet()
}

// PowerOff ends all that runs on the node at once, without asking anybody, and forgets what a machine forgets that is switched off.
func (n *Node) PowerOff() error {
	n.on = false
	n.StopKubelet()
	n.containerd.Kill()
	for _, pid := range append(n.shims(), n.containers()...) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	late := time.After(patience)
	for len(n.containers()) > 0 {
		select {
		case <-late:
			return fmt.Errorf("%s: containers did not end: %v", n.Name, n.containers())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := n.unmount(); err != nil {
		return err
	}
	for _, dir := range []string{n.runtimeState(), n.path("cni-state")} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// StartKubelet starts the kubelet.
func (n *Node) StartKubelet() error {
	var err error
	n.kubelet, err = n.run("kubelet", n.options.Kubelet, "--config="+n.path("kubelet.yaml"), "--kubeconfig="+n.path("kubeconfig"),
		"--root-dir="+n.path("kubelet"), "--cert-dir="+n.path("pki"), "--hostname-override="+n.Name, "--node-ip="+n.Address, "--v=2")
	return err
}

// StopKubelet ends the kubelet as a crash would. What it started goes on running.
func (n *Node) StopKubelet() { n.kubelet.Kill() }

// Import imports an image from an OCI layout, such as that of make image, and gives it these names, too.
func (n *Node) Import(ctx context.Context, layout string, names ...string) error {
	given, err := reference(layout)
	if err != nil {
		return fmt.Errorf("reading %s: %w", layout, err)
	}
	var archive bytes.Buffer
	tar := exec.CommandContext(ctx, "tar", "-C", layout, "-c", ".")
	tar.Stdout = &archive
	if err := tar.Run(); err != nil {
		return fmt.Errorf("reading %s: %w", layout, err)
	}
	if err := n.ctr(ctx, &archive, "images", "import", "-"); err != nil {
		return err
	}
	for _, name := range names {
		if err := n.ctr(ctx, nil, "images", "tag", given, name); err != nil {
			return err
		}
	}
	return nil
}

// reference returns the name that containerd gives the image of a layout.
func reference(layout string) (string, error) {
	text, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return "", err
	}
	var index struct {
		Manifests []struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return "", err
	}
	if len(index.Manifests) != 1 {
		return "", fmt.Errorf("it has %d images", len(index.Manifests))
	}
	return index.Manifests[0].Annotations["io.containerd.image.name"], nil
}

// ctr runs containerd's client.
func (n *Node) ctr(ctx context.Context, in *bytes.Buffer, args ...string) error {
	cmd := n.ctrCommand(ctx, args...)
	if in != nil {
		cmd.Stdin = in
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: ctr %s: %w: %s", n.Name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (n *Node) ctrCommand(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ctr", append([]string{"--address", n.socket(), "--namespace", "k8s.io"}, args...)...)
}

// run starts a program of the node, with a log of its own.
func (n *Node) run(name, program string, args ...string) (*child.Process, error) {
	log, err := os.OpenFile(n.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, log, log
	return child.Start(cmd)
}

// LogFile returns the log of the kubelet or of containerd.
func (n *Node) LogFile(name string) string { return n.path(name + ".log") }

// StaticPods is the directory of the manifests that the kubelet runs without being asked by the API server.
func (n *Node) StaticPods() string { return n.path("static") }

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

func (n *Node) socket() string { return filepath.Join("/run", n.Name+".sock") }

// runtimeState is where containerd has what a reboot removes.
func (n *Node) runtimeState() string { return filepath.Join("/run", n.Name) }

// shims returns the processes that hold the containers for containerd.
func (n *Node) shims() []int {
	var pids []int
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil // the pattern is ours
	}
	for _, file := range found {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(string(line), "\x00")
		if strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") && strings.Contains(string(line), n.socket()) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// unmount unmounts the file systems of containers and volumes.
func (n *Node) unmount() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		target := strings.Fields(line)[1]
		if strings.HasPrefix(target, n.runtimeState()+"/") || strings.HasPrefix(target, n.dir+"/") {
			// What is not mounted any more went away with what it was mounted on.
			if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("%s: unmounting %s: %w", n.Name, target, err)
			}
		}
	}
	return nil
}

// configure writes the files that the programs of the node read.
func (n *Node) configure() error {
	for _, dir := range []string{"cni", "kubelet", "static", "logs", "pki", "volume-plugins"} {
		if err := os.MkdirAll(n.path(dir), 0o755); err != nil {
			return err
		}
	}
	for name, text := range n.files() {
		if err := os.WriteFile(n.path(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return controlplane.WriteKubeconfig(n.path("kubeconfig"), n.options.Config)
}
