//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// unifiedMagic is the type of the file system of cgroup v2 (CGROUP2_SUPER_MAGIC in statfs(2)).
const unifiedMagic = 0x63677270

// controllers are the controllers of cgroup v1 that kubelets need, and unifiedControllers those of v2.
var (
	controllers        = []string{"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"}
	unifiedControllers = []string{"cpuset", "cpu", "memory", "pids"}
)

// Unified reports whether this machine has cgroup v2 alone.
func Unified() bool {
	var found syscall.Statfs_t
	return syscall.Statfs(CgroupRoot, &found) == nil && found.Type == unifiedMagic
}

func missingCgroups() []string {
	if Unified() {
		has, err := os.ReadFile(filepath.Join(CgroupRoot, "cgroup.controllers"))
		if err != nil {
			return []string{err.Error()}
		}
		return absent(unifiedControllers, func(name string) bool { return slices.Contains(strings.Fields(string(has)), name) })
	}
	return absent(controllers, func(name string) bool {
		_, err := os.Stat(filepath.Join(CgroupRoot, name, "cgroup.procs"))
		return err == nil
	})
}

// canMakeCgroups makes a cgroup as nodes need it, and removes it.
func canMakeCgroups() error {
	name := cgroupPrefix + fmt.Sprint(os.Getpid())
	_, err := makeCgroup(name, "probe")
	if !removeIn(name, time.Second) && err == nil {
		err = fmt.Errorf("the cgroups %v cannot be removed", cgroupsOf(name))
	}
	return err
}

func absent(names []string, has func(string) bool) []string {
	var missing []string
	for _, name := range names {
		if !has(name) {
			missing = append(missing, "there is no cgroup controller "+name)
		}
	}
	return missing
}

// MakeCgroup makes the cgroup of a node below that of the sandbox, in each hierarchy, and returns its path as kubelets are given it.
func MakeCgroup(node string) (string, error) { return makeCgroup(Name(), node) }

func makeCgroup(sandbox, node string) (string, error) {
	below := filepath.Join(sandbox, node)
	if Unified() {
		return "/" + below, makeUnified(below)
	}
	for _, controller := range controllers {
		root := filepath.Join(CgroupRoot, controller)
		if err := os.MkdirAll(filepath.Join(root, below), 0o755); err != nil {
			return "", fmt.Errorf("making a cgroup: %w", err)
		}
		if controller != "cpuset" {
			continue
		}
		// A cpuset has no processors and no memory until it is given some.
		for dir := sandbox; ; dir = below {
			for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
				if err := copyFile(filepath.Join(root, file), filepath.Join(root, dir, file)); err != nil {
					return "", err
				}
			}
			if dir == below {
				break
			}
		}
	}
	return "/" + below, nil
}

// makeUnified makes a cgroup of v2, and gives it and those above it the controllers.
func makeUnified(below string) error {
	if err := os.MkdirAll(filepath.Join(CgroupRoot, below), 0o755); err != nil {
		return fmt.Errorf("making a cgroup: %w", err)
	}
	enable := []byte("+" + strings.Join(unifiedControllers, " +"))
	for _, dir := range []string{"", filepath.Dir(below), below} {
		if err := os.WriteFile(filepath.Join(CgroupRoot, dir, "cgroup.subtree_control"), enable, 0); err != nil {
			return fmt.Errorf("enabling cgroup controllers in %q: %w", dir, err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0)
}

// CgroupDirs returns the directories of a node's cgroup: one, or with cgroup v1 one for each controller. The first one has memory.
func CgroupDirs(path string) []string {
	if Unified() {
		return []string{filepath.Join(CgroupRoot, path)}
	}
	dirs := []string{filepath.Join(CgroupRoot, "memory", path)}
	for _, controller := range controllers {
		if controller != "memory" {
			dirs = append(dirs, filepath.Join(CgroupRoot, controller, path))
		}
	}
	return dirs
}
