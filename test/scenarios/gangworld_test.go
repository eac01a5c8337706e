package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// promptly is how long a gang that fits may take. A gang with a stalled attempt is retried after 30 s: one that was planned well
// does not need that.
const promptly = 20 * time.Second

// world is a case of a table: what there is, and which gang has to start where.
type world struct {
	name string
	// nodes are what the nodes have of CPU, by name.
	nodes map[string]string
	// make creates the rest, the gang included.
	make func(*scenario)
	// want are the node names that the pods of each group end on, sorted: "gang: a a b". "*" is any node. Without it nothing is said of nodes.
	want []string
	// then looks at what became of it.
	then func(*testing.T, *scenario)
}

// runWorlds runs each case in a namespace and on nodes of its own, all with one scheduler.
func runWorlds(t *testing.T, prefix string, worlds []world) {
	t.Helper()
	for i, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			s := newScenario(t, fmt.Sprintf("%s-%d", prefix, i))
			for name, cpu := range w.nodes {
				s.node(name, controlplane.NodeShape{CPU: cpu, Memory: "64Gi", Pods: 110})
			}
			s.awaitNodes(ours)
			w.make(s)
			s.endOn(t, w.want...)
			if w.then != nil {
				w.then(t, s)
			}
		})
	}
}

// nodeName is the full name of a node of a world.
func nodeName(name string) string { return name + "-0" }

// node adds a node of that name to the world.
func (s *scenario) node(name string, shape controlplane.NodeShape) {
	s.t.Helper()
	if err := suite.plane.AddNodes(s.ctx, name, 1, shape); err != nil {
		s.t.Fatal(err)
	}
}

// members creates pods of one CPU of a gang, with what else they need. They are named after the role: ROLE-0 and so on.
func (s *scenario) members(gang string, size int, role string, count int, needs ...func(*corev1.Pod)) {
	s.t.Helper()
	for i := range count {
		name := fmt.Sprintf("%s-%d", role, i)
		pod := podSpec{namespace: s.namespace, name: name, cpu: "1", scheduler: ours, annotations: gangAnnotations(gang, size)}.pod()
		for _, need := range needs {
			need(pod)
		}
		if err := create(s, pod); err != nil {
			s.t.Fatal(err)
		}
	}
}

// single creates a pod of one CPU that is of no gang.
func (s *scenario) single(name string, needs ...func(*corev1.Pod)) {
	s.t.Helper()
	pod := podSpec{namespace: s.namespace, name: name, cpu: "1", scheduler: ours}.pod()
	for _, need := range needs {
		need(pod)
	}
	if err := create(s, pod); err != nil {
		s.t.Fatal(err)
	}
}

// asks is how much CPU the pod asks for.
func asks(cpu string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		other := podSpec{name: pod.Name, cpu: cpu}.pod()
		pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = other.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU]
	}
}

// endOn waits until each group of pods is on the nodes that are said: "gang: a a b".
func (s *scenario) endOn(t *testing.T, want ...string) {
	t.Helper()
	for _, line := range want {
		group, nodes, _ := strings.Cut(line, ": ")
		process.Within(t, promptly, fmt.Sprintf("%s to be on %s", group, nodes), func() (bool, string) {
			on, want := s.nodesOf(t, group), strings.Fields(nodes)
			fits := matches(on, want)
			if !fits && len(on) == len(want) && !slices.Contains(on, "-") {
				t.Fatalf("%s is on %v, want %v", group, on, want) // it stays there
			}
			return fits, strings.Join(on, " ") + "; " + s.conditions(t)
		})
	}
}

func matches(on, want []string) bool {
	if len(on) != len(want) {
		return false
	}
	for i := range on {
		if on[i] == "-" || want[i] != "*" && on[i] != want[i] {
			return false
		}
	}
	return true
}

// nodesOf returns the nodes of a group's pods, sorted, as they are called in a world: "-" is none.
func (s *scenario) nodesOf(t *testing.T, group string) []string {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{LabelSelector: groupLabel + "=" + group})
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for i := range pods.Items {
		name := strings.TrimSuffix(pods.Items[i].Spec.NodeName, "-0")
		if name == "" {
			name = "-"
		}
		on = append(on, name)
	}
	slices.Sort(on)
	return on
}

// conditions is why the pods of the scenario wait, for people.
func (s *scenario) conditions(t *testing.T) string {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]bool{}
	for i := range pods.Items {
		for _, c := range pods.Items[i].Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				why[c.Reason+": "+c.Message] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(why)), "; ")
}
