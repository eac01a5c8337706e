package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// manyClasses is how many classes without a place are looked at one by one to explain a failure.
const manyClasses = 8

// shortage is why members of a class have no place, node by node.
type shortage struct {
	reasons map[string]int
	// lacks counts the nodes that have too little of a resource.
	lacks map[string]int
	// empty is how many members of the class the cluster could hold if it were empty.
	empty int
	// beyond says that a filter refused for reasons that more room on nodes does not mend.
	beyond bool
}

// explain says why the plan that was found is too small. The view holds that plan.
func (v *view) explain(found placement.Plan, task gang.Task) gang.Finding {
	f := gang.Finding{Fit: found.Placed, Shortage: gang.Shortage{Missing: v.missing(found, task.Need)}}
	var worst *class
	var why shortage
	takes := v.classes[0].Request
	most, short := 0, 0
	for i, c := range v.classes {
		takes = takes.Least(c.Request) // of all: a small one may move to new room, and a large one take its place
		missing := missingOf(c, len(found.Nodes[i]), found.Placed < task.Need)
		if missing == 0 || short == manyClasses {
			most += len(c.pods)
			f.Shortage.Anything = f.Shortage.Anything || missing > 0
			continue
		}
		short++
		s := v.shortage(c)
		most += min(s.empty, len(c.pods))
		f.Shortage.Anything = f.Shortage.Anything || s.beyond || !c.local
		if worst == nil || missing > len(worst.pods)-len(found.Nodes[slices.Index(v.classes, worst)]) {
			worst, why = c, s
		}
	}
	if worst == nil {
		return f
	}
	f.Shortage.Takes = takes.Amounts()
	if len(v.classes) == 1 {
		like := worst.info.GetPod()
		f.Shortage.Like = &gang.Ref{Namespace: like.Namespace, Name: like.Name, UID: string(like.UID)}
	}
	f.Detail = histogram(why.reasons, v.inPlay())
	f.Short = v.shortfall(worst, why, f.Shortage.Missing)
	if len(v.classes) > 1 { // another plan may have placed more
		f.Shortage.Missing = max(1, task.Need-v.mostByTotals(task.Need, requests.Free))
	}
	if v.bounded && v.counted() {
		f.Most = min(most, v.mostByTotals(task.Need, requests.Allocatable))
		f.TooLarge = f.Most < task.Need
	}
	return f
}

// missingOf is how many members of the class have no place; if the plan is large enough, of those that the gang cannot do without.
func missingOf(c *class, placed int, fewerThanNeeded bool) int {
	if fewerThanNeeded {
		return len(c.pods) - placed
	}
	return max(0, c.must-placed)
}

// missing is how many more members the plan would need: those that the gang cannot do without, and any up to its minimum.
func (v *view) missing(found placement.Plan, need int) int {
	required := 0
	for i, c := range v.classes {
		required += max(0, c.must-len(found.Nodes[i]))
	}
	return max(required, need-found.Placed)
}

// shortage asks every node why it does not take one more member of the class.
func (v *view) shortage(c *class) shortage {
	s := shortage{reasons: map[string]int{}, lacks: map[string]int{}}
	takes := c.Amounts()
	affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
	for i, node := range v.nodes {
		if v.outside(i) {
			continue
		}
		if willAdmit(node.Node(), c.info.GetPod(), affinity) {
			s.empty += requests.Capacity(takes, node)
		}
		if !admits(node.Node(), c.info.GetPod(), affinity) || c.rejected != nil {
			s.add(v.status(c, node))
			continue
		}
		if v.bounded && c.Room(node) == 0 {
			s.lack(short(takes, node))
			continue
		}
		status := v.status(c, node)
		s.add(status)
		if status.Plugin() == names.NodeResourcesFit {
			for _, resource := range short(takes, node) {
				s.lacks[resource]++
			}
		}
	}
	return s
}

func (s *shortage) add(status *fwk.Status) {
	for _, reason := range status.Reasons() {
		s.reasons[reason]++
	}
	s.beyond = s.beyond || !mendedByNodes(status.Plugin())
}

// lack counts resources as upstream's filter names them.
func (s *shortage) lack(resources []string) {
	for _, name := range resources {
		s.lacks[name]++
		if name == string(corev1.ResourcePods) {
			s.reasons["Too many pods"]++
		} else {
			s.reasons["Insufficient "+name]++
		}
	}
}

// short returns the resources that are too little on the node for one more pod that takes these amounts.
func short(takes []gang.Amount, node fwk.NodeInfo) []string {
	var all []string
	if pods := string(corev1.ResourcePods); requests.Free(node, pods) < 1 {
		all = append(all, pods)
	}
	for _, a := range takes {
		if a.Quantity > requests.Free(node, a.Resource) {
			all = append(all, a.Resource)
		}
	}
	return all
}

