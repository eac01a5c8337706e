//go:build linux

// Package sandbox runs a test binary in namespaces of its own: mounts, network and processes. What the tests start, mount and
// configure goes away with them, however they end. Cgroups do not, so another process removes those.
//
// The test binary runs as four processes. The first has the namespaces of its caller, and waits. The janitor waits until that one has
// ended, and then removes the cgroups. The third is the init process of the sandbox: it prepares the mounts, starts the tests, which are
// the fourth, and waits for processes whose parents have ended. When it ends, the kernel ends all processes of the sandbox; and it ends
// with the first process.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// variable says what a process is; it is not set in the first one.
const variable = "KUBENEXUS_TEST_SANDBOX"

const (
	asJanitor = "janitor"
	asInit    = "init"
	asTests   = "tests"
)

// nameVariable is the name of the sandbox, which its cgroups have.
const nameVariable = "KUBENEXUS_TEST_SANDBOX_NAME"

// Temporary is the directory for temporary files inside. It goes away with the sandbox.
const Temporary = "/run/tmp"

// janitorPatience is many times longer than processes take to end that were killed.
const janitorPatience = time.Minute

// Inside reports whether this process runs the tests inside of a sandbox.
func Inside() bool { return os.Getenv(variable) == asTests }

// Name returns the name of the sandbox that this process is in.
func Name() string { return os.Getenv(nameVariable) }

// Main runs the tests inside of a new sandbox, and returns the exit code. TestMain calls it first. If something is missing, it says so and
// runs nothing; only the first process asks what is.
func Main(missing func() []string, tests func() int) int {
	switch os.Getenv(variable) {
	case asJanitor:
		return janitor()
	case asInit:
		code, err := beInit()
		if err != nil {
			fmt.Fprintln(os.Stderr, "sandbox:", err)
			return 1
		}
		return code
	case asTests:
		return tests()
	}
	if lacks := missing(); len(lacks) > 0 {
		fmt.Println("SKIPPED: real nodes cannot run here: " + strings.Join(lacks, "; ") + ".")
		return 0
	}
	code, err := enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 1
	}
	return code
}

// enter runs this program again inside of a sandbox, and cleans up.
func enter() (code int, err error) {
	name := cgroupPrefix + fmt.Sprint(os.Getpid())
	cleaned, err := startJanitor(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cleaned()) }()
	cmd := self(asInit, name)
	cmd.Args = append(cmd.Args, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	// Linux sends the signal of a parent's death when the thread ends that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := endWithParent(); err != nil {
		return 0, err
	}
	return exitCode(cmd.Run())
}

// endWithParent has Linux end this process when the one ends that started it, such as a script: nobody would wait for the tests then.
func endWithParent() error {
	_, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
	if err != 0 {
		return fmt.Errorf("asking to end with the parent: %w", err)
	}
	return nil
}

// exitCode returns the exit code of a program that has ended with this error.
func exitCode(err error) (int, error) {
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, ended.ExitCode()), nil
	}
	return 0, err
}

// self returns the command that runs this program as something else.
func self(as, name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), variable+"="+as, nameVariable+"="+name)
	return cmd
}

// beInit is the init process of a sandbox: it runs the tests, and returns their exit code.
func beInit() (int, error) {
	if err := prepare(); err != nil {
		return 0, err
	}
	cmd := self(asTests, Name())
	cmd.Args = append(cmd.Args, os.Args[1:]...)
	cmd.Env = append(cmd.Env, "TMPDIR="+Temporary)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting the tests: %w", err)
	}
	// Not Wait: whoever's parent has ended is a child of this process now.
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("waiting for the tests: %w", err)
		case pid == cmd.Process.Pid && status.Exited():
			return status.ExitStatus(), nil
		case pid == cmd.Process.Pid:
			return 1, fmt.Errorf("the tests ended with the signal %s", status.Signal())
		}
	}
}

// mount is a mount of a sandbox.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

// prepare mounts what processes write to, and brings the loopback interface up.
func prepare() error {
	mounts := []mount{
		{target: "/", flags: syscall.MS_REC | syscall.MS_PRIVATE},
		{"proc", "/proc", "proc", 0, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=0755"},
	}
	if err := mountAll(mounts); err != nil {
		return err
	}
	for _, dir := range []string{Temporary, "/run/var/upper", "/run/var/work"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// What container runtimes and kubelets write below /var stays here.
	const layers = "lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work"
	if err := mountAll([]mount{{"overlay", "/var", "overlay", 0, layers}}); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("forwarding packets: %w", err)
	}
	return Run("ip", "link", "set", "lo", "up")
}

func mountAll(mounts []mount) error {
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", m.kind, m.target, err)
		}
	}
	return nil
}

// Run runs a program. The error has what it printed.
func Run(program string, args ...string) error {
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
