package view

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	tf "k8s.io/kubernetes/pkg/scheduler/testing/framework"
)

// leaves returns an extender that filters out all other nodes.
func leaves(names ...string) tf.FitPredicate {
	return func(pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
		if slices.Contains(names, node.Node().Name) {
			return nil
		}
		return fwk.NewStatus(fwk.Unschedulable)
	}
}

// TestExtendersAreAskedWhileAGangIsPlanned: the scheduler calls extenders after the plugins, once a member is planned for a node. A plan
// made without them might use a node that they reject.
func TestExtendersAreAskedWhileAGangIsPlanned(t *testing.T) {
	filter := func(answers ...tf.FitPredicate) *tf.FakeExtender { return &tf.FakeExtender{Predicates: answers} }
	uninterested, ignorable := filter(leaves()), filter(tf.ErrorPredicateExtender)
	uninterested.UnInterested, ignorable.Ignorable = true, true
	for _, tc := range []struct {
		name      string
		extenders []fwk.Extender
		// nodes are the nodes with a member; none means that there is no plan.
		nodes []string
	}{
		{"one that returns two of three nodes", []fwk.Extender{filter(leaves("a", "c"))}, []string{"a", "c"}},
		{"two that have one node in common", []fwk.Extender{filter(leaves("a", "b")), filter(leaves("b", "c"))}, nil},
		{"two that return the same nodes", []fwk.Extender{filter(leaves("b", "c")), filter(leaves("c", "b"))}, []string{"b", "c"}},
		{"one that returns none", []fwk.Extender{filter(leaves())}, nil},
		{"one that is not interested in such pods", []fwk.Extender{uninterested, filter(leaves("a", "b"))}, []string{"a", "b"}},
		{"one that fails and is ignorable", []fwk.Extender{ignorable, filter(leaves("a", "b"))}, []string{"a", "b"}},
		{"one that filters nothing", []fwk.Extender{&tf.FakeExtender{}, filter(leaves("a", "b"))}, []string{"a", "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(t, frameworkruntime.WithExtenders(tc.extenders))
			w := twoMembersAndThreeNodes()
			h.set(t, w)
			p := h.plan(t, w.task())
			var nodes []string
			for _, pin := range p.Pins {
				nodes = append(nodes, pin.Node)
			}
			slices.Sort(nodes)
			if !slices.Equal(nodes, tc.nodes) {
				t.Errorf("the members are planned for %v, want %v; %+v", nodes, tc.nodes, p.Finding)
			}
			// Nobody knows what makes an extender return more nodes, so any change may help.
			if p.Finding != nil && !p.Finding.Shortage.Anything {
				t.Errorf("the gang is retried only for free capacity: %+v", p.Finding)
			}
		})
	}
}

// TestAnExtenderThatFailsEndsTheCycle, as for a single pod, and the error names the extender.
func TestAnExtenderThatFailsEndsTheCycle(t *testing.T) {
	broken := &tf.FakeExtender{ExtenderName: "http://broken", Predicates: []tf.FitPredicate{tf.ErrorPredicateExtender}}
	h := newHarness(t, frameworkruntime.WithExtenders([]fwk.Extender{broken}))
	w := twoMembersAndThreeNodes()
	h.set(t, w)
	if _, err := h.planner.Plan(h.ctx, w.task(), nil); err == nil || !strings.Contains(err.Error(), "asking extender http://broken about pod ") {
		t.Errorf("%v, want an error that names the extender and the pod", err)
	}
}

// twoMembersAndThreeNodes returns a world in which each node has capacity for one member.
func twoMembersAndThreeNodes() *world {
	w := &world{need: 2}
	for _, name := range []string{"a", "b", "c"} {
		w.nodes = append(w.nodes, st.MakeNode().Name(name).Capacity(map[corev1.ResourceName]string{"cpu": "1", "pods": "10"}).Obj())
	}
	for _, name := range []string{"m-0", "m-1"} {
		w.members = append(w.members, testPod(name).SchedulerName("default-scheduler").Req(map[corev1.ResourceName]string{"cpu": "1"}).Obj())
	}
	return w
}
