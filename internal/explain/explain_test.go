package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

//nolint:gochecknoglobals // constants
var (
	now     = time.Unix(1_000_000, 0)
	serving = []string{"kubenexus-scheduler"}
)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// amounts makes a list of "cpu=2 memory=1Gi".
func amounts(text string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for field := range strings.FieldsSeq(text) {
		name, quantity, _ := strings.Cut(field, "=")
		list[corev1.ResourceName(name)] = resource.MustParse(quantity)
	}
	return list
}

func node(name, has string, change ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Allocatable: amounts("pods=110 " + has)}}
	for _, c := range change {
		c(n)
	}
	return n
}

func label(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels = map[string]string{key: value} }
}

// pod returns a pod of team-a; with a node, it runs there.
func pod(name, asks, on string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID(name), CreationTimestamp: ago(10 * time.Minute)},
		Spec: corev1.PodSpec{
			SchedulerName: serving[0], NodeName: on,
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: amounts(asks)}}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	if on != "" {
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: ago(8 * time.Minute),
		}}
	}
	for _, c := range change {
		c(p)
	}
	return p
}

// of makes a pod a member of a gang.
func of(gang string, need int) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Annotations = map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name": gang, "pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(need),
		}
	}
}

// annotated adds an annotation.
func annotated(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations[key] = value }
}

func says(text string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: text}}
	}
}

// members returns pods of the gang train.
func members(count, need int, asks string, change ...func(*corev1.Pod)) []*corev1.Pod {
	var all []*corev1.Pod
	for i := range count {
		all = append(all, pod(fmt.Sprintf("train-%d", i), asks, "", append([]func(*corev1.Pod){of("train", need)}, change...)...))
	}
	return all
}

// clusterOf is all that may be read of a cluster.
func clusterOf(nodes []*corev1.Node, pods []*corev1.Pod) read {
	return read{pods: pods, everywhere: pods, allPods: true, nodes: nodes, nodesKnown: true}
}

// storyOf tells the story of the gang train.
func storyOf(t *testing.T, r read) Story {
	t.Helper()
	for _, g := range gangread.Among(r.pods, serving, now).Items {
		if g.Key.Name == "train" {
			return tell(r, nil, &g, serving, now)
		}
	}
	t.Fatal("there is no gang train")
	return Story{}
}

func text(t *testing.T, s Story) string {
	t.Helper()
	var out strings.Builder
	if err := Text(&out, &s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func same(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAGangThatLacksCPU(t *testing.T) {
	nodes := []*corev1.Node{
		node("n1", "cpu=8 memory=16Gi"), node("n2", "cpu=4 memory=16Gi"), node("n3", "cpu=4 memory=16Gi"),
		node("gpu", "cpu=64 memory=1Ti", func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: "gpu", Value: "only", Effect: corev1.TaintEffectNoSchedule}}
		}),
		node("off", "cpu=64 memory=1Ti", func(n *corev1.Node) { n.Spec.Unschedulable = true }),
	}
	pods := members(4, 4, "cpu=2 memory=1Gi", says("gang team-a/train cannot be scheduled yet: 2 of the 4 pods it needs fit"))
	pods = append(pods, pod("other", "cpu=3 memory=1Gi", "n1"), pod("a", "cpu=3 memory=1Gi", "n2"), pod("b", "cpu=3 memory=1Gi", "n3"))
	same(t, `
Gang:       team-a/train
Phase:      Ready
Age:        10m
Pods:       needs 4 to start together; 4 exist, 0 have started
Scheduler:  kubenexus-scheduler
Priority:   0

Why it waits:
  gang team-a/train cannot be scheduled yet: 2 of the 4 pods it needs fit

History:
  10m ago  the first of its pods was created
  10m ago  complete: 4 of the 4 pods that it needs existed

What fits now:
  2 of the 4 waiting pods that have to start together

Nodes for 4 waiting pods, each of which asks for cpu 2, memory 1Gi:
  NODE    TAKES  FREE                WHY NO MORE
  n1      2      cpu 5, memory 15Gi  1 cpu left then
  n2, n3  0      cpu 1, memory 15Gi  1 cpu free
  gpu     0      cpu 64, memory 1Ti  taint gpu=only:NoSchedule is not tolerated
  off     0      cpu 64, memory 1Ti  marked as unschedulable

What would help, any of it:
  1 more node like n1 (each takes 4 of these pods when it is empty)
  3 cpu more free on n1, where other pods use it
  requests of at most 1.25 cpu for each pod instead of 2: all that are needed fit then
  a min-available of 2 would fit now
`, text(t, storyOf(t, clusterOf(nodes, pods))))
}

