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

// What the members of a gang prefer about each other: the Score plugins rank the nodes again while members are placed (see
// placement.Cluster). PodTopologySpread and InterPodAffinity count the pods on all nodes of the shared snapshot in PreScore, whatever
// nodes they are given. So the members have to be on those, and they are only while the plugins run.
//
// Upstream's pod group cycle calls AssumePod and ForgetPod of the snapshot for that. Here the view has copies of the nodes with the
// members on them already, so the contents are exchanged: that costs a node and not a pod, and puts back exactly what was there.

// among are the Score plugins that look at the gang's members for the class.
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

// costAmong is what it costs to rank the nodes for the class beside members: 0 if nothing looks at them. InterPodAffinity takes about as
// long for a pod that runs as all plugins for a node, PodTopologySpread a third of that.
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

// follows says whether the class prefers something about members of another class.
func (v *view) follows(c *class) bool {
	return slices.ContainsFunc(v.classes, func(other *class) bool { return other != c && v.seeks(c, other) })
}

// spreadsWith says whether a soft topology spread of the class counts members of the other.
func (c *class) spreadsWith(other *class) bool {
	for _, constraint := range c.info.GetPod().Spec.TopologySpreadConstraints {
		selector, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector)
		if err == nil && constraint.WhenUnsatisfiable == corev1.ScheduleAnyway && selector.Matches(labels.Set(other.info.GetPod().Labels)) {
			return true
		}
	}
	return false
}

// seeks says whether members of the class prefer to be near members of the other, or apart from them.
func (v *view) seeks(c, other *class) bool {
	matches := func(term fwk.WeightedAffinityTerm) bool { return term.Matches(other.info.GetPod(), v.namespace) }
	return slices.ContainsFunc(c.info.GetPreferredAffinityTerms(), matches) ||
		slices.ContainsFunc(c.info.GetPreferredAntiAffinityTerms(), matches)
}

// Tiers are the nodes' tiers for the class beside the members that are placed.
func (v *view) Tiers(class int) []uint16 {
	c := v.classes[class]
	pod := c.info.GetPod()
	plugins := v.preferring(pod)
	for _, plugin := range c.among {
		if !slices.Contains(plugins, plugin) {
			plugins = append(plugins, plugin)
		}
	}
	if slices.Contains(c.among, names.InterPodAffinity) && !prefersPods(pod) {
		pod = withIdleTerm(pod)
	}
	defer v.exchange()
	v.exchange()
	return v.devicesLast(c, v.scored(c, pod, plugins))
}

// exchange exchanges the contents of the snapshot's nodes and of the copies with members. Done twice it changes nothing.
func (v *view) exchange() {
	for _, node := range v.changed {
		a, isNode := v.snapshot[node].(*framework.NodeInfo)
		b, isCopy := v.nodes[node].(*framework.NodeInfo)
		if isNode && isCopy {
			*a, *b = *b, *a
		}
	}
}

// withIdleTerm is the pod with a preference that no pod matches. For a pod without preferences InterPodAffinity looks only at the nodes
// that had pods with affinity when the snapshot was taken, so it would overlook members that prefer the pod.
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
