package view

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
)

// allocations are the devices and volumes of the members that a plan has placed. The Reserve plugins allocate them in their own memory, and
// Unreserve releases them. So whatever the plugins are, each member is filtered with the allocations of the others in effect.
type allocations struct {
	// group lets members share what is allocated to one of them, as upstream does for pod groups.
	group fwk.PodGroupCycleState
	held  []allocation
}

// allocation is what the Reserve plugins allocated to one placed member.
type allocation struct {
	state fwk.CycleState
	pod   *corev1.Pod
	node  string
}

// allocate runs the Reserve plugins for the next member of the class on a node that just passed the filters.
func (v *view) allocate(c *class, node string) {
	pod := *c.next()
	pod.Spec.NodeName = node
	state := c.state
	v.version++
	if status := v.framework.RunReservePluginsReserve(v.ctx, state, &pod, node); !status.IsSuccess() {
		v.framework.RunReservePluginsUnreserve(v.ctx, state, &pod, node)
		if v.err == nil {
			v.err = fmt.Errorf("reserving for pod %s on node %s: %w", pod.Name, node, status.AsError())
		}
		return
	}
	v.held = append(v.held, allocation{state: state, pod: &pod, node: node})
}

// release runs Unreserve for all placed members, in reverse order.
func (v *view) release() {
	for _, a := range slices.Backward(v.held) {
		v.framework.RunReservePluginsUnreserve(v.ctx, a.state, a.pod, a.node)
	}
	v.held = v.held[:0]
}

// next returns the member of the class to place next, or the last one if all are placed.
func (c *class) next() *corev1.Pod { return c.pods[min(c.placed, len(c.pods)-1)] }

// refresh rebuilds the class's state for its next member if devices or volumes were allocated or released since.
func (v *view) refresh(c *class) {
	if !c.stateful || c.version == v.version {
		return
	}
	c.version, c.repelled = v.version, nil
	if err := v.runPreFilter(c, c.next()); err != nil {
		if v.err == nil {
			v.err = err
		}
		c.rejected = fwk.AsStatus(err)
		return
	}
	if c.rejected != nil {
		return
	}
	c.pending = v.pendingNodes(c.next())
	c.begin()
	if c.pairwise {
		for i, class := range v.placed {
			v.count(c, v.classes[class].info, v.nodes[v.on[i]])
		}
	}
}

// pendingNodes returns the node selectors of claims that the pod shares with placed members. DynamicResources ignores the node selector of
// a claim until its allocation is written to the API.
func (v *view) pendingNodes(pod *corev1.Pod) (selectors []*nodeaffinity.NodeSelector) {
	manager := v.framework.SharedDRAManager()
	if manager == nil {
		return nil
	}
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil || name == nil {
			continue // PreFilter reports it
		}
		claim, err := manager.ResourceClaims().Get(pod.Namespace, *name)
		if err != nil || claim.Status.Allocation != nil {
			continue
		}
		pending := manager.ResourceClaims().GetPendingAllocation(claim.UID)
		if pending == nil || pending.NodeSelector == nil {
			continue
		}
		selector, err := nodeaffinity.NewNodeSelector(pending.NodeSelector)
		if err != nil {
			v.checked(fwk.AsStatus(fmt.Errorf("reading the nodes of claim %s: %w", *name, err)))
			continue
		}
		selectors = append(selectors, selector)
	}
	return selectors
}

// usable reports whether the node can access the devices that the next member of the class shares with placed members.
func (c *class) usable(node *corev1.Node) bool {
	return !slices.ContainsFunc(c.pending, func(s *nodeaffinity.NodeSelector) bool { return !s.Match(node) })
}
