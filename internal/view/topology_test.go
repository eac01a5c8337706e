package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// racks adds nodes with so many free CPUs in each rack, such as "r1: 2 2, r2: 4". A rack without a name has nodes without the label.
func (w *world) racks(text string) {
	for rack := range strings.SplitSeq(text, ",") {
		name, nodes, _ := strings.Cut(strings.TrimSpace(rack), ":")
		for cpu := range strings.FieldsSeq(nodes) {
			node := testNode(fmt.Sprintf("n%d", len(w.nodes)), "z", map[corev1.ResourceName]string{
				corev1.ResourceCPU: cpu, corev1.ResourceMemory: "64Gi", corev1.ResourcePods: "110",
			})
			if name != "" {
				node.Label("rack", name).Label("block", name[:1])
			}
			w.nodes = append(w.nodes, node.Obj())
		}
	}
}

// on returns how many members a plan has in each domain, such as "r1:2 r2:1".
func (w *world) on(p Plan, key string) string {
	counts := map[string]int{}
	for _, pin := range p.Pins {
		for _, node := range w.nodes {
			if node.Name == pin.Node {
				counts[node.Labels[key]]++
			}
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s:%d", name, counts[name]))
	}
	return strings.Join(all, " ")
}

// TestPlansInDomains plans a gang of members that request 1 CPU each.
func TestPlansInDomains(t *testing.T) {
	tests := []struct {
		name, racks string
		members     int
		topology    gang.Topology
		running     string
		on, why     string
	}{
		{name: "any node will do", racks: "r1: 2, r2: 2", members: 4, on: "r1:2 r2:2"},
		{
			name: "all in one rack", racks: "r1: 2, r2: 2 2, : 8", members: 4,
			topology: gang.Topology{Required: "rack"}, on: "r2:4",
		},
		{
			name: "the rack with the least left over", racks: "r1: 8, r2: 5, r3: 6", members: 4,
			topology: gang.Topology{Required: "rack"}, on: "r2:4",
		},
		{
			name: "no rack is large enough", racks: "r1: 3, r2: 2, : 8", members: 4,
			topology: gang.Topology{Required: "rack"}, why: "only 3 of 4 fit in one rack (the best is r1)",
		},
		{
			name: "no node has the label", racks: ": 8", members: 2,
			topology: gang.Topology{Required: "rack"}, why: "no node that may be used has the label rack",
		},
		{
			name: "a preferred rack", racks: "a1: 2 2, a2: 4, b1: 3", members: 4,
			topology: gang.Topology{Preferred: []string{"rack", "block"}}, on: "a1:4",
		},
		{
			name: "a preferred block", racks: "a1: 2, a2: 2, b1: 3", members: 4,
			topology: gang.Topology{Preferred: []string{"rack", "block"}}, on: "a1:2 a2:2",
		},
		{
			name: "the fewest blocks", racks: "a1: 1, b1: 3, c1: 2", members: 5,
			topology: gang.Topology{Preferred: []string{"rack", "block"}}, on: "b1:3 c1:2",
		},
		{
			name: "what is only preferred does not keep a gang from starting", racks: "a1: 1, : 3", members: 4,
			topology: gang.Topology{Preferred: []string{"rack"}}, on: ":3 a1:1",
		},
		{
			name: "slices", racks: "a1: 3, a2: 2, b1: 3", members: 6,
			topology: gang.Topology{SliceRequired: "rack", SliceSize: 2}, on: "a1:2 a2:2 b1:2",
		},
		{
			name: "slices in one block", racks: "a1: 3, a2: 3, b1: 3, b2: 1, b3: 1", members: 4,
			topology: gang.Topology{Required: "block", SliceRequired: "rack", SliceSize: 2}, on: "a1:2 a2:2",
		},
		{
			name: "evenly", racks: "a1: 8, b1: 8, c1: 2", members: 6,
			topology: gang.Topology{Spread: "block"}, on: "a1:2 b1:2 c1:2",
		},
		{
			name: "not evenly", racks: "a1: 8, b1: 8, c1: 1", members: 6,
			topology: gang.Topology{Spread: "block"}, why: "only 1 of 2 fit in c, its share of a spread over block",
		},
		{
			name: "beside what runs", racks: "r1: 2, r2: 8", members: 2, running: "n0",
			topology: gang.Topology{Required: "rack"}, on: "r1:2",
		},
		{
			name: "what runs is where there is no room", racks: "r1: 1, r2: 8", members: 2, running: "n0",
			topology: gang.Topology{Required: "rack"}, why: "only 1 of 2 fit in one rack (the best is r1)",
		},
	}
	h := newHarness(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{}
			w.racks(test.racks)
			w.join("a", test.members, "1", func(*st.PodWrapper) {})
			h.set(t, w)
			task := w.task()
			task.Topology = test.topology
			if test.running != "" {
				task.Running = []gang.RunningMember{{Node: test.running}}
			}
			p := h.plan(t, task)
			why := ""
			if p.Finding != nil {
				why = p.Finding.Topology
			}
			if on := w.on(p, "rack"); on != test.on || why != test.why {
				t.Errorf("members are on %q, want %q; why %q, want %q", on, test.on, why, test.why)
			}
		})
	}
}

// TestVictimsInOneDomain: of the racks, the one is chosen in which the victims are the cheapest, and nothing is preempted elsewhere.
func TestVictimsInOneDomain(t *testing.T) {
	tests := []struct {
		name string
		// low and dear have the nodes of pods that request 1 CPU, one name for each pod.
		racks, low, dear string
		members          int
		topology         gang.Topology
		victims          string
	}{
		{
			name: "fewer victims in one rack", racks: "r1: 2 2, r2: 2 2", low: "n0 n1 n1 n2 n2 n3 n3", members: 4,
			topology: gang.Topology{Required: "rack"}, victims: "n0 n1 n1",
		},
		{
			name: "not the cheapest of all racks", racks: "r1: 2 2, r2: 2 2", low: "n0 n0 n2 n2", dear: "n1 n1 n3", members: 4,
			topology: gang.Topology{Required: "rack"}, victims: "n2 n2 n3",
		},
		{
			name: "no rack is large enough", racks: "r1: 2, r2: 3", low: "n0 n0 n1 n1 n1", members: 4,
			topology: gang.Topology{Required: "rack"},
		},
		{
			name: "a whole slice", racks: "r1: 1, r2: 2, r3: 2", low: "n0 n1 n1 n2", members: 2,
			topology: gang.Topology{SliceRequired: "rack", SliceSize: 2}, victims: "n2",
		},
	}
	h := newHarness(t)
	h.serveRunning()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{}
			w.racks(test.racks)
			for i, node := range strings.Fields(test.low) {
				w.preemptible(node, "1", 1, int64(i))
			}
			for i, node := range strings.Fields(test.dear) {
				w.preemptible(node, "1", 5, int64(i))
			}
			w.join("a", test.members, "1", important)
			h.set(t, w)
			r := h.roomRequest(w)
			r.Task.Topology = test.topology
			p, _, err := h.planner.MakeRoom(h.ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			var on []string
			for _, v := range p.Victims {
				on = append(on, v.Pod.Spec.NodeName)
			}
			slices.Sort(on)
			if victims := strings.Join(on, " "); victims != test.victims {
				t.Errorf("victims on %q, want %q", victims, test.victims)
			}
		})
	}
}
