//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// CgroupRoot is where Linux has its cgroups, of either version.
	CgroupRoot = "/sys/fs/cgroup"
	// cgroupPrefix begins the names of sandboxes; the rest is the first process.
	cgroupPrefix = "kubenexus-nodes-"
)

// startJanitor starts the process that removes the cgroups of the sandbox once this process has ended, or called what is returned, which
// waits until nothing is left.
func startJanitor(name string) (cleaned func() error, err error) {
	cmd := self(asJanitor, name)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Whoever ends the process group of this process, such as a shell, does not end the janitor.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the janitor: %w", err)
	}
	return func() error {
		if err := pipe.Close(); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("removing cgroups: %w; left: %v", err, cgroupsOf(name))
		}
		return nil
	}, nil
}

// janitor waits for the first process to end, and removes the cgroups of the sandbox, and of others whose janitor was ended too.
func janitor() int {
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends when the other end is closed, in whatever way
	code := 0
	for _, name := range append(abandoned(), Name()) {
		if !removeIn(name, janitorPatience) {
			code = 1
		}
	}
	return code
}

// removeIn removes the cgroups of a sandbox, and reports whether that succeeded in time: processes take a moment to end.
func removeIn(name string, limit time.Duration) bool {
	late := time.After(limit)
	for !remove(name) {
		select {
		case <-late:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

// abandoned returns the sandboxes whose first process has ended.
func abandoned() []string {
	var names []string
	for _, dir := range cgroupsOf(cgroupPrefix + "*") {
		name := filepath.Base(dir)
		pid, err := strconv.Atoi(strings.TrimPrefix(name, cgroupPrefix))
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			names = append(names, name)
		}
	}
	return names
}

// cgroupsOf returns the top directories of a sandbox, in each hierarchy that has one.
func cgroupsOf(name string) []string {
	var all []string
	for _, pattern := range []string{filepath.Join(CgroupRoot, name), filepath.Join(CgroupRoot, "*", name)} {
		found, err := filepath.Glob(pattern)
		if err == nil { // the pattern is ours
			all = append(all, found...)
		}
	}
	return all
}

// remove ends what runs in the cgroups of a sandbox, removes them, and reports whether none is left.
func remove(name string) bool {
	for _, top := range cgroupsOf(name) {
		var dirs []string
		_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error { // what goes away meanwhile is no error
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			for _, pid := range Processes(dir) {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
			_ = syscall.Rmdir(dir) // it is tried again
		}
	}
	return len(cgroupsOf(name)) == 0
}

// Processes returns the processes in a cgroup, without those in the cgroups below.
func Processes(cgroup string) []int {
	text, err := os.ReadFile(filepath.Join(cgroup, "cgroup.procs"))
	if err != nil {
		return nil // it is gone
	}
	var pids []int
	for line := range strings.Lines(string(text)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}
