package view

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

// hypotheses are what a view assumes on top of the snapshot: without some pods, with some slots, or on some nodes only. They nest: begin
// opens one; rollBack and commit close the one opened last.
//
// The scheduler's snapshot itself changes only while Score plugins run, because others read it. A Filter plugin that reads the snapshot
// therefore does not see the hypotheses, so the view corrects the states of the classes (hypothesis_plugins.go lists the plugins that need
// it).
//
// Reserve a plan made under a hypothesis only once the hypothesis holds, because the states of its classes are hypothetical too.
type hypotheses struct {
	// open are the hypotheses that were begun and not closed, the outermost first.
	open []hypothesis
	// undo are the functions that revert the changes, run last to first.
	undo []func()
	// changes are the pods that were removed from nodes or added to them.
	changes []change
	// inside are the nodes that members may be placed on; nil means all.
	inside sets.Set[int]
	// index maps names to nodes. The first change creates it, and copies the list of nodes.
	index map[string]int
}

// hypothesis is the state that rollBack restores.
type hypothesis struct {
	undo int
	// placed and on are the members that were placed, and their nodes.
	placed, on []int
}

// change is a pod that is removed from a node, or added to it.
type change struct {
	info    fwk.PodInfo
	node    int
	removed bool
}

// slot is capacity held on a node for a pod that is not bound.
type slot struct {
	node string
	info fwk.PodInfo
}

// begin opens a hypothesis within those that are open.
func (v *view) begin() {
	v.open = append(v.open, hypothesis{undo: len(v.undo), placed: slices.Clone(v.placed), on: slices.Clone(v.on)})
}

// rollBack closes the hypothesis opened last and restores the view as it was at its begin, including the members that were placed then.
func (v *view) rollBack() {
	last := v.pop()
	if len(v.undo) == last.undo && slices.Equal(v.placed, last.placed) && slices.Equal(v.on, last.on) {
		return
	}
	v.takeOff()
	v.undoTo(last.undo)
	for i, class := range last.placed {
		if !v.Fits(class, last.on[i]) { // Reserve plugins need the result of a Filter run just before
			if v.err == nil {
				v.err = fmt.Errorf("pod %s no longer fits on node %s after a hypothesis", v.classes[class].next().Name,
					v.nodes[last.on[i]].Node().Name)
			}
			return
		}
		v.Place(class, last.on[i])
	}
}

// commit closes the hypothesis opened last and keeps its changes and placed members. They become part of the enclosing hypothesis, if any.
func (v *view) commit() {
	v.pop()
	if len(v.open) == 0 {
		v.undo = nil
	}
}

func (v *view) pop() hypothesis {
	last := v.open[len(v.open)-1]
	v.open = v.open[:len(v.open)-1]
	return last
}

// undoTo reverts changes, last to first, until length of them are left.
func (v *view) undoTo(length int) {
	for _, undo := range slices.Backward(v.undo[length:]) {
		undo()
	}
	clear(v.undo[length:])
	v.undo = v.undo[:length]
}

// takeOff removes all placed members, because a change alters the nodes and the states that they were placed on.
func (v *view) takeOff() {
	if len(v.placed) > 0 {
		v.Reset()
	}
}

// without assumes that these pods are gone from their nodes. It removes all placed members.
//
// It frees nothing that outlives a pod: devices stay allocated to its claims, and volumes stay attached to the node until the controllers
// release them. A member that needs these does not fit yet. A ReadWriteOncePod claim is free if no other pod uses it.
func (v *view) without(pods ...*corev1.Pod) error {
	changes := make([]change, len(pods))
	for i, pod := range pods {
		node, err := v.nodeNamed(pod.Spec.NodeName)
		if err != nil {
			return fmt.Errorf("assuming that pod %s is gone: %w", pod.Name, err)
		}
		info := podOn(v.snapshot[node], pod.UID)
		if info == nil || slices.ContainsFunc(changes[:i], func(c change) bool { return c.info == info }) {
			return fmt.Errorf("assuming that pod %s is gone: it is not on node %s", pod.Name, pod.Spec.NodeName)
		}
		changes[i] = change{info: info, node: node, removed: true}
	}
	return v.assume(changes)
}

