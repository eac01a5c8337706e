// Package view is the cluster that a gang is planned on: the scheduler's snapshot, private copies of the nodes that a plan changes, and
// hypotheses.
package view

import (
	"context"
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

// view is the cluster that a gang is planned on: the scheduler's snapshot, with copies of the nodes that members are placed on. The filters
// of the profile decide whether a member fits.
type view struct {
	ctx     context.Context
	classes []*class
	basis
	placements
	allocations
	hypotheses
	where whereabouts
	// err is the first error that a plugin returned.
	err error
}

// basis is what a plan begins with.
type basis struct {
	framework framework.Framework
	// promised are the nominated pods by node name, without the gang's own members.
	promised map[string][]fwk.PodInfo
	// namespace has the labels of the gang's namespace, for affinity terms with a namespace selector.
	namespace labels.Set
	// bounded says that the profile has NodeResourcesFit.
	bounded bool
	// withDevices are the nodes with devices in ResourceSlices, nil until first read.
	withDevices map[string]bool
	// avoid are nodes whose kubelet recently rejected a member.
	avoid []string
}

// placements are the nodes, and the members that are placed on them.
type placements struct {
	// shared has the nodes of the scheduler's snapshot; snapshot has the same nodes, or copies with the hypotheses applied; nodes has
	// those of snapshot, or copies with placed members.
	shared, snapshot, nodes []fwk.NodeInfo
	changed                 []int
	// placed has the class of each placed member in order, and on the node.
	placed, on []int
	// version changes whenever devices or volumes are allocated or released.
	version int
}

var _ placement.Cluster = &view{}

// planning marks the CycleState of a gang cycle. Our own plugins then do nothing.
type planning struct{}

const planningKey fwk.StateKey = "kubenexus.io/planning"

func (planning) Clone() fwk.StateData { return planning{} }

// Mark marks the state as one of a gang cycle.
func Mark(state fwk.CycleState) { state.Write(planningKey, planning{}) }

// OfGangCycle reports whether the state belongs to a gang cycle. The gang cycle does for its members what our plugins do for a single pod.
func OfGangCycle(state fwk.CycleState) bool {
	_, err := state.Read(planningKey)
	return err == nil
}

// newView runs the PreFilter plugins for the classes and returns a view without placed members. It fails if a plugin does.
func newView(ctx context.Context, f framework.Framework, classes []*class, promised map[string][]fwk.PodInfo,
	namespace labels.Set,
) (*view, error) {
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	v := &view{
		ctx: ctx, classes: classes,
		basis: basis{
			framework: f, promised: promised, namespace: namespace,
			bounded: indexOf(f.ListPlugins().Filter.Enabled, names.NodeResourcesFit) >= 0,
		},
		placements:  placements{shared: nodes, snapshot: nodes, nodes: slices.Clone(nodes)},
		allocations: allocations{group: framework.NewCycleState()},
	}
	repel := false
	for _, c := range classes {
		repel = repel || len(c.info.GetRequiredAntiAffinityTerms()) > 0
	}
	for _, c := range classes {
		if v.stopped() {
			return nil, v.err
		}
		if err := v.preFilter(c, repel); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// stopped reports whether the plan is to end: a plugin failed, or whoever wants the plan waits no longer. Then nothing fits anywhere, so
// that each search ends soon, whatever it looks for, and what it found does not count.
func (v *view) stopped() bool {
	if v.err == nil && v.ctx.Err() != nil {
		v.err = context.Cause(v.ctx)
	}
	return v.err != nil
}

// preFilter runs the PreFilter plugins for a class. repel says that members of the gang have required anti-affinity.
func (v *view) preFilter(c *class, repel bool) error {
	if err := v.runPreFilter(c, c.info.GetPod()); err != nil || c.rejected != nil {
		return err
	}
	if err := v.askExtenders(c); err != nil {
		return err
	}
	c.overlooks = c.base.GetSkipFilterPlugins().Has(names.InterPodAffinity)
	c.pairwise = repel || v.asks(c, names.InterPodAffinity, names.PodTopologySpread, names.VolumeRestrictions)
	c.stateful = v.asks(c, names.DynamicResources, names.VolumeBinding)
	c.local = !c.pairwise && !c.stateful
	c.version = v.version
	c.begin()
	return nil
}

// runPreFilter runs the PreFilter plugins for a pod of the class.
func (v *view) runPreFilter(c *class, pod *corev1.Pod) error {
	c.rejected, c.nodes, c.pending = nil, nil, nil
	base := framework.NewCycleState()
	Mark(base)
	base.SetPodGroupSchedulingCycle(v.group)
	result, status, _ := v.framework.RunPreFilterPlugins(v.ctx, base, pod)
	c.base = base
	switch {
	case status.IsRejected():
		c.rejected = status
	case !status.IsSuccess():
		return fmt.Errorf("filtering for pod %s: %w", pod.Name, status.AsError())
	case !result.AllNodes():
		c.nodes = result.NodeNames
	}
	if c.rejected == nil && len(v.changes) > 0 {
		v.adjust(c, v.changes)
	}
	return nil
}

// asks reports whether any of these plugins is enabled and did not skip the class.
func (v *view) asks(c *class, plugins ...string) bool {
	skipped := c.base.GetSkipFilterPlugins()
	return slices.ContainsFunc(plugins, func(name string) bool {
		return indexOf(v.framework.ListPlugins().PreFilter.Enabled, name) >= 0 && !skipped.Has(name)
	})
}

// Nodes returns the number of nodes.
func (v *view) Nodes() int { return len(v.nodes) }

// Room returns how many more members of the class the node can take at most, by its free resources.
func (v *view) Room(class, node int) int {
	c := v.classes[class]
	switch {
	case v.err != nil, v.outside(node), c.rejected != nil && (!c.stateful || c.version == v.version):
		return 0
	case !v.bounded:
		return math.MaxInt32
	}
	return c.Room(v.nodes[node])
}

// Fits reports whether one more member of the class passes the filters on the node.
func (v *view) Fits(class, node int) bool {
	return !v.outside(node) && v.status(v.classes[class], v.nodes[node]).IsSuccess()
}

// status runs the filters for one more member of the class on the node.
func (v *view) status(c *class, node fwk.NodeInfo) *fwk.Status {
	if v.stopped() {
		return fwk.AsStatus(v.err)
	}
	v.refresh(c)
	if s := c.excludes(node.Node()); s != nil {
		return s
	}
	switch {
	case repels(c.repelled, node):
		return gangRepels()
	case repels(c.held, node):
		return slotRepels()
	case slices.Contains(v.avoid, node.Node().Name):
		return Avoids()
	}
	pod := c.info.GetPod()
	if nominated := v.nominated(pod, node); len(nominated) > 0 {
		// As upstream: the pod must fit with and without the pods nominated to the node.
		with, state := node.Snapshot(), c.state.Clone()
		for _, other := range nominated {
			with.AddPodInfo(other)
			if s := v.framework.RunPreFilterExtensionAddPod(v.ctx, state, pod, other, with); !s.IsSuccess() {
				return v.checked(s)
			}
			// InterPodAffinity takes this pod into account as soon as a member repels the class, but not before.
			if c.overlooks && len(c.repelled)+len(c.held) > 0 && v.repelledBy(c, other, node.Node(), nil) {
				return gangRepels()
			}
		}
		if s := v.checked(v.framework.RunFilterPlugins(v.ctx, state, pod, with)); !s.IsSuccess() {
			return s
		}
	}
	return v.checked(v.framework.RunFilterPlugins(v.ctx, c.state, pod, node))
}

// excludes returns why the class may not use the node regardless of the pods on it, or nil.
func (c *class) excludes(node *corev1.Node) *fwk.Status {
	switch {
	case c.rejected != nil:
		return c.rejected
	case c.kept != nil:
		return c.kept
	case c.nodes != nil && !c.nodes.Has(node.Name), c.offered != nil && !c.offered.Has(node.Name):
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) excluded by the pod's volumes or node affinity, or by an extender")
	case !c.usable(node):
		return fwk.NewStatus(fwk.Unschedulable, "node(s) cannot access the devices that the pod shares with other pods of the gang").
			WithPlugin(names.DynamicResources)
	case c.excluded.Has(node.Name):
		return fwk.NewStatus(fwk.Unschedulable, "node(s) failed to reserve what a pod of the gang requests")
	}
	return nil
}

// checked records the first status that is an error and not a rejection.
func (v *view) checked(s *fwk.Status) *fwk.Status {
	if !s.IsSuccess() && !s.IsRejected() && v.err == nil {
		v.err = s.AsError()
	}
	return s
}

func gangRepels() *fwk.Status {
	return fwk.NewStatus(fwk.Unschedulable, "node(s) didn't match pod anti-affinity rules of the gang's other pods").
		WithPlugin(names.InterPodAffinity)
}

func slotRepels() *fwk.Status {
	return fwk.NewStatus(fwk.Unschedulable, "node(s) didn't satisfy existing pods anti-affinity rules").WithPlugin(names.InterPodAffinity)
}

// promises returns the pods nominated to each node of the snapshot. Nominations of the gang's own pods do not count, because those pods are
// being planned.
func promises(f framework.Framework, siblings []*corev1.Pod) (map[string][]fwk.PodInfo, error) {
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	var promised map[string][]fwk.PodInfo
	for _, node := range nodes {
		name := node.Node().Name
		others := slices.DeleteFunc(f.NominatedPodsForNode(name), func(other fwk.PodInfo) bool {
			return slices.ContainsFunc(siblings, func(s *corev1.Pod) bool { return s.UID == other.GetPod().UID })
		})
		if len(others) == 0 {
			continue
		}
		if promised == nil {
			promised = map[string][]fwk.PodInfo{}
		}
		promised[name] = others
	}
	return promised, nil
}

// nominated returns the pods nominated to the node that have at least the pod's priority.
func (v *view) nominated(pod *corev1.Pod, node fwk.NodeInfo) []fwk.PodInfo {
	if len(v.promised) == 0 {
		return nil
	}
	yields := func(other fwk.PodInfo) bool {
		return corev1helpers.PodPriority(other.GetPod()) < corev1helpers.PodPriority(pod)
	}
	all := v.promised[node.Node().Name]
	if !slices.ContainsFunc(all, yields) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), yields)
}