// mendedByNodes says whether nodes that come or change, and pods that go from them, are all that can change the plugin's
// mind.
func mendedByNodes(plugin string) bool {
	switch plugin {
	case names.NodeResourcesFit, names.NodeName, names.NodeUnschedulable, names.TaintToleration, names.NodeAffinity,
		names.NodePorts:
		return true
	}
	return false
}

// admits says whether the node would take the pod by its taints and labels.
func admits(node *corev1.Node, pod *corev1.Pod, affinity nodeaffinity.RequiredNodeAffinity) bool {
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if node.Spec.Unschedulable && !corev1helpers.TolerationsTolerateTaint(klog.Background(), pod.Spec.Tolerations, &cordon, true) {
		return false
	}
	return tolerates(pod, node, func(*corev1.Taint) bool { return true }) && matches(affinity, node)
}

// willAdmit is admits for when the node is well: it disregards that it is cordoned now, and what Kubernetes itself taints it for.
func willAdmit(node *corev1.Node, pod *corev1.Pod, affinity nodeaffinity.RequiredNodeAffinity) bool {
	lasts := func(t *corev1.Taint) bool { return !strings.HasPrefix(t.Key, "node.kubernetes.io/") }
	return tolerates(pod, node, lasts) && matches(affinity, node)
}

// tolerates says whether the pod tolerates the node's taints that count.
func tolerates(pod *corev1.Pod, node *corev1.Node, counts func(*corev1.Taint) bool) bool {
	_, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations,
		func(t *corev1.Taint) bool {
			return (t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute) && counts(t)
		}, true)
	return !untolerated
}

func matches(affinity nodeaffinity.RequiredNodeAffinity, node *corev1.Node) bool {
	ok, err := affinity.Match(node)
	return err == nil && ok
}

// shortfall names the resource that the most nodes lack, if any does.
func (v *view) shortfall(c *class, why shortage, missing int) *gang.Shortfall {
	name, nodes := "", 0
	for resource, n := range why.lacks {
		if n > nodes || n == nodes && resource < name {
			name, nodes = resource, n
		}
	}
	if name == "" {
		return nil
	}
	each, largest := int64(1), int64(0)
	for _, a := range c.Amounts() {
		if a.Resource == name {
			each = a.Quantity
		}
	}
	affinity := nodeaffinity.GetRequiredNodeAffinity(c.info.GetPod())
	for i, node := range v.nodes {
		if left := requests.Free(node, name); left > largest && !v.outside(i) && admits(node.Node(), c.info.GetPod(), affinity) {
			largest = left
		}
	}
	return &gang.Shortfall{
		Members: missing, Resource: name, Each: requests.Quantity(name, each), Largest: requests.Quantity(name, largest),
	}
}

// mostByTotals is how many of the smallest members all nodes together could hold if what they have of each resource were on
// one: no way of placing need of them can do with less.
func (v *view) mostByTotals(need int, has func(node fwk.NodeInfo, resource string) int64) int {
	most := need
	resources := map[string]struct{}{}
	for _, c := range v.classes {
		for _, a := range c.Amounts() {
			resources[a.Resource] = struct{}{}
		}
	}
	for name := range resources {
		total := int64(0)
		for i, node := range v.snapshot {
			if !v.outside(i) {
				total += max(0, has(node, name))
			}
		}
		most = min(most, v.fitInto(total, name))
	}
	return most
}

// counted says whether all resources that members ask for are those that nodes count: some may come from device drivers.
func (v *view) counted() bool {
	drivers := v.framework.SharedDRAManager()
	if drivers == nil {
		return true // the feature is off
	}
	for _, c := range v.classes {
		for _, s := range c.Scalars {
			if drivers.DeviceClassResolver().GetDeviceClass(s.Name) != nil {
				return false
			}
		}
	}
	return true
}

// fitInto is how many members, the smallest first, a total of a resource is enough for.
func (v *view) fitInto(total int64, name string) int {
	type takers struct {
		each  int64
		count int
	}
	all := make([]takers, len(v.classes))
	for i, c := range v.classes {
		all[i].count = len(c.pods)
		for _, a := range c.Amounts() {
			if a.Resource == name {
				all[i].each = a.Quantity
			}
		}
	}
	slices.SortFunc(all, func(a, b takers) int { return cmp.Compare(a.each, b.each) })
	fit := 0
	for _, t := range all {
		n := t.count
		if t.each > 0 {
			n = int(min(int64(n), total/t.each))
		}
		fit += n
		total -= int64(n) * t.each
		if n < t.count {
			break
		}
	}
	return fit
}

// histogram says how many nodes have which reason: "3 of 5 nodes: Insufficient cpu; 2 of 5 nodes: ...", the most frequent
// first.
func histogram(reasons map[string]int, nodes int) string {
	keys := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	texts := make([]string, len(keys))
	for i, reason := range keys {
		texts[i] = fmt.Sprintf("%d of %d nodes: %s", reasons[reason], nodes, reason)
	}
	return strings.Join(texts, "; ")
}