func TestWhatWouldHelp(t *testing.T) {
	for _, test := range []struct {
		name  string
		nodes []*corev1.Node
		pods  []*corev1.Pod
		want  []string
	}{
		{
			"nothing, if all fit", []*corev1.Node{node("n1", "cpu=8")}, members(4, 4, "cpu=2"), nil,
		},
		{
			"nodes, if there are none", nil, members(2, 2, "cpu=2"),
			[]string{"nodes: there are none, and each pod asks for cpu 2"},
		},
		{
			"larger nodes",
			[]*corev1.Node{node("n1", "cpu=4")},
			members(2, 2, "cpu=6"),
			[]string{
				"larger nodes, or smaller requests: none of the nodes that admit these pods holds one even when it is empty, and each asks for cpu 6",
				"requests of at most 2 cpu for each pod instead of 6: all that are needed fit then",
			},
		},
		{
			"a node that the pods select",
			[]*corev1.Node{node("n1", "cpu=4")},
			members(1, 1, "cpu=1", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "b"} }),
			[]string{"a toleration, another nodeSelector or another node affinity: no node admits these pods"},
		},
		{
			"more of a device",
			[]*corev1.Node{node("n1", "cpu=64 nvidia.com/gpu=8"), node("n2", "cpu=64 nvidia.com/gpu=8")},
			append(members(4, 4, "cpu=1 nvidia.com/gpu=4"), pod("x", "nvidia.com/gpu=5", "n1")),
			[]string{
				"1 more node like n1 (each takes 2 of these pods when it is empty)",
				"5 nvidia.com/gpu more free on n1, where other pods use it",
				"requests of at most 2 nvidia.com/gpu for each pod instead of 4: all that are needed fit then",
				"a min-available of 2 would fit now",
			},
		},
		{
			"pods that do not exist yet",
			[]*corev1.Node{node("n1", "cpu=8")},
			members(2, 3, "cpu=2"),
			[]string{"1 more pod of the gang, which does not start before"},
		},
		{
			"room in the best rack",
			[]*corev1.Node{
				node("n1", "cpu=4", label("rack", "r1")), node("n2", "cpu=4", label("rack", "r2")), node("n3", "cpu=2", label("rack", "r2")),
				node("n4", "cpu=64"),
			},
			members(4, 4, "cpu=2", annotated("kubenexus.io/topology-required", "rack")),
			[]string{
				"1 more node like n2 (each takes 2 of these pods when it is empty)",
				"requests of at most 1.3 cpu for each pod instead of 2: all that are needed fit then",
				"a min-available of 3 would fit now",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := storyOf(t, clusterOf(test.nodes, test.pods)).Help
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Each number that help names is enough, and one less is not: it is put to the test by counting again.
func TestTheNumbersOfHelpAreRight(t *testing.T) {
	nodes := []*corev1.Node{node("n1", "cpu=7 memory=9Gi"), node("n2", "cpu=5500m memory=32Gi"), node("n3", "cpu=16 memory=3Gi")}
	others := []*corev1.Pod{pod("a", "cpu=1500m memory=2Gi", "n1"), pod("b", "cpu=3", "n3")}
	fits := func(asks string, need int) bool {
		c, _ := count(question{waiting: members(6, need, asks), needed: need, nodes: nodes, pods: others})
		return c.Fit == need
	}
	got := storyOf(t, clusterOf(nodes, append(members(6, 6, "cpu=2 memory=2Gi"), others...))).Help
	for _, want := range []string{
		"requests of at most 1.8 cpu for each pod instead of 2: all that are needed fit then",
		"a min-available of 5 would fit now",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want it to have %q", got, want)
		}
	}
	if !fits("cpu=1800m memory=2Gi", 6) || fits("cpu=1850m memory=2Gi", 6) || !fits("cpu=2 memory=2Gi", 5) || fits("cpu=2 memory=2Gi", 6) {
		t.Error("counted again, the numbers are not right")
	}
}

// Pods of several kinds share the same nodes.
func TestRoomIsNotCountedTwice(t *testing.T) {
	pods := append(members(2, 4, "cpu=3"), pod("train-2", "cpu=2", "", of("train", 4)), pod("train-3", "cpu=2", "", of("train", 4)))
	c, _ := count(question{waiting: pods, needed: 4, nodes: []*corev1.Node{node("n1", "cpu=8")}, pods: pods})
	if c.Fit != 3 || len(c.Asks) != 2 {
		t.Errorf("%d of 4 fit on 8 cpu by %d kinds, want 3 by 2", c.Fit, len(c.Asks))
	}
}

func TestManyNodesAreCutShort(t *testing.T) {
	var nodes []*corev1.Node
	for i := range 100 {
		nodes = append(nodes, node(fmt.Sprintf("n%02d", i), fmt.Sprintf("cpu=%dm", 1000+i)))
	}
	c, _ := count(question{waiting: members(2, 2, "cpu=2"), needed: 2, nodes: nodes})
	a := c.Asks[0]
	if len(a.Nodes) != shownNodes || a.MoreNodes != 100-shownNodes || a.Nodes[0].Names[0] != "n99" {
		t.Errorf("%d groups and %d more nodes, the first %v; want %d, %d and n99", len(a.Nodes), a.MoreNodes, a.Nodes[0].Names, shownNodes, 100-shownNodes)
	}
}

func TestAPodThatSaysSomethingInvalid(t *testing.T) {
	p := pod("train-0", "cpu=1", "", of("train", -1))
	got := text(t, tell(clusterOf(nil, []*corev1.Pod{p}), p, nil, serving, now))
	for _, want := range []string{"Pod:        team-a/train-0\n", "Gang:       none\n", `has the value "-1": `, "stays Pending until this is corrected"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "What would help") {
		t.Errorf("capacity would help a pod that is invalid:\n%s", got)
	}
}

func TestAPodOfAQueueThatDoesNotExist(t *testing.T) {
	p := pod("alone", "cpu=1", "")
	p.Annotations = map[string]string{"kubenexus.io/queue": "reserch"}
	r := clusterOf([]*corev1.Node{node("n1", "cpu=8")}, []*corev1.Pod{p})
	if got := tell(r, p, nil, serving, now); got.Pod.Problem != "" {
		t.Errorf("the problem is %q although the queues are not known", got.Pod.Problem)
	}
	r.queues = &queue.Config{Queues: []queue.Queue{queue.NewQueue("research")}}
	if got := tell(r, p, nil, serving, now); !strings.Contains(got.Pod.Problem, "reserch") || !strings.Contains(got.Pod.Problem, "research") {
		t.Errorf("the problem is %q, want it to name the queue and those that there are", got.Pod.Problem)
	}
}

func TestWhatMayNotBeReadIsLeftOut(t *testing.T) {
	r := read{pods: members(2, 2, "cpu=2", says("why")), leftOut: []string{"the nodes, and what is free on them: you may not list nodes"}}
	got := text(t, storyOf(t, r))
	if !strings.Contains(got, "\nNot told:\n  the nodes, and what is free on them: you may not list nodes\n") || strings.Contains(got, "What fits now") {
		t.Errorf("got\n%s", got)
	}
}

func TestTheQueueThatIsFull(t *testing.T) {
	research := queue.NewQueue("research")
	research.Limit = queue.Amounts{"nvidia.com/gpu": 8}
	pods := members(2, 2, "nvidia.com/gpu=2", annotated("kubenexus.io/queue", "research"))
	pods = append(pods, pod("x", "nvidia.com/gpu=6", "n1", of("x", 1), annotated("kubenexus.io/queue", "research")))
	r := clusterOf([]*corev1.Node{node("n1", "cpu=8 nvidia.com/gpu=16")}, pods)
	standings := gangread.Stand(gangread.Cluster{
		Pods: pods, Nodes: r.nodes, Queues: queue.Config{Queues: []queue.Queue{research, queue.NewQueue(queue.Default)}}, Schedulers: serving,
	}, now)
	r.uses = new(standings.Queues())
	want := []string{
		"queue research uses 6 of its limit of 8 nvidia.com/gpu, and the pods ask for 4: free 2 in it, or raise the limit to 10",
	}
	if diff := cmp.Diff(want, storyOf(t, r).Help); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkExplain tells why a gang of 64 pods waits in a cluster of 5,000 nodes with 50,000 pods.
func BenchmarkExplain(b *testing.B) {
	var nodes []*corev1.Node
	for i := range 5000 {
		nodes = append(nodes, node(fmt.Sprintf("node-%04d", i), "cpu=64 memory=256Gi nvidia.com/gpu=8", label("rack", fmt.Sprint("r", i/40))))
	}
	pods := members(64, 64, "cpu=8 memory=32Gi nvidia.com/gpu=8", says("why"))
	for i := range 50_000 {
		pods = append(pods, pod(fmt.Sprintf("other-%d", i), fmt.Sprintf("cpu=%dm memory=8Gi nvidia.com/gpu=1", 1000+i%37), nodes[i%5000].Name))
		pods[len(pods)-1].Namespace = "others"
	}
	r := clusterOf(nodes, pods)
	r.pods = pods[:64]
	b.Run("without queues", func(b *testing.B) {
		for b.Loop() {
			g := gangread.Among(r.pods, serving, now).Items[0]
			tell(r, nil, &g, serving, now)
		}
	})
	b.Run("queues", func(b *testing.B) {
		for b.Loop() {
			gangread.Stand(gangread.Cluster{
				Pods: pods, Nodes: nodes, Schedulers: serving, Queues: queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default)}},
			}, now).Queues()
		}
	})
}
