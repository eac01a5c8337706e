// Package view is the cluster as a plan sees it: the scheduler's snapshot, private copies of the nodes that it touches, and hypotheses.
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

// view is the cluster that a gang is planned on: the scheduler's snapshot, with copies of the nodes that members are placed
// on. Whether a member fits is asked of the profile's own filters.
type view struct {
	ctx       context.Context
	framework framework.Framework
	classes   []*class
	// snapshot has the nodes without members, as the scheduler knows them or as hypotheses say; nodes are the same, or copies with members.
	snapshot, nodes []fwk.NodeInfo
	changed         []int
	// placed are the classes of the members on the nodes, in the order of their placement; on are their nodes.
	placed, on []int
	// version changes when a member is placed, or all are taken off, that devices or volumes are allocated to.
	version int
	allocations
	hypotheses
	// promised are the pods that nodes were promised to, by the nodes' names, without members of the gang.
	promised map[string][]fwk.PodInfo
	// namespace has the labels of the gang's namespace, for terms that select by them.
	namespace labels.Set
	// bounded says that the profile filters by resources.
	bounded bool
	// withDevices are the nodes for which drivers published devices, nil before anybody asked.
	withDevices map[string]bool
	// avoid are nodes that rejected a member.
	avoid []string
	// err is the first error of a filter.
	err error
}

var _ placement.Cluster = &view{}

// planning marks the cycle states of gang cycles, so that our own plugins do not answer for them.
type planning struct{}

const planningKey fwk.StateKey = "kubenexus.io/planning"

func (planning) Clone() fwk.StateData { return planning{} }

// Mark marks the state as one of a gang cycle.
func Mark(state fwk.CycleState) { state.Write(planningKey, planning{}) }

// OfGangCycle says whether the state is of a gang cycle, which itself does for its members what our plugins do for a pod alone.
func OfGangCycle(state fwk.CycleState) bool {
	_, err := state.Read(planningKey)
	return err == nil
}

// newView filters the classes' pods through the PreFilter plugins.
func newView(ctx context.Context, f framework.Framework, classes []*class, promised map[string][]fwk.PodInfo,
	namespace labels.Set,
) (*view, error) {
	nodes, err := f.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of the snapshot: %w", err)
	}
	v := &view{
		ctx: ctx, framework: f, classes: classes,
		snapshot: nodes, nodes: slices.Clone(nodes),
		promised: promised, namespace: namespace, allocations: allocations{group: framework.NewCycleState()},
		bounded: indexOf(f.ListPlugins().Filter.Enabled, names.NodeResourcesFit) >= 0,
	}
	repel := false
	for _, c := range classes {
		repel = repel || len(c.info.GetRequiredAntiAffinityTerms()) > 0
	}
	for _, c := range classes {
		if err := v.preFilter(c, repel); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// preFilter runs the PreFilter plugins for a class. repel says that members of the gang repel pods.
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

// asks says whether any of these plugins filters for the class: it is enabled, and has not skipped it.
func (v *view) asks(c *class, plugins ...string) bool {
	skipped := c.base.GetSkipFilterPlugins()
	return slices.ContainsFunc(plugins, func(name string) bool {
		return indexOf(v.framework.ListPlugins().PreFilter.Enabled, name) >= 0 && !skipped.Has(name)
	})
}

// Nodes returns how many nodes there are.
func (v *view) Nodes() int { return len(v.nodes) }

// Room is how many more members of the class the node could take by resources, at most.
func (v *view) Room(class, node int) int {
	c := v.classes[class]
	switch {
	case v.outside(node), c.rejected != nil && (!c.stateful || c.version == v.version):
		return 0
	case !v.bounded:
		return math.MaxInt32
	}
	return c.Room(v.nodes[node])
}

// Fits asks the filters.
func (v *view) Fits(class, node int) bool {
	return !v.outside(node) && v.status(v.classes[class], v.nodes[node]).IsSuccess()
}

// status is what the filters say about one more member of the class on the node.
func (v *view) status(c *class, node fwk.NodeInfo) *fwk.Status {
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
		// As upstream: the pod has to fit with and without those that were promised the node.
		with, state := node.Snapshot(), c.state.Clone()
		for _, other := range nominated {
			with.AddPodInfo(other)
			if s := v.framework.RunPreFilterExtensionAddPod(v.ctx, state, pod, other, with); !s.IsSuccess() {
				return v.checked(s)
			}
			// One that InterPodAffinity looks at as soon as a member repels the class, and not before.
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

// excludes says why the node is not for the class, whatever is on it, or nil.
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

// checked keeps the first status that is an error, not an answer.
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

// promises returns the pods that nodes of the snapshot were promised to. What the gang's own pods were promised does not count:
// they are planned, there or elsewhere.
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

// nominated returns the pods to which the node was promised and that the pod must yield to.
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

// repels says whether the node is in one of the domains, which members that were placed, or slots, keep a class from where
// InterPodAffinity would not look.
func repels[T any](from map[domain]T, node fwk.NodeInfo) bool {
	for d := range from {
		if value, ok := node.Node().Labels[d.key]; ok && value == d.value {
			return true
		}
	}
	return false
}

// repelledBy says whether a pod on the node repels the class from a domain there, and counts the domains.
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

// count makes the state of a class count a member that is placed.
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

// Reset takes all members off again.
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

// Avoids is the status of a node that recently rejected a pod of the gang.
func Avoids() *fwk.Status {
	return fwk.NewStatus(fwk.Unschedulable, "node(s) recently rejected a pod of the gang")
}

func indexOf(plugins []config.Plugin, name string) int {
	return slices.IndexFunc(plugins, func(p config.Plugin) bool { return p.Name == name })
}