// with assumes that capacity is held for these pods. It removes all placed members.
//
// Slots have no devices or volumes allocated. If a slot needs some, members that need some too do not fit on any node.
func (v *view) with(slots ...slot) error {
	changes := make([]change, len(slots))
	for i, s := range slots {
		node, err := v.nodeNamed(s.node)
		if err != nil {
			return fmt.Errorf("assuming a slot for pod %s: %w", s.info.GetPod().Name, err)
		}
		changes[i] = change{info: s.info, node: node}
	}
	return v.assume(changes)
}

// only restricts placement to these nodes, among those that the enclosing hypotheses allow. Pods on other nodes still count, as they do for
// a pod with node affinity. It removes all placed members.
func (v *view) only(nodes sets.Set[string]) error {
	inside := sets.New[int]()
	for name := range nodes {
		node, err := v.nodeNamed(name)
		if err != nil {
			return fmt.Errorf("assuming that there are only some nodes: %w", err)
		}
		if !v.outside(node) {
			inside.Insert(node)
		}
	}
	v.takeOff()
	before := v.inside
	v.change(func() { v.inside = before })
	v.inside = inside
	return nil
}

// outside reports whether members may not be placed on the node.
func (v *view) outside(node int) bool { return v.inside != nil && !v.inside.Has(node) }

// inPlay returns how many nodes members may be placed on.
func (v *view) inPlay() int {
	if v.inside == nil {
		return len(v.nodes)
	}
	return len(v.inside)
}

// change records how to revert the next change. Without an open hypothesis, nothing is reverted, so it records nothing.
func (v *view) change(undo func()) {
	if len(v.open) > 0 {
		v.undo = append(v.undo, undo)
	}
}

// assume applies the changes to copies of the nodes and of the classes' states.
func (v *view) assume(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	v.takeOff()
	known := len(v.changes)
	v.change(func() { v.changes = v.changes[:known] })
	v.changes = append(v.changes, changes...)
	copied := map[int]bool{}
	for _, c := range changes {
		if !copied[c.node] {
			copied[c.node] = true
			v.replace(c.node, v.snapshot[c.node].Snapshot())
		}
		if !c.removed {
			v.snapshot[c.node].AddPodInfo(c.info)
		} else if err := v.snapshot[c.node].RemovePod(klog.FromContext(v.ctx), c.info.GetPod()); err != nil {
			return fmt.Errorf("assuming that a pod is gone: %w", err) // cannot happen: the node has the pod
		} else {
			keepPorts(v.snapshot[c.node], c.info.GetPod())
		}
	}
	for _, c := range v.classes {
		before := *c
		v.change(func() { *c = before })
		if c.rejected == nil {
			c.base = c.base.Clone()
			v.adjust(c, changes)
			c.begin()
		}
		v.keepOff(c, changes)
	}
	return nil
}

// keepPorts marks host ports as used if other pods on the node share them with the removed pod: a node records only that a port is used,
// not by how many pods.
func keepPorts(node fwk.NodeInfo, gone *corev1.Pod) {
	if len(util.GetHostPorts(gone)) == 0 {
		return
	}
	for _, info := range node.GetPods() {
		for _, port := range util.GetHostPorts(info.GetPod()) {
			node.GetUsedPorts().Add(port.HostIP, string(port.Protocol), port.HostPort)
		}
	}
}

// replace swaps in another NodeInfo for the node.
func (v *view) replace(node int, other fwk.NodeInfo) {
	before := v.snapshot[node]
	v.change(func() { v.snapshot[node], v.nodes[node] = before, before })
	v.snapshot[node], v.nodes[node] = other, other
}

// nodeNamed returns the index of the node with this name.
func (v *view) nodeNamed(name string) (int, error) {
	if v.index == nil {
		v.snapshot = slices.Clone(v.snapshot) // the scheduler owns the original
		v.index = make(map[string]int, len(v.snapshot))
		for i, node := range v.snapshot {
			v.index[node.Node().Name] = i
		}
	}
	node, ok := v.index[name]
	if !ok {
		return 0, fmt.Errorf("node %q is not in the snapshot", name)
	}
	return node, nil
}

func podOn(node fwk.NodeInfo, uid types.UID) fwk.PodInfo {
	for _, info := range node.GetPods() {
		if info.GetPod().UID == uid {
			return info
		}
	}
	return nil
}
