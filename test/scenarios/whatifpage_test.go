package scenarios

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/explain"
	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/whatif"
	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	explained "github.com/kubenexus/kubenexus-scheduler/internal/explain"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestWhatIfPage runs the commands of the page about what-if, and compares what they print with the page.
func TestWhatIfPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/concepts/what-if.md")
	if err != nil {
		t.Fatal(err)
	}
	manifest := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	samples := regexp.MustCompile("(?s)```console\n\\$ kubenexus what-if ([^\n]*)\n(.*?)```").FindAllSubmatch(text, -1)
	if manifest == nil || len(samples) != 2 {
		t.Fatalf("the page has the manifest %q and %d samples, want one and two", manifest, len(samples))
	}
	file := filepath.Join(t.TempDir(), "training.yaml")
	if err := os.WriteFile(file, manifest[1], 0o600); err != nil {
		t.Fatal(err)
	}
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	a, b := newScenario(t, "team-a"), newScenario(t, "team-b")
	a.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	a.node("n2", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	a.configureQueues("- name: research")
	a.important("urgent", 1000)
	ofResearch := func(p *corev1.Pod) { p.Annotations["kubenexus.io/queue"] = "research" }
	b.members("sweep", 3, "sweep", 3, ofResearch, func(p *corev1.Pod) {
		p.Spec.NodeSelector = map[string]string{corev1.LabelHostname: nodeName("n1")}
	})
	b.boundIs(t, "sweep", 3)
	for i, sample := range samples {
		if i == 1 { // the first one is about the cluster without it
			a.members("large", 6, "large", 6, ofResearch)
			a.waitsWith(t, "large-0", "5 of the 6 pods it needs fit")
		}
		want := string(sample[2])
		process.Within(t, patience, "the page to be right about what-if "+string(sample[1]), func() (bool, string) {
			got, err := runCommand(t, whatif.NewCommand(), strings.Fields(strings.ReplaceAll(string(sample[1]), "training.yaml", file))...)
			if err != nil {
				return false, err.Error()
			}
			diff := cmp.Diff(cells(want), cells(got))
			return diff == "", "(-page +command):\n" + diff
		})
	}
}

// cells returns the words of each line, so that it does not matter how columns are aligned, with the nodes named as on the page.
func cells(text string) string {
	lines := strings.Split(strings.NewReplacer(nodeName("n1"), "n1", nodeName("n2"), "n2").Replace(text), "\n")
	for i, line := range lines {
		lines[i] = words(line)
	}
	return strings.Join(lines, "\n")
}

// important creates a PriorityClass, if there is none yet.
func (s *scenario) important(name string, value int32) {
	s.t.Helper()
	_, err := suite.client.SchedulingV1().PriorityClasses().Create(s.ctx, &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value,
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		s.t.Fatal(err)
	}
}

// TestExplainAsksTheScheduler: the story of a gang has what the scheduler says, and what would happen if the gang were tried now. Its queue
// and its position are the same as those that are computed from the cluster when the scheduler cannot be found.
func TestExplainAsksTheScheduler(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	s := newScenario(t, "explain-asks")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.configureQueues("- name: research\n  limit: {cpu: \"5\"}")
	ofResearch := func(p *corev1.Pod) { p.Annotations["kubenexus.io/queue"] = "research" }
	s.members("runs", 3, "runs", 3, ofResearch)
	s.allBound(t, 3)
	s.members("first", 2, "first", 2, ofResearch)
	s.waitsWith(t, "first-0", "1 of the 2 pods it needs fit")
	s.members("second", 2, "second", 2, ofResearch)
	s.waitsWith(t, "second-0", "1 of the 2 pods it needs fit")
	prints(t, explain.NewCommand, []string{"gang", "second", "-n", s.namespace},
		"Queue: research (1 gang goes first)",
		"What the scheduler says: phase Ready, after ",
		"What would happen if it were tried now: Waits: gang explain-asks/second cannot be scheduled yet: 1 of the 2 pods it needs fit",
		"Queue: research, 1 gang before it.")

	story := func(args ...string) (story explained.Story) {
		text, err := runCommand(t, explain.NewCommand(), append(args, "-n", s.namespace, "-o", "json")...)
		if err == nil {
			err = json.Unmarshal([]byte(text), &story)
		}
		if err != nil {
			t.Fatal(err)
		}
		return story
	}
	asked, computed := story("pod", "second-1"), story("pod", "second-1", "--lease", "kube-system/none")
	if asked.Now == nil || asked.Next == nil || asked.Next.Outcome != answers.Waits || len(asked.LeftOut) > 0 {
		t.Errorf("the scheduler says %+v, next %+v, left out %q", asked.Now, asked.Next, asked.LeftOut)
	}
	if computed.Now != nil || len(computed.LeftOut) != 1 || !strings.Contains(computed.LeftOut[0], "looking up who leads") {
		t.Errorf("without a scheduler it says %+v, left out %q", computed.Now, computed.LeftOut)
	}
	type told struct {
		Queue    string
		Position *int
		Why      string
		Capacity *explained.Capacity
		Help     []string
	}
	of := func(s *explained.Story) told { return told{s.Gang.Queue, s.Gang.Position, s.Why, s.Capacity, s.Help} }
	if diff := cmp.Diff(of(&computed), of(&asked)); diff != "" {
		t.Errorf("(-computed +asked):\n%s", diff)
	}

	for name, want := range map[string]string{"runs": "is Running", "none": "no such gang"} {
		if text, err := runCommand(t, whatif.NewCommand(), "gang", name, "-n", s.namespace); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("what-if about gang %s, error %v: %s", name, err, text)
		}
	}
	s.node("n2", controlplane.NodeShape{CPU: "1", Memory: "8Gi", Pods: 110})
	s.boundIs(t, "first", 2) // the questions have left the order as it was
	prints(t, whatif.NewCommand, []string{"gang", "second", "-n", s.namespace}, "Waits: gang explain-asks/second waits: queue research uses 5 of 5 cpu")
}

// TestAGangThatWaitsForItsVictims: the story says how many have not ended, and the answer where the gang is to start.
func TestAGangThatWaitsForItsVictims(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	s := newScenario(t, "explain-victims")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.important("urgent", 1000)
	t.Cleanup(func() { s.letAllEnd(t, "") })
	s.members("runs", 3, "runs", 3, slow)
	s.boundIs(t, "runs", 3)
	s.members("urgent", 2, "urgent", 2, func(p *corev1.Pod) { p.Spec.PriorityClassName = "urgent" })
	prints(t, explain.NewCommand, []string{"gang", "urgent", "-n", s.namespace},
		"3 pods on 1 node were preempted for it, and have not ended",
		"What would happen if it were tried now: Starts after preemption: gang explain-victims/urgent waits for 3 pods to end",
		"Nodes: "+nodeName("n1")+" (2)")
	if text, err := runCommand(t, whatif.NewCommand(), "gang", "urgent", "-n", s.namespace); err != nil ||
		!strings.Contains(text, "Pods: 2 of 2 would have a node") {
		t.Errorf("what-if, error %v:\n%s", err, text)
	}
	s.letAllEnd(t, "runs")
	s.boundIs(t, "urgent", 2)
}
