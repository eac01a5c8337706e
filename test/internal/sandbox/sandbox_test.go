//go:build linux

package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tried makes this test binary be a sandbox in which something runs.
const tried = "KUBENEXUS_TEST_SANDBOX_TRIED"

func TestMain(m *testing.M) {
	if os.Getenv(tried) != "" {
		os.Exit(Main(func() []string { return nil }, occupy))
	}
	os.Exit(m.Run())
}

// occupy does what nodes do: it makes cgroups, runs a process in them, mounts and adds addresses. It says so, and waits to be ended.
func occupy() int {
	path, err := MakeCgroup("node-1")
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	for _, dir := range CgroupDirs(path) {
		below := filepath.Join(dir, "container")
		if err := os.MkdirAll(below, 0o755); err != nil {
			fmt.Println("error:", err)
			return 1
		}
		if filepath.Base(filepath.Dir(filepath.Dir(dir))) == "cpuset" { // a new one has no processors
			continue
		}
		if err := os.WriteFile(filepath.Join(below, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
			fmt.Println("error:", err)
			return 1
		}
	}
	if err := Run("ip", "address", "add", "172.30.99.1/32", "dev", "lo"); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("occupied by", Name())
	_ = cmd.Wait() // the sandbox ends before
	return 0
}

// TestNothingIsLeft ends a sandbox in each way, at the beginning and later. All its processes and cgroups are gone soon.
func TestNothingIsLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it needs root")
	}
	if missing := missingCgroups(); len(missing) > 0 {
		t.Skip(strings.Join(missing, "; "))
	}
	if err := errors.Join(canUnshare(), canMakeCgroups()); err != nil {
		t.Skip(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := sandbox()
			name := occupied(t, cmd)
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			awaitNothing(t, cmd, name)
		})
	}
	t.Run("with its parent", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		script := exec.Command("sh", "-c", `"$0"; true`, self)
		script.Env = sandbox().Env
		name := occupied(t, script)
		if err := script.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		awaitNothing(t, script, name)
	})
	t.Run("at any time", func(t *testing.T) {
		for i := range 10 {
			cmd := sandbox()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// What counts is that the moment differs, not when it is.
			<-time.After(time.Duration(i) * 20 * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			awaitNothing(t, cmd, cgroupPrefix+strconv.Itoa(cmd.Process.Pid))
		}
	})
}

// sandbox returns the command that runs a sandbox.
func sandbox() *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), tried+"=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// occupied starts a sandbox, waits until something runs in it, and returns its name.
func occupied(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "occupied by ") {
		t.Fatalf("it says %q: %v", line, err)
	}
	name := strings.TrimSpace(strings.TrimPrefix(line, "occupied by "))
	if len(cgroupsOf(name)) == 0 {
		t.Fatal("it has no cgroups")
	}
	return name
}

// awaitNothing waits until neither processes nor cgroups of a sandbox are left.
func awaitNothing(t *testing.T, cmd *exec.Cmd, name string) {
	t.Helper()
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	late := time.After(time.Minute)
	for {
		cgroups, processes := cgroupsOf(name), processesOf(name)
		if len(cgroups) == 0 && len(processes) == 0 {
			return
		}
		select {
		case <-late:
			t.Fatalf("cgroups %v and processes %v are left", cgroups, processes)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// processesOf returns the processes whose environment names the sandbox.
func processesOf(name string) []string {
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil // the pattern is ours
	}
	var pids []string
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(text), nameVariable+"="+name+"\x00") {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}
