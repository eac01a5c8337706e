package view

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// This file scores preferences among members of one gang: the Score plugins rank the nodes again while members are placed (see
// placement.Cluster). In PreScore, PodTopologySpread and InterPodAffinity count the pods on all nodes of the shared snapshot, whatever
// nodes they are given. So while the plugins run, and only then, the snapshot's nodes have the members and the pods of slots, and do not
// have the pods that a hypothesis removes.
//
// For that, upstream's pod group cycle calls AssumePod and ForgetPod of the snapshot. The view already has copies of the nodes with the
// members on them, so it swaps the contents instead. The cost depends on the number of nodes, not of pods, and swapping back restores the
// exact state.

// among returns the Score plugins that take other members of the gang into account for the class.
func (v *view) among(c *class) []string {
	var plugins []string
	for _, plugin := range v.framework.ListPlugins().Score.Enabled {
		switch {
		case c.rejected != nil:
		case plugin.Name == names.PodTopologySpread && slices.ContainsFunc(v.classes, c.spreadsWith),
			plugin.Name == names.InterPodAffinity && slices.ContainsFunc(v.classes, func(other *class) bool {
				return v.seeks(c, other) || v.seeks(other, c)
			}):
			plugins = append(plugins, plugin.Name)
		}
	}
	return plugins
}

// costAmong estimates the cost of ranking the nodes for the class with members placed, in Score runs for one node; 0 if no plugin takes
// members into account. For one running pod, InterPodAffinity takes about as long as all plugins for one node, and PodTopologySpread a
// third of that.
func (v *view) costAmong(c *class) int {
	if len(c.among) == 0 {
		return 0
	}
	pods := 0
	for _, node := range v.snapshot {
		pods += len(node.GetPods())
	}
	if !slices.Contains(c.among, names.InterPodAffinity) {
		pods /= 3
	}
	return len(v.snapshot) + pods
}

// follows reports whether the class has a preference about members of another class.
func (v *view) follows(c *class) bool {
	return slices.ContainsFunc(v.classes, func(other *class) bool { return other != c && v.seeks(c, other) })
}

// spreadsWith reports whether a ScheduleAnyway constraint of the class counts members of the other class.
func (c *class) spreadsWith(other *class) bool {
	for _, constraint := range c.info.GetPod().Spec.TopologySpreadConstraints {
		selector, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector)
		if err == nil && constraint.WhenUnsatisfiable == corev1.ScheduleAnyway && selector.Matches(labels.Set(other.info.GetPod().Labels)) {
			return true
		}
	}
	return false
}

// seeks reports whether the class has preferred affinity or anti-affinity to members of the other class.
func (v *view) seeks(c, other *class) bool {
	matches := func(term fwk.WeightedAffinityTerm) bool { return term.Matches(other.info.GetPod(), v.namespace) }
	return slices.ContainsFunc(c.info.GetPreferredAffinityTerms(), matches) ||
		slices.ContainsFunc(c.info.GetPreferredAntiAffinityTerms(), matches)
}

// Tiers returns the tier of each node for the class, given the members placed so far. Lower is better.
func (v *view) Tiers(class int) []uint16 {
	c := v.classes[class]
	plugins := v.preferring(c.info.GetPod())
	for _, plugin := range c.among {
		if !slices.Contains(plugins, plugin) {
			plugins = append(plugins, plugin)
		}
	}
	return v.devicesLast(c, v.scored(c, plugins))
}

// exchange swaps the contents of the shared snapshot's nodes with those of the view's copies. A second call swaps them back.
func (v *view) exchange() {
	for i, node := range v.shared {
		if node == v.nodes[i] {
			continue
		}
		a, isNode := node.(*framework.NodeInfo)
		b, isCopy := v.nodes[i].(*framework.NodeInfo)
		if isNode && isCopy {
			*a, *b = *b, *a
		}
	}
}

// withIdleTerm returns a copy of the pod with a preference that matches no pod. For a pod without preferences, InterPodAffinity reads only
// the nodes that had pods with affinity when the snapshot was taken, so it would miss members, and pods of slots, that prefer the pod.
func withIdleTerm(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{}
	}
	if pod.Spec.Affinity.PodAffinity == nil {
		pod.Spec.Affinity.PodAffinity = &corev1.PodAffinity{}
	}
	pod.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.WeightedPodAffinityTerm{{
		Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname}, // a term without a selector matches nothing
	}}
	return pod
}
