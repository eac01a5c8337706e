package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// gpusPerNode is how many GPUs each node has.
const gpusPerNode = 8

// jobSizes are the GPUs of a job: those of a whole node, of half of one, and an eighth. Each divides the one before.
func jobSizes() []int { return []int{gpusPerNode, gpusPerNode / 2, 1} }

// jobQueue returns the sizes of jobs in a random order that ask for that share of the GPUs of the nodes, or a little more. weights say how
// many jobs there are of each size, in the order of jobSizes.
func jobQueue(random *rand.Rand, nodes int, share float64, weights []int) []int {
	var jobs []int
	wanted, total := int(share*float64(nodes*gpusPerNode)), 0
	for total < wanted {
		for i, size := range jobSizes() {
			for range weights[i] {
				jobs, total = append(jobs, size), total+size
			}
		}
	}
	random.Shuffle(len(jobs), func(i, k int) { jobs[i], jobs[k] = jobs[k], jobs[i] })
	return jobs
}

// mostFilled is how many GPUs of empty nodes these jobs can fill at most. As each size divides the next larger one and that of a node, the
// best is to take the largest jobs first: what is left of the capacity is then a multiple of each size to come.
func mostFilled(nodes int, jobs []int) int {
	left := nodes * gpusPerNode
	for _, size := range slices.Backward(slices.Sorted(slices.Values(jobs))) {
		if size <= left {
			left -= size
		}
	}
	return nodes*gpusPerNode - left
}

func TestMostFilled(t *testing.T) {
	for _, test := range []struct {
		nodes int
		jobs  []int
		want  int
	}{
		{1, nil, 0},
		{2, []int{1, 4, 1}, 6},
		{2, []int{4, 8, 8, 1}, 16},
		{2, []int{1, 4, 8, 1, 1}, 15},
		{3, []int{4, 4, 4, 8, 1, 4}, 24},
	} {
		if got := mostFilled(test.nodes, test.jobs); got != test.want {
			t.Errorf("%v fill %d GPUs of %d nodes, want %d", test.jobs, got, test.nodes, test.want)
		}
	}
}

// gpuWorld returns empty nodes with GPUs, and a pod for each job.
func gpuWorld(nodes int, jobs []int) *world {
	w := &world{placement: gang.Pack, need: 1}
	for i := range nodes {
		w.nodes = append(w.nodes, testNode(fmt.Sprintf("n%03d", i), fmt.Sprintf("z%d", i%3), map[corev1.ResourceName]string{
			corev1.ResourceCPU: "96", corev1.ResourceMemory: "1Ti", corev1.ResourcePods: "110", gpu: fmt.Sprint(gpusPerNode),
		}).Obj())
	}
	for i, size := range jobs {
		pod := testPod(fmt.Sprintf("j%d", i)).Label("app", "a").Req(map[corev1.ResourceName]string{
			corev1.ResourceCPU: fmt.Sprint(10 * size), corev1.ResourceMemory: fmt.Sprintf("%dGi", 100*size), gpu: fmt.Sprint(size),
		}).Obj()
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{gpu: *resource.NewQuantity(int64(size), resource.DecimalSI)}
		w.members = append(w.members, pod)
	}
	return w
}

// fill places the jobs one after the other, and returns how many GPUs they fill. node returns the node of a pod, or "" if it fits nowhere:
// the pod then waits, and the next one has its turn.
func (h *harness) fill(t fataler, w *world, jobs []int, node func(pod *corev1.Pod) string) int {
	t.Helper()
	h.set(t, w)
	filled := 0
	for i, pod := range w.members {
		if name := node(pod); name != "" {
			h.assume(t, pod, name)
			filled += jobs[i]
		}
	}
	return filled
}

// planned returns the node that a gang of this pod alone is planned for.
func (h *harness) planned(t fataler, pod *corev1.Pod) string {
	t.Helper()
	w := &world{members: []*corev1.Pod{pod}, need: 1, placement: gang.Pack}
	if p := h.plan(t, w.task()); p.Finding == nil {
		return p.Pins[0].Node
	}
	return ""
}