// repels reports whether the node is in one of the domains. Placed members or slots repel the class from these, where InterPodAffinity does
// not look.
func repels[T any](from map[domain]T, node fwk.NodeInfo) bool {
	for d := range from {
		if value, ok := node.Node().Labels[d.key]; ok && value == d.value {
			return true
		}
	}
	return false
}

// repelledBy reports whether a pod on the node repels the class from a topology domain of the node. If count is not nil, it counts these
// domains.
func (v *view) repelledBy(c *class, by fwk.PodInfo, node *corev1.Node, count map[domain]int) bool {
	repelled := false
	for _, term := range by.GetRequiredAntiAffinityTerms() {
		value, ok := node.Labels[term.TopologyKey]
		if !ok || !term.Matches(c.info.GetPod(), v.namespace) {
			continue
		}
		repelled = true
		if count != nil {
			count[domain{term.TopologyKey, value}]++
		}
	}
	return repelled
}

// Place puts a member of the class on the node.
func (v *view) Place(class, node int) {
	if v.nodes[node] == v.snapshot[node] {
		v.nodes[node] = v.snapshot[node].Snapshot()
		v.changed = append(v.changed, node)
	}
	c := v.classes[class]
	v.placed, v.on = append(v.placed, class), append(v.on, node)
	if c.stateful {
		v.allocate(c, v.nodes[node].Node().Name)
	}
	c.placed++
	v.nodes[node].AddPodInfo(c.info)
	for _, other := range v.classes {
		if other.pairwise && other.rejected == nil && !other.stateful {
			v.count(other, c.info, v.nodes[node])
		}
	}
}

