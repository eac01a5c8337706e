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

// manyClasses is how many classes with members that are not placed are examined one by one to explain a failure.
const manyClasses = 8

// shortage is why members of a class were not placed, counted over the nodes.
type shortage struct {
	reasons map[string]int
	// lacks counts, for each resource, the nodes that have too little of it.
	lacks map[string]int
	// counted are the resources of which a filter said that a node has too little, as opposed to those that it ignores.
	counted map[string]struct{}
	// empty is how many members of the class would fit in the cluster if it were empty.
	empty int
	// beyond says that a filter rejected a node for a reason that more free capacity does not fix.
	beyond bool
}

// explainNodes returns what the nodes lack for a placement that is too small. The members of that placement must still be placed in the
// view.
func (v *view) explainNodes(found placement.Plan, task gang.Task) gang.Finding {
	f := gang.Finding{Fit: found.Placed, Shortage: gang.Shortage{Missing: v.missing(found, task.Need)}}
	var worst *class
	var why shortage
	takes := v.classes[0].Request
	most, short := 0, 0
	for i, c := range v.classes {
		takes = takes.Least(c.Request) // the least of all: a small member may move to the new capacity and free its node for a large one
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
		if v.counted() {
			f.Shortage.Counted = slices.Sorted(maps.Keys(why.counted))
		}
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

// missingOf returns how many members of the class were not placed; if the plan is large enough, only required ones count.
func missingOf(c *class, placed int, fewerThanNeeded bool) int {
	if fewerThanNeeded {
		return len(c.pods) - placed
	}
	return max(0, c.must-placed)
}

// missing returns how many more members the plan needs: required members that were not placed, and any others up to need.
func (v *view) missing(found placement.Plan, need int) int {
	required := 0
	for i, c := range v.classes {
		required += max(0, c.must-len(found.Nodes[i]))
	}
	return max(required, need-found.Placed)
}

// shortage runs the filters on every node to find out why it does not take one more member of the class.
func (v *view) shortage(c *class) shortage {
	s := shortage{reasons: map[string]int{}, lacks: map[string]int{}, counted: map[string]struct{}{}}
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
		if status.IsSuccess() {
			continue // the topology of the nodes keeps members from using it
		}
		s.add(status)
		if status.Plugin() == names.NodeResourcesFit {
			for _, resource := range short(takes, node) {
				s.lacks[resource]++
				if c.scalar(resource) && slices.Contains(status.Reasons(), "Insufficient "+resource) {
					s.counted[resource] = struct{}{}
				}
			}
		}
	}
	return s
}

// scalar reports whether members request the resource, and it is not CPU, memory or storage.
func (c *class) scalar(resource string) bool {
	return slices.ContainsFunc(c.Scalars, func(s requests.Scalar) bool { return string(s.Name) == resource })
}

func (s *shortage) add(status *fwk.Status) {
	for _, reason := range status.Reasons() {
		s.reasons[reason]++
	}
	s.beyond = s.beyond || !mendedByNodes(status.Plugin())
}

// lack counts resources under the names that upstream's filter gives them.
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

// short returns the resources of which the node has too little for one more pod that requests these amounts.
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

// mendedByNodes reports whether only new or changed nodes, and deleted pods, can make the plugin accept the pod.
func mendedByNodes(plugin string) bool {
	switch plugin {
	case names.NodeResourcesFit, names.NodeName, names.NodeUnschedulable, names.TaintToleration, names.NodeAffinity,
		names.NodePorts:
		return true
	}
	return false
}

// admits reports whether the node's taints and labels admit the pod.
func admits(node *corev1.Node, pod *corev1.Pod, affinity nodeaffinity.RequiredNodeAffinity) bool {
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if node.Spec.Unschedulable && !corev1helpers.TolerationsTolerateTaint(klog.Background(), pod.Spec.Tolerations, &cordon, true) {
		return false
	}
	return tolerates(pod, node, func(*corev1.Taint) bool { return true }) && matches(affinity, node)
}

// willAdmit is like admits, but ignores that the node is cordoned, and the taints that Kubernetes itself sets on unhealthy nodes.
func willAdmit(node *corev1.Node, pod *corev1.Pod, affinity nodeaffinity.RequiredNodeAffinity) bool {
	lasts := func(t *corev1.Taint) bool { return !strings.HasPrefix(t.Key, "node.kubernetes.io/") }
	return tolerates(pod, node, lasts) && matches(affinity, node)
}

// tolerates reports whether the pod tolerates those of the node's taints for which counts returns true.
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

// shortfall returns the resource that the most nodes lack, or nil if none lacks any.
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

// mostByTotals returns how many of the smallest members would fit if all nodes were one node with their total resources. No placement of
// need members can place more.
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

// counted reports whether nodes count all resources that the members request. Device drivers may provide others.
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

// fitInto returns how many members, the smallest first, fit into the total of the resource.
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

// histogram lists how many nodes have each reason, the most frequent first: "3 of 5 nodes: Insufficient cpu; 2 of 5 nodes: ...".
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
