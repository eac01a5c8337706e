package view

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"
)

// allocations are the devices and volumes of the members that a plan has placed. The Reserve plugins themselves allocate them, in
// their own memory, and Unreserve releases them: so each member is filtered beside what the others have, whatever the plugins are.
type allocations struct {
	// group makes members share what is allocated to one of them, as upstream does for pod groups.
	group fwk.PodGroupCycleState
	held  []allocation
}

// allocation is what a member that is placed was given.
type allocation struct {
	state fwk.CycleState
	pod   *corev1.Pod
	node  string
}

// allocate allocates what the next member of the class asks for on the node, which has just passed the filters.
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

// release gives back what was allocated, the last first.
func (v *view) release() {
	for _, a := range slices.Backward(v.held) {
		v.framework.RunReservePluginsUnreserve(v.ctx, a.state, a.pod, a.node)
	}
	v.held = v.held[:0]
}

// next is the member of the class that is placed next, or the last if all are.
func (c *class) next() *corev1.Pod { return c.pods[min(c.placed, len(c.pods)-1)] }

// refresh makes the state of a class right again for its next member, after devices or volumes were allocated or released.
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

// pendingNodes are the nodes on which the devices can be used that the pod shares with a member that is placed. DynamicResources does not
// look at the nodes of a claim whose allocation is not written yet.
func (v *view) pendingNodes(pod *corev1.Pod) (selectors []*nodeaffinity.NodeSelector) {
	manager := v.framework.SharedDRAManager()
	if manager == nil {
		return nil
	}
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil || name == nil {
			continue // PreFilter says so
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

// usable says whether the node can use the devices that the next member of the class shares with one that is placed.
func (c *class) usable(node *corev1.Node) bool {
	return !slices.ContainsFunc(c.pending, func(s *nodeaffinity.NodeSelector) bool { return !s.Match(node) })
}
