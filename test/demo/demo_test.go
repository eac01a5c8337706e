// Package demo_test runs the kubenexus command as a user does, into a pipe.
package demo_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/app"
)

// asCommand makes this test binary be the kubenexus command: its arguments are then the command's.
const asCommand = "KUBENEXUS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(app.Main())
	}
	os.Exit(m.Run())
}

// command is a kubenexus command that has a directory of its own for temporary files.
type command struct {
	*exec.Cmd
	temp           string
	stdout, stderr bytes.Buffer
}

func newCommand(t *testing.T, args ...string) *command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp("", "") // not t.TempDir, whose long path leaves no room for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	c := &command{Cmd: exec.Command(self, args...), temp: temp}
	c.Env = append(os.Environ(), asCommand+"=1", "TMPDIR="+temp)
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("standard output:\n%s\nstandard error:\n%s", c.stdout.String(), c.stderr.String())
		}
		if err := os.RemoveAll(temp); err != nil {
			t.Error(err)
		}
	})
	return c
}

// exits checks how the command ended, and that it removed its files.
func (c *command) exits(t *testing.T, err error, code int) {
	t.Helper()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	left, err := filepath.Glob(filepath.Join(c.temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v (%v)", left, err)
	}
}

func TestDemoTellsItsStory(t *testing.T) {
	c := newCommand(t, "demo")
	c.exits(t, c.Run(), 0)
	rest := c.stdout.String()
	for _, line := range []string{
		`Starting etcd and kube-apiserver \.\.\. \d+\.\ds`,
		`1\. Two of three`,
		`s  gang default/demo  2 of 3 pods exist, 0 bound: waiting: gang default/demo has 2 of the 3 pods it needs`,
		`2\. The third`,
		`s  gang default/demo  3 of 3 pods exist, 3 bound: released`,
		`s  gang default/spark-job-123  11 of 11 pods exist, 11 bound: released`,
		`s  gang default/training  4 of 4 pods exist, 4 bound: `,
		`s  gang default/too-big  8 of 8 pods exist, 0 bound: waiting: gang default/too-big cannot be scheduled yet: \d of the 8 pods`,
		`   \$ kubenexus gangs\n   GANG +PODS +STARTED +PHASE +QUEUE +AGE +WHY\n   demo +3 of 3 +3 +Running`,
		`   too-big +8 of 8 +0 +Ready .* gang default/too-big cannot be scheduled yet: \d of the 8 pods`,
		`s  pod default/latecomer: bound`,
		`s  gang default/too-big  8 of 8 pods exist, 8 bound: released`,
		`8\. One rack`,
		`s  gang default/one-rack  2 of 2 pods exist, 2 bound: released`,
		`s  gang default/sweep  2 of 2 pods exist, 2 bound: released`,
		`10\. What a team is promised`,
		`s  gang default/finetune  2 of 2 pods exist, 2 bound: released`,
		`   \$ kubenexus explain gang sweep\n   Gang: +default/sweep\n   Phase: +Ready`,
		`\n   Why it waits:\n     gang default/sweep cannot be scheduled yet: `,
		`\n   What would help, any of it:\n     2 more nodes like rack-a-0`,
		`What happened`,
		`gang default/too-big +8 of 8 +8 +at .* released`,
	} {
		at := regexp.MustCompile(line).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("no line like %q in what is left:\n%s", line, rest)
		}
		rest = rest[at[1]:]
	}
}

func TestDemoSaysWhatUsersManifestsWaitFor(t *testing.T) {
	c := newCommand(t, "demo", "-f", "-", "-f", "testdata/gang.yaml", "--node-gpus", "8")
	c.Stdin = strings.NewReader(`
apiVersion: v1
kind: Pod
metadata:
  name: broken
  annotations:
    pod-group.scheduling.sigs.k8s.io/name: pair
    pod-group.scheduling.sigs.k8s.io/min-available: two
spec:
  schedulerName: kubenexus-scheduler
  containers: [{name: main, image: "registry.k8s.io/pause:3.9"}]
`)
	c.exits(t, c.Run(), 0)
	for _, want := range []string{
		`pod default/broken: waiting: annotation pod-group.scheduling.sigs.k8s.io/min-available has the value "two"`,
		"gang research/gpus  2 of 2 pods exist, 2 bound: released",
		"Nothing changes anymore, and 1 of 3 pods wait",
	} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

func TestDemoRefusesWithAReason(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a file that is not there": {[]string{"-f", "missing.yaml"}, "-f missing.yaml: "},
		"no quantity":              {[]string{"-f", "testdata", "--node-cpu", "many"}, `--node-cpu="many"`},
		"a story on other nodes":   {[]string{"--nodes", "3"}, "--nodes goes with -f"},
		"a bad manifest": {
			[]string{"-f", "testdata/unknown-field.yaml"},
			`testdata/unknown-field.yaml: creating Pod default/typo: .*unknown field "spec.schedulername"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCommand(t, append([]string{"demo"}, test.args...)...)
			c.exits(t, c.Run(), 1)
			if !regexp.MustCompile(test.want).MatchString(c.stderr.String()) {
				t.Errorf("it does not say %q", test.want)
			}
		})
	}
}

func TestInterruptedDemoLeavesNothingBehind(t *testing.T) {
	c := newCommand(t, "demo")
	reader, writer := io.Pipe()
	c.Stdout = writer
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	scheduler := c.schedulerAt(t, reader, "1. ")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }() // so that it can write what is left
	c.exits(t, c.Wait(), 130)
	if err := syscall.Kill(scheduler, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the scheduler, process %d, after the end: %v, want %v", scheduler, err, syscall.ESRCH)
	}
}

// The scheduler dies with a demo that is killed, too.
func TestKilledDemoLeavesNoProcess(t *testing.T) {
	c := newCommand(t, "demo", "-f", "testdata/gang.yaml", "--node-gpus", "8", "--keep")
	reader, writer := io.Pipe()
	c.Stdout = writer
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	scheduler := c.schedulerAt(t, reader, "Applying")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	_ = c.Wait() // it was killed
	for deadline := time.Now().Add(10 * time.Second); alive(scheduler); {
		if time.Now().After(deadline) {
			t.Fatalf("the scheduler, process %d, still runs", scheduler)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// schedulerAt reads the output up to a line that begins like that, and returns the scheduler's process.
func (c *command) schedulerAt(t *testing.T, output io.Reader, line string) int {
	t.Helper()
	for lines := bufio.NewScanner(output); lines.Scan(); {
		fmt.Fprintln(&c.stdout, lines.Text())
		if strings.HasPrefix(lines.Text(), line) {
			return childOf(t, c.Process.Pid)
		}
	}
	t.Fatalf("no line begins with %q", line)
	return 0
}

// childOf returns the only child of a process.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil || len(files) == 0 {
		t.Skip("this system does not say which processes belong together")
	}
	var children []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		children = append(children, strings.Fields(string(text))...)
	}
	if len(children) != 1 {
		t.Fatalf("children of the demo: %v, want one", children)
	}
	pid, err := strconv.Atoi(children[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive says whether a process runs; one that ended and that nobody waits for does not.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(state, "Z")
}
