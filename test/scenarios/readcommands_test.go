package scenarios

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/explain"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/gangs"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/queues"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	explained "github.com/kubenexus/kubenexus-scheduler/internal/explain"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// runCommand runs a command against the API server, and returns what it prints.
func runCommand(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append(args, "--kubeconfig", suite.plane.Kubeconfig()))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// words are the words of a text, so that it does not matter how columns are aligned.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// prints waits until the command prints all of these texts, apart from how they are aligned.
func prints(t *testing.T, command func() *cobra.Command, args []string, want ...string) {
	t.Helper()
	process.Within(t, patience, strings.Join(args, " ")+" to say all of it", func() (bool, string) {
		got, err := runCommand(t, command(), args...)
		if err != nil {
			return false, err.Error()
		}
		for _, text := range want {
			if !strings.Contains(words(got), text) {
				return false, "no " + text + " in\n" + got
			}
		}
		return true, got
	})
}

// TestExplainCommand: a gang waits for CPU, and the command says how much. With that it runs, and the command tells its story.
func TestExplainCommand(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "explain-command")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.single("other")
	s.boundIs(t, "other", 1)
	s.gang("train", 4, 4)
	prints(t, explain.NewCommand, []string{"gang", "train", "-n", s.namespace},
		"Gang: explain-command/train Phase: Ready",
		"Pods: needs 4 to start together; 4 exist, 0 have started",
		"Why it waits: gang explain-command/train cannot be scheduled yet: 3 of the 4 pods it needs fit",
		"ago GangUnschedulable: gang explain-command/train cannot be scheduled yet: 3 of the 4",
		"What fits now: 3 of the 4 waiting pods that have to start together",
		nodeName("n1")+" 3 cpu 3 0 cpu left then",
		"1 more node like "+nodeName("n1")+" (each takes 4 of these pods when it is empty)",
		"1 cpu more free on "+nodeName("n1")+", where other pods use it",
		"requests of at most 0.75 cpu for each pod instead of 1",
		"a min-available of 3 would fit now",
	)
	s.node("n2", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.boundIs(t, "train", 4)
	prints(t, explain.NewCommand, []string{"pod", "train-3", "-n", s.namespace},
		"Pod: explain-command/train-3",
		"Phase: Running",
		"4 pods got their nodes",
		"GangReleased: gang explain-command/train starts",
		"Where its pods are: node "+nodeName("n1")+" ",
	)

	s.single("broken", func(p *corev1.Pod) { p.Annotations = gangAnnotations("broken", -1) })
	prints(t, explain.NewCommand, []string{"pod", "broken", "-n", s.namespace}, "Gang: none", `has the value "-1"`, "InvalidGangAnnotation")
	if _, err := runCommand(t, explain.NewCommand(), "gang", "none", "-n", s.namespace); err == nil || !strings.Contains(err.Error(), "no gang none") {
		t.Errorf("a gang that does not exist: %v", err)
	}
	text, err := runCommand(t, explain.NewCommand(), "gang", "train", "-n", s.namespace, "-o", "json")
	var story explained.Story
	if err != nil || json.Unmarshal([]byte(text), &story) != nil || story.Gang.Needs.Running != 4 || len(story.History) < 3 {
		t.Errorf("as JSON: %v\n%s", err, text)
	}
}

// TestQueuesCommand: the command has the numbers of the scheduler, and `kubenexus gangs` the queues of gangs that name none.
func TestQueuesCommand(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "queues-command")
	s.node("n1", controlplane.NodeShape{CPU: "8", Memory: "16Gi", Pods: 110})
	got, err := runCommand(t, queues.NewCommand())
	if err != nil || !strings.HasPrefix(got, "No queues are configured: ") || !strings.Contains(got, "\ndefault ") {
		t.Fatalf("without queues: %v\n%s", err, got)
	}
	s.configureQueues("- name: research\n  limit: {cpu: \"4\"}\n  namespaces: [queues-*]\n  queues:\n  - {name: vision, guarantee: {cpu: \"2\"}}")
	ofVision := func(p *corev1.Pod) { p.Annotations["kubenexus.io/queue"] = "vision" }
	s.members("runs", 2, "runs", 2, ofVision)
	s.boundIs(t, "runs", 2)
	s.members("first", 3, "first", 3, ofVision)
	s.waitsWith(t, "first-0", "uses 2 of 4 cpu")
	s.members("second", 3, "second", 3, ofVision)
	s.waitsWith(t, "second-0", "queue")
	prints(t, queues.NewCommand, nil,
		"QUEUE SHARE WAITING HEAD USES GUARANTEE LIMIT research ",
		"25% 2 ", "cpu=2 cpu=2 cpu=4 vision ", "cpu=2 cpu=2 -")
	prints(t, gangs.NewCommand, []string{"-n", s.namespace, "-o", "wide"}, "second 3 of 3 0 Ready vision ", "s 1 kubenexus-scheduler")
	prints(t, explain.NewCommand, []string{"gang", "first", "-n", s.namespace},
		"Queue: vision (it goes first)",
		"queue research uses 2 of its limit of 4 cpu, and the pods ask for 3: free 1 in it, or raise the limit to 5")

	s.writeQueues(queueDocument("- name: research\n  weight: -1"))
	got, err = runCommand(t, queues.NewCommand())
	if err == nil || !strings.Contains(err.Error(), "the scheduler refuses ConfigMap kube-system/kubenexus-queues") ||
		!strings.Contains(got, "queues[0].weight") {
		t.Errorf("with a bad configuration: %v\n%s", err, got)
	}
}

// TestGangsWatch: the command writes a line when a gang changes, and ends when nobody reads it.
func TestGangsWatch(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "gangs-watch")
	s.node("n1", controlplane.NodeShape{CPU: "8", Memory: "16Gi", Pods: 110})
	s.gang("short", 1, 2)
	s.waitsWith(t, "short-0", "has 1 of the 2 pods")

	read, write := io.Pipe()
	defer read.Close() //nolint:errcheck // closing a pipe that was only read
	cmd := gangs.NewCommand()
	cmd.SetOut(write)
	cmd.SetArgs([]string{"-w", "-n", s.namespace, "--kubeconfig", suite.plane.Kubeconfig()})
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.ExecuteContext(s.ctx)
		write.CloseWithError(io.EOF)
	}()
	lines := bufio.NewScanner(read)
	until := func(begin, phase string) {
		t.Helper()
		giveUp := time.AfterFunc(patience, func() { read.Close() }) //nolint:errcheck // closing a pipe that was only read
		defer giveUp.Stop()
		for lines.Scan() {
			if line := words(lines.Text()); strings.HasPrefix(line, begin+" ") && strings.Contains(line, " "+phase+" ") {
				return
			}
			t.Log(lines.Text())
		}
		t.Fatalf("the output ended before a line %q with %q", begin, phase)
	}
	until("GANG PODS", "STARTED")
	until("short 1 of 2 0", "Incomplete")
	s.single("short-1", func(p *corev1.Pod) { p.Annotations = gangAnnotations("short", 2) })
	until("short 2 of 2 2", "Running")
	s.remove("short")
	until("short", "Deleted") // while pods are being deleted, they do not count
	read.Close()              //nolint:errcheck // closing a pipe that was only read
	s.gang("more", 1, 2)
	if err := <-ended; err != nil {
		t.Errorf("when nobody reads, the command ends with %v", err)
	}
}
