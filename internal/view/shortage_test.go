package view

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// small returns a cluster of nodes with these numbers of cores.
func small(cores ...string) *world {
	w := &world{placement: gang.Pack}
	for i, c := range cores {
		w.nodes = append(w.nodes, testNode(fmt.Sprintf("n%d", i), fmt.Sprintf("z%d", i%2), map[corev1.ResourceName]string{
			corev1.ResourceCPU: c, corev1.ResourceMemory: "64Gi", corev1.ResourcePods: "10",
		}).Obj())
	}
	return w
}

// runs adds a running pod to the node.
func (w *world) runs(node, cpu string) *world {
	w.running = append(w.running, testPod(fmt.Sprintf("r%d", len(w.running))).Node(node).Label("app", "x").
		Req(map[corev1.ResourceName]string{corev1.ResourceCPU: cpu}).Obj())
	return w
}

func (w *world) taint(node int) *world {
	w.nodes[node].Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
	return w
}

func (w *world) with(app string, count int, cpu string, change func(*st.PodWrapper)) *world {
	w.join(app, count, cpu, change)
	return w
}

func TestShortage(t *testing.T) {
	const gib = 1 << 30
	h := newHarness(t)
	one := []gang.Amount{{Resource: "cpu", Quantity: 1000}, {Resource: "memory", Quantity: gib}}
	a0 := &gang.Ref{Namespace: testNamespace, Name: "a0", UID: "a0"}
	for _, tc := range []struct {
		name  string
		world *world
		want  gang.Finding
	}{
		{"8 of 10 pods fit", small("6", "6").runs("n0", "2500m").runs("n1", "1").with("a", 10, "1", nil), gang.Finding{
			Fit: 8, Most: 10, Short: &gang.Shortfall{Members: 2, Resource: "cpu", Each: "1", Largest: "0.5"},
			Detail: "2 of 2 nodes: Insufficient cpu", Shortage: gang.Shortage{Missing: 2, Takes: one, Like: a0},
		}},
		{"larger than the cluster", small("4", "4").runs("n0", "1").with("a", 10, "1", nil), gang.Finding{
			Fit: 7, Short: &gang.Shortfall{Members: 3, Resource: "cpu", Each: "1", Largest: "0"}, Most: 8, TooLarge: true,
			Detail: "2 of 2 nodes: Insufficient cpu", Shortage: gang.Shortage{Missing: 3, Takes: one, Like: a0},
		}},
		{"two classes together larger than the cluster", small("4").with("a", 3, "1", nil).with("b", 2, "2", nil), gang.Finding{
			Fit: 3, Short: &gang.Shortfall{Members: 2, Resource: "cpu", Each: "2", Largest: "1"}, Most: 3, TooLarge: true,
			Detail: "1 of 1 nodes: Insufficient cpu", Shortage: gang.Shortage{Missing: 2, Takes: one},
		}},
		{"nodes with taints and without the label", small("4", "8", "8", "8").taint(2).taint(3).runs("n0", "4").
			with("a", 2, "2", func(p *st.PodWrapper) { p.NodeSelector(map[string]string{hostKey: "n0"}) }), gang.Finding{
			Short: &gang.Shortfall{Members: 2, Resource: "cpu", Each: "2", Largest: "0"},
			Detail: "2 of 4 nodes: node(s) had untolerated taint(s); 1 of 4 nodes: Insufficient cpu; " +
				"1 of 4 nodes: node(s) didn't match Pod's node affinity/selector",
			Most:     2,
			Shortage: gang.Shortage{Missing: 2, Takes: []gang.Amount{{Resource: "cpu", Quantity: 2000}, {Resource: "memory", Quantity: gib}}, Like: a0},
		}},
		{"no node admits the gang", small("4").taint(0).with("a", 2, "1", nil), gang.Finding{
			Detail: "1 of 1 nodes: node(s) had untolerated taint(s)", TooLarge: true,
			Shortage: gang.Shortage{Missing: 2, Takes: one, Like: a0},
		}},
		{"pods that must be apart", small("4", "4").with("a", 3, "1", apart), gang.Finding{
			Fit: 2, Detail: "2 of 2 nodes: node(s) didn't match pod anti-affinity rules", Most: 3,
			Shortage: gang.Shortage{Missing: 1, Takes: one, Like: a0, Anything: true},
		}},
		{"too many pods", small("64").with("a", 11, "1", nil), gang.Finding{
			Fit: 10, Short: &gang.Shortfall{Members: 1, Resource: "pods", Each: "1", Largest: "0"}, Most: 10, TooLarge: true,
			Detail: "1 of 1 nodes: Too many pods", Shortage: gang.Shortage{Missing: 1, Takes: one, Like: a0},
		}},
		{"a resource that no node has", small("4", "4").with("a", 1, "1", func(p *st.PodWrapper) {
			p.Req(map[corev1.ResourceName]string{gpu: "2"})
		}), gang.Finding{
			Short:  &gang.Shortfall{Members: 1, Resource: string(gpu), Each: "2", Largest: "0"},
			Detail: "2 of 2 nodes: Insufficient nvidia.com/gpu", TooLarge: true,
			Shortage: gang.Shortage{
				Missing: 1, Takes: append(one[:2:2], gang.Amount{Resource: string(gpu), Quantity: 2}), Counted: []string{string(gpu)}, Like: a0,
			},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.set(t, tc.world)
			p := h.plan(t, tc.world.task())
			if p.Finding == nil {
				t.Fatalf("planned %v", p.Pins)
			}
			if diff := cmp.Diff(tc.want, *p.Finding); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEnough: another plan is worth its cost if the changed nodes together have free capacity for as many members as were missing.
func TestEnough(t *testing.T) {
	h := newHarness(t)
	w := small("2", "2", "2", "8").taint(3).runs("n0", "1500m").with("a", 6, "1", nil)
	h.set(t, w)
	like := ref(w.members[0])
	takes := []gang.Amount{{Resource: "cpu", Quantity: 1000}}
	gone := like
	gone.Name, gone.UID = "gone", "gone"
	for _, tc := range []struct {
		name     string
		lack     gang.Shortage
		nodes    []string
		anything bool
		want     bool
	}{
		{"nothing changed", gang.Shortage{Missing: 1, Takes: takes, Like: &like}, nil, false, false},
		{"a node without free capacity", gang.Shortage{Missing: 1, Takes: takes, Like: &like}, []string{"n0"}, false, false},
		{"a node with free capacity", gang.Shortage{Missing: 2, Takes: takes, Like: &like}, []string{"n1"}, false, true},
		{"too little on one", gang.Shortage{Missing: 3, Takes: takes, Like: &like}, []string{"n1"}, false, false},
		{"enough on two", gang.Shortage{Missing: 3, Takes: takes, Like: &like}, []string{"n0", "n1", "n2"}, false, true},
		{"a node with a taint", gang.Shortage{Missing: 3, Takes: takes, Like: &like}, []string{"n3"}, false, false},
		{"a taint that some members may tolerate", gang.Shortage{Missing: 3, Takes: takes}, []string{"n3"}, false, true},
		{"a taint, and the member is gone", gang.Shortage{Missing: 3, Takes: takes, Like: &gone}, []string{"n3"}, false, true},
		{"a node that is gone", gang.Shortage{Missing: 1, Takes: takes, Like: &like}, []string{"n9"}, false, false},
		{"more than nodes changed", gang.Shortage{Missing: 9, Takes: takes, Like: &like}, nil, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, got := h.planner.Enough(ledger.Parked{Shortage: tc.lack, Nodes: tc.nodes, Anything: tc.anything}); got != tc.want {
				t.Errorf("enough = %t, want %t", got, tc.want)
			}
		})
	}
}

// TestDevicesThatNodesCountAreCounted: what a filter said that nodes have too little of is counted, so CPU that frees up is no reason to plan a
// gang again that lacks devices. What no filter missed is not counted.
func TestDevicesThatNodesCountAreCounted(t *testing.T) {
	const gpu = "example.com/gpu"
	h := newHarness(t)
	w := small("4", "4").with("a", 3, "1", func(p *st.PodWrapper) {
		p.Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1", gpu: "1"})
	})
	for _, node := range w.nodes {
		node.Status.Allocatable[gpu], node.Status.Capacity[gpu] = resource.MustParse("1"), resource.MustParse("1")
	}
	h.set(t, w)
	plan, err := h.planner.Plan(h.ctx, w.task(), nil)
	if err != nil || plan.Finding == nil {
		t.Fatalf("the plan has %v, %v", plan.Pins, err)
	}
	lack := plan.Finding.Shortage
	if diff := cmp.Diff([]string{gpu}, lack.Counted); diff != "" {
		t.Error(diff)
	}
	if _, enough := h.planner.Enough(ledger.Parked{Shortage: lack, Nodes: []string{"n0"}}); !enough {
		t.Error("a node with a free device is not enough for one more")
	}
	w.running = append(w.running, testPod("r").Node("n0").Req(map[corev1.ResourceName]string{gpu: "1"}).Obj())
	h.set(t, w)
	if _, enough := h.planner.Enough(ledger.Parked{Shortage: lack, Nodes: []string{"n0"}}); enough {
		t.Error("a node without a free device is enough")
	}
}

// TestEnoughMissesNoPlan: if new capacity lets a gang fit that did not fit before, Enough must report it, or the gang stays parked.
func TestEnoughMissesNoPlan(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		d := rolled(t)
		w := small(pick(d, "2", "4"), pick(d, "2", "4", "6")).with("a", 1+d(4), pick(d, "1", "2"), nil)
		for _, app := range []string{"b", "c"}[:d(3)] {
			w.with(app, 1+d(3), pick(d, "1", "2", "3"), nil)
		}
		h.set(t, w)
		before := h.plan(t, w.task())
		if before.Finding == nil {
			return
		}
		w.nodes = append(w.nodes, small(pick(d, "1", "2", "3", "4", "5", "6", "7", "8")).nodes[0])
		w.nodes[2].Name = "new"
		h.set(t, w)
		_, enough := h.planner.Enough(ledger.Parked{Shortage: before.Finding.Shortage, Nodes: []string{"new"}, Anything: before.Finding.Shortage.Anything})
		if after := h.plan(t, w.task()); after.Finding == nil && !enough {
			t.Fatalf("a node that makes a plan possible is not enough for %+v\n%s", before.Finding.Shortage, w)
		}
	})
}
