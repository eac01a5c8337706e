//go:build linux

package node

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/sandbox"
)

// Kill ends the first container of a pod as a crash would.
func (n *Node) Kill(pod *corev1.Pod) error {
	dir, err := n.containerDir(pod)
	if err != nil {
		return err
	}
	killed := sandbox.Processes(dir)
	if len(killed) == 0 {
		return fmt.Errorf("the container of pod %s has no processes", pod.Name)
	}
	for _, pid := range killed {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("killing a process of pod %s: %w", pod.Name, err)
		}
	}
	return nil
}

// Running reports whether the node runs a container of a pod in that namespace.
func (n *Node) Running(ctx context.Context, namespace string) (bool, error) {
	out, err := n.ctrCommand(ctx, "containers", "list", "-q", `labels."io.kubernetes.pod.namespace"==`+namespace).Output()
	if err != nil {
		return false, fmt.Errorf("%s: listing containers: %w", n.Name, err)
	}
	return len(strings.Fields(string(out))) > 1, nil // one holds the namespaces
}

// Memory is what a container holds, in bytes.
type Memory struct {
	// Anonymous is what no file has, and Usage what counts against a limit, page cache included.
	Anonymous, Usage int64
}

// Memory returns what the first container of a pod holds, as its cgroup says.
func (n *Node) Memory(pod *corev1.Pod) (Memory, error) {
	dir, err := n.containerDir(pod)
	if err != nil {
		return Memory{}, err
	}
	usage, anonymous := "memory.usage_in_bytes", "rss"
	if sandbox.Unified() {
		usage, anonymous = "memory.current", "anon"
	}
	text, err := os.ReadFile(filepath.Join(dir, usage))
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	if m.Usage, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return Memory{}, fmt.Errorf("%s: %w", usage, err)
	}
	stat, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
	if err != nil {
		return Memory{}, err
	}
	for line := range strings.Lines(string(stat)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == anonymous {
			m.Anonymous, err = strconv.ParseInt(value, 10, 64)
			return m, err
		}
	}
	return Memory{}, fmt.Errorf("memory.stat has no %s", anonymous)
}

// containerDir returns the directory of the cgroup of a pod's first container.
func (n *Node) containerDir(pod *corev1.Pod) (string, error) {
	if len(pod.Status.ContainerStatuses) == 0 {
		return "", fmt.Errorf("pod %s has no container", pod.Name)
	}
	_, id, _ := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	found := ""
	n.walk(func(dir string) {
		if id != "" && filepath.Base(dir) == id {
			found = dir
		}
	})
	if found == "" {
		return "", fmt.Errorf("the container %q of pod %s is not on %s", id, pod.Name, n.Name)
	}
	return found, nil
}

// containers returns the processes in the containers of the node.
func (n *Node) containers() []int {
	var pids []int
	n.walk(func(dir string) { pids = append(pids, sandbox.Processes(dir)...) })
	return pids
}

// walk calls f with the directories of all cgroups of the node.
func (n *Node) walk(f func(dir string)) {
	_ = filepath.WalkDir(sandbox.CgroupDirs(n.cgroup)[0], func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() { // else it went away
			f(path)
		}
		return nil
	})
}