// count adds a placed member to the state of a class.
func (v *view) count(c *class, placed fwk.PodInfo, on fwk.NodeInfo) {
	c.floors = c.floors[:0]
	for i := range c.levels {
		c.floors = append(c.floors, c.levels[i].floor())
	}
	v.checked(v.framework.RunPreFilterExtensionAddPod(v.ctx, c.state, c.info.GetPod(), placed, on))
	for i, floor := range c.floors {
		c.levels[i].settle(floor)
	}
	if c.overlooks && len(placed.GetRequiredAntiAffinityTerms()) > 0 {
		if c.repelled == nil {
			c.repelled = map[domain]int{}
		}
		v.repelledBy(c, placed, on.Node(), c.repelled)
	}
}

// Reset removes all placed members.
func (v *view) Reset() {
	v.release()
	for _, node := range v.changed {
		v.nodes[node] = v.snapshot[node]
	}
	v.changed, v.placed, v.on = v.changed[:0], v.placed[:0], v.on[:0]
	v.version++
	for _, c := range v.classes {
		c.repelled, c.placed = nil, 0
		if c.pairwise && !c.stateful && c.rejected == nil {
			c.begin()
		}
	}
}

// Avoids returns the status for a node whose kubelet recently rejected a pod of the gang.
func Avoids() *fwk.Status {
	return fwk.NewStatus(fwk.Unschedulable, "node(s) recently rejected a pod of the gang")
}

func indexOf(plugins []config.Plugin, name string) int {
	return slices.IndexFunc(plugins, func(p config.Plugin) bool { return p.Name == name })
}
