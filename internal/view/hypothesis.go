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

// hypotheses are what a view assumes on top of the snapshot: without some pods, with some slots, on some nodes only. They nest: begin
// opens one, rollBack and commit close the one that was opened last.
//
// The scheduler's snapshot itself is never changed, because everything else reads it. So a plugin that reads the snapshot does so
// without the hypotheses, and the states of the classes are corrected (hypothesis_plugins.go says for which plugins that matters).
//
// A plan that was found under a hypothesis may only be reserved once the hypothesis is true: the classes' states are hypothetical too.
type hypotheses struct {
	// open are those that were begun.
	open []hypothesis
	// undo takes back what was changed, the last first.
	undo []func()
	// changes are the pods that were taken off nodes or put on them.
	changes []change
	// inside are the nodes that members may be placed on; nil means all.
	inside sets.Set[int]
	// index finds nodes by name. It is made, and the list of nodes copied, before the first change.
	index map[string]int
}

// hypothesis is what rollBack returns to.
type hypothesis struct {
	undo int
	// placed and on are the members that were placed.
	placed, on []int
}

// change is a pod that is taken off a node, or put on it.
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

// rollBack closes the hypothesis that was opened last. The view is again what it was: members that were placed since are taken off, and
// those that were placed then are placed again.
func (v *view) rollBack() {
	last := v.pop()
	if len(v.undo) == last.undo && slices.Equal(v.placed, last.placed) && slices.Equal(v.on, last.on) {
		return
	}
	v.takeOff()
	v.undoTo(last.undo)
	for i, class := range last.placed {
		if !v.Fits(class, last.on[i]) { // devices and volumes are allocated to those that the filters just passed
			if v.err == nil {
				v.err = fmt.Errorf("pod %s no longer fits on node %s after a hypothesis", v.classes[class].next().Name,
					v.nodes[last.on[i]].Node().Name)
			}
			return
		}
		v.Place(class, last.on[i])
	}
}

// commit closes the hypothesis that was opened last, and keeps what was changed and placed: it is part of the one around it, if any.
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

// undoTo takes back all changes but the first so many.
func (v *view) undoTo(length int) {
	for _, undo := range slices.Backward(v.undo[length:]) {
		undo()
	}
	clear(v.undo[length:])
	v.undo = v.undo[:length]
}

// takeOff takes all members off, if there are any: what is changed changes the nodes and the states that they were placed on.
func (v *view) takeOff() {
	if len(v.placed) > 0 {
		v.Reset()
	}
}

// without assumes that these pods are gone from their nodes. It takes members that are placed off.
//
// What outlives a pod is not freed: devices stay allocated to its claims, and volumes stay attached to the node until the controllers
// release them. A member that needs these does not fit yet. A ReadWriteOncePod claim is free when nobody else uses it.
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

// with assumes that capacity is held for these pods. It takes members that are placed off.
//
// No devices or volumes are allocated to a slot, so members that need some do not fit anywhere beside a slot that needs some as well.
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

// only assumes that members can be placed on these nodes alone, of those that are left by the hypotheses around this one. Pods on other
// nodes still count, as they do for any pod that is restricted to some nodes. It takes members that are placed off.
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

// outside says whether the node is not one of those that members may be placed on.
func (v *view) outside(node int) bool { return v.inside != nil && !v.inside.Has(node) }

// inPlay is how many nodes members may be placed on.
func (v *view) inPlay() int {
	if v.inside == nil {
		return len(v.nodes)
	}
	return len(v.inside)
}

// change remembers how to take back what is changed next. Without an open hypothesis nothing is ever taken back.
func (v *view) change(undo func()) {
	if len(v.open) > 0 {
		v.undo = append(v.undo, undo)
	}
}

// assume makes the changes: on copies of the nodes, and in copies of the classes' states.
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
			return fmt.Errorf("assuming that a pod is gone: %w", err) // never: the node has it
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

// keepPorts marks the host ports as used that other pods on the node share with the one that is gone: a node remembers only that a port
// is used, not by how many pods.
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

// replace puts another node in the place of one.
func (v *view) replace(node int, other fwk.NodeInfo) {
	before := v.snapshot[node]
	v.change(func() { v.snapshot[node], v.nodes[node] = before, before })
	v.snapshot[node], v.nodes[node] = other, other
}

// nodeNamed finds a node.
func (v *view) nodeNamed(name string) (int, error) {
	if v.index == nil {
		v.snapshot = slices.Clone(v.snapshot) // it was the scheduler's
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
