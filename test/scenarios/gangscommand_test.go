package scenarios

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/cmd/kubenexus/gangs"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestGangsCommand: `kubenexus gangs` shows what runs and what waits, with what the scheduler says.
func TestGangsCommand(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s := newScenario(t, "gangs-command")
	s.node("n1", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	s.gang("runs", 2, 2)
	s.boundIs(t, "runs", 2)
	s.gang("short", 2, 3)
	s.gang("large", 8, 8)
	s.single("broken", func(p *corev1.Pod) { p.Annotations = gangAnnotations("broken", -1) })
	process.Within(t, patience, "the command to show all of it", func() (bool, string) {
		got := gangsCommand(t, "-n", s.namespace)
		return tableLines(got,
			"GANG PODS STARTED PHASE QUEUE AGE WHY",
			"large 8 of 8 0 Ready - ",
			"runs 2 of 2 2 Running - ",
			"short 2 of 3 0 Incomplete - ",
			"Pod gangs-command/broken is in no gang: ",
		) && strings.Contains(got, "Insufficient cpu"), got
	})
	if got := gangsCommand(t, "-n", s.namespace, "-o", "name"); got != "gang/large\ngang/runs\ngang/short\n" {
		t.Errorf("got the names %q", got)
	}
	if got := gangsCommand(t, "-A", "-o", "wide", "runs"); !tableLines(got, "NAMESPACE GANG ", "gangs-command runs 2 of 2 2 Running ") ||
		!strings.Contains(got, nodeName("n1")) {
		t.Errorf("got the wide table\n%s", got)
	}
	var list gangs.List
	if err := json.Unmarshal([]byte(gangsCommand(t, "-n", s.namespace, "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 || len(list.Items[0].Members) != 8 || list.Items[0].Reason == "" || len(list.Invalid) != 1 {
		t.Errorf("got the list %+v", list)
	}
}

// gangsCommand returns what the command prints.
func gangsCommand(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := gangs.NewCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append(args, "--kubeconfig", suite.plane.Kubeconfig()))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

// tableLines reports whether the lines of a table begin with these, apart from how the columns are aligned.
func tableLines(text string, want ...string) bool {
	got := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return slices.EqualFunc(got, want, func(line, want string) bool {
		return strings.HasPrefix(strings.Join(strings.Fields(line), " ")+" ", want)
	})
}