// upstreams returns the node that kube-scheduler chooses for the pod: that with the highest score, any if several have it.
func (h *harness) upstreams(t fataler, random *rand.Rand, pod *corev1.Pod) string {
	t.Helper()
	state := framework.NewCycleState()
	if _, status, _ := h.framework.RunPreFilterPlugins(h.ctx, state, pod); !status.IsSuccess() {
		t.Fatalf("PreFilter: %v", status)
	}
	var fit []fwk.NodeInfo
	for _, node := range h.nodes(t) {
		if h.framework.RunFilterPlugins(h.ctx, state, pod, node).IsSuccess() {
			fit = append(fit, node)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	if status := h.framework.RunPreScorePlugins(h.ctx, state, pod, fit); !status.IsSuccess() {
		t.Fatalf("PreScore: %v", status)
	}
	scores, status := h.framework.RunScorePlugins(h.ctx, state, pod, fit)
	if !status.IsSuccess() {
		t.Fatalf("Score: %v", status)
	}
	random.Shuffle(len(scores), func(i, k int) { scores[i], scores[k] = scores[k], scores[i] })
	return slices.MaxFunc(scores, func(a, b fwk.NodePluginScores) int { return int(a.TotalScore - b.TotalScore) }).Name
}

func (h *harness) nodes(t fataler) []fwk.NodeInfo {
	t.Helper()
	nodes, err := h.snapshot.NodeInfos().List()
	if err != nil {
		t.Fatalf("listing the nodes: %v", err)
	}
	return nodes
}

// binPacking returns the default profile, with the scoring that the documentation of Kubernetes recommends to pack nodes: those with the
// most requested GPUs come first.
func binPacking(t testing.TB) *config.KubeSchedulerProfile {
	t.Helper()
	profile := testProfile(t)
	for _, of := range profile.PluginConfig {
		if of.Name == names.NodeResourcesFit {
			of.Args.(*config.NodeResourcesFitArgs).ScoringStrategy = &config.ScoringStrategy{
				Type:      config.RequestedToCapacityRatio,
				Resources: []config.ResourceSpec{{Name: string(gpu), Weight: 1}},
				RequestedToCapacityRatio: &config.RequestedToCapacityRatioParam{
					Shape: []config.UtilizationShapePoint{{Utilization: 0, Score: 0}, {Utilization: 100, Score: 10}},
				},
			}
		}
	}
	return profile
}

// TestPacking fills GPU nodes with jobs of a whole, half and an eighth of a node in a random order, more than fit. -v prints how many GPUs
// are filled: by our planner, and by kube-scheduler with RequestedToCapacityRatio and with its default scores.
func TestPacking(t *testing.T) {
	const nodes, orders = 40, 3
	ours, packing, spreading := newHarness(t), newHarnessOf(t, binPacking(t)), newHarness(t)
	for _, mix := range []struct {
		name    string
		weights []int
	}{
		{"as many jobs of each size", []int{1, 1, 1}},
		{"as many GPUs for each size", []int{1, 2, 8}},
		{"few small jobs", []int{4, 4, 1}},
	} {
		for _, share := range []float64{1.02, 1.5} {
			t.Run(fmt.Sprintf("%s, %.2f of the GPUs", mix.name, share), func(t *testing.T) {
				var most, we, ratio, least int
				for seed := range uint64(orders) {
					random := rand.New(rand.NewPCG(seed, 0))
					jobs := jobQueue(random, nodes, share, mix.weights)
					w := gpuWorld(nodes, jobs)
					optimum := mostFilled(nodes, jobs)
					filled := ours.fill(t, w, jobs, func(pod *corev1.Pod) string { return ours.planned(t, pod) })
					if 100*filled < 95*optimum || filled > optimum {
						t.Errorf("order %d: %d GPUs are filled, want at least 95 %% of %d", seed, filled, optimum)
					}
					most, we = most+optimum, we+filled
					ratio += packing.fill(t, w, jobs, func(pod *corev1.Pod) string { return packing.upstreams(t, random, pod) })
					least += spreading.fill(t, w, jobs, func(pod *corev1.Pod) string { return spreading.upstreams(t, random, pod) })
				}
				if we < ratio {
					t.Errorf("%d GPUs are filled, %d by RequestedToCapacityRatio", we, ratio)
				}
				of := func(filled int) string { return fmt.Sprintf("%.1f %%", 100*float64(filled)/float64(most)) }
				t.Logf("of the optimum, %d of %d GPUs: ours %s, RequestedToCapacityRatio %s, the default scores %s",
					most/orders, nodes*gpusPerNode, of(we), of(ratio), of(least))
			})
		}
	}
}
