package cycle

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"

	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// reserved is a member in a gang cycle.
type reserved struct {
	pod  *corev1.Pod
	node string
	// state belongs to this member only; PreFilter and Filter on the node have passed.
	state      fwk.CycleState
	toActivate *framework.PodsToActivate
	// late says that volumes or devices are allocated to the member.
	late bool
	// assumed is the pod in the scheduler's cache, with its node. It is nil until the pod is assumed.
	assumed *corev1.Pod
	info    *framework.QueuedPodInfo
}

// refusalOnNode is the member and the node for which a Reserve plugin failed, and its status.
type refusalOnNode struct {
	pod    *corev1.Pod
	node   string
	status *fwk.Status
}

// members returns the members of a plan, in its order.
func (c *Cycle) members(a *attempt, found view.Plan) []*reserved {
	members := make([]*reserved, len(found.Members))
	for i, p := range found.Members {
		m := &reserved{pod: p.Pod, node: p.Node, late: p.Late, toActivate: framework.NewPodsToActivate()}
		m.use(p.State, a.sampled)
		members[i] = m
	}
	return members
}

// use sets the member's state.
func (m *reserved) use(state fwk.CycleState, sampled bool) {
	if s, ok := state.(*framework.CycleState); ok {
		s.SetRecordPluginMetrics(sampled)
	}
	view.Mark(state)
	state.Write(framework.PodsToActivateKey, m.toActivate)
	m.state = state
}

// reserveAll assumes every member in the scheduler's cache and runs the Reserve plugins. If it fails for one member, it unreserves all of
// them.
func (c *Cycle) reserveAll(ctx context.Context, a *attempt, members []*reserved) *refusalOnNode {
	a.group = framework.NewCycleState()
	defer func() {
		for _, m := range members {
			m.state.SetPodGroupSchedulingCycle(nil) // from here on, plugins handle each pod on its own
		}
	}()
	for i, m := range members {
		if status := c.reserve(ctx, a, m); !status.IsSuccess() {
			c.unreserve(ctx, a, members[:i])
			return &refusalOnNode{pod: m.pod, node: m.node, status: status}
		}
	}
	return nil
}

// reserve does for a member what kube-scheduler's assumeAndReserve does for a pod.
func (c *Cycle) reserve(ctx context.Context, a *attempt, m *reserved) *fwk.Status {
	logger := klog.FromContext(ctx)
	if m.late {
		if status := c.filterAgain(ctx, a, m); !status.IsSuccess() {
			return status
		}
	}
	info, err := framework.NewPodInfo(m.pod.DeepCopy())
	if err != nil {
		return fwk.AsStatus(fmt.Errorf("reading pod %s: %w", m.pod.Name, err))
	}
	m.info = &framework.QueuedPodInfo{
		PodInfo: info, Timestamp: a.start, Attempts: 1, InitialAttemptTimestamp: &a.start,
		UnschedulablePlugins: sets.New[string](), PendingPlugins: sets.New[string](), // the queue inserts into them
	}
	if m.pod.UID == a.popped.Pod.UID {
		m.info = a.popped.DeepCopy()
	}
	m.assumed = m.info.Pod
	m.assumed.Spec.NodeName = m.node
	if utilfeature.DefaultFeatureGate.Enabled(features.DRANodeAllocatableResources) {
		claims := dynamicresources.ExtractPodNodeAllocatableResourceClaimStatus(logger, m.state, m.node)
		m.assumed.Status.NodeAllocatableResourceClaimStatuses = claims
	}
	if err := c.sched.Cache.AssumePod(logger, m.assumed); err != nil {
		m.assumed = nil
		return fwk.AsStatus(fmt.Errorf("assuming pod %s on node %s: %w", m.pod.Name, m.node, err))
	}
	c.sched.SchedulingQueue.DeleteNominatedPodIfExists(m.assumed)
	if status := a.framework.RunReservePluginsReserve(ctx, m.state, m.assumed, m.node); !status.IsSuccess() {
		c.unreserve(ctx, a, []*reserved{m})
		return status
	}
	return nil
}

// filterAgain runs the filters for a member on its node, so that plugins find its volumes and devices among those that reserved members
// left.
func (c *Cycle) filterAgain(ctx context.Context, a *attempt, m *reserved) *fwk.Status {
	if err := c.sched.Cache.UpdateSnapshot(klog.FromContext(ctx), a.snapshot); err != nil {
		return fwk.AsStatus(fmt.Errorf("updating the snapshot: %w", err))
	}
	node, err := a.snapshot.NodeInfos().Get(m.node)
	if err != nil {
		return fwk.NewStatus(fwk.Unschedulable, "node "+m.node+" was deleted")
	}
	m.use(framework.NewCycleState(), a.sampled)
	m.state.SetPodGroupSchedulingCycle(a.group)
	nodes, status, _ := a.framework.RunPreFilterPlugins(ctx, m.state, m.pod)
	if !status.IsSuccess() {
		return status
	}
	if !nodes.AllNodes() && !nodes.NodeNames.Has(m.node) {
		return fwk.NewStatus(fwk.Unschedulable, "node "+m.node+" is excluded by the pod's volumes or devices")
	}
	return a.framework.RunFilterPlugins(ctx, m.state, m.pod, node)
}

// unreserve undoes reserve, in reverse order.
func (c *Cycle) unreserve(ctx context.Context, a *attempt, members []*reserved) {
	for _, m := range slices.Backward(members) {
		a.framework.RunReservePluginsUnreserve(ctx, m.state, m.assumed, m.node)
		if err := c.sched.Cache.ForgetPod(klog.FromContext(ctx), m.assumed); err != nil {
			klog.FromContext(ctx).Error(err, "Failed to forget an assumed pod", "pod", klog.KObj(m.assumed))
		}
		m.assumed = nil
	}
}
