package view

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/devicepacking"
	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// scarce is added to the tier of nodes with devices that a class does not request, so they come last.
const scarce = (placement.MaxTier + 1) / 2

// tiers returns the tier of each node for a class: nodes with the highest scores first, nodes with devices that the class does not request
// last. It returns nil if there is no preference.
func (v *view) tiers(c *class) []uint16 {
	if c.rejected != nil {
		return nil
	}
	return v.devicesLast(c, v.scored(c, v.preferring(c.info.GetPod())))
}

// devicesLast moves nodes with devices that the class does not request to the end.
func (v *view) devicesLast(c *class, tiers []uint16) []uint16 {
	for i, node := range v.snapshot {
		if !v.hasDevices(node) || c.asksForDevices(node) || c.stateful {
			continue
		}
		if tiers == nil {
			tiers = make([]uint16, len(v.snapshot))
		}
		tiers[i] += scarce
	}
	return tiers
}

// scored ranks the nodes for the class by these Score plugins of the profile.
func (v *view) scored(c *class, plugins []string) []uint16 {
	if len(plugins) == 0 {
		return nil
	}
	pod := c.info.GetPod()
	if (slices.Contains(c.among, names.InterPodAffinity) || v.slotsPrefer()) && !prefersPods(pod) {
		pod = withIdleTerm(pod)
	}
	defer v.exchange()
	v.exchange()
	state := c.base.Clone()
	if status := v.framework.RunPreScorePlugins(v.ctx, state, pod, v.shared); !status.IsSuccess() {
		v.checked(status)
		return nil
	}
	skip := state.GetSkipScorePlugins().Clone()
	for _, plugin := range v.framework.ListPlugins().Score.Enabled {
		if !slices.Contains(plugins, plugin.Name) {
			skip.Insert(plugin.Name)
		}
	}
	state.SetSkipScorePlugins(skip)
	scores, status := v.framework.RunScorePlugins(v.ctx, state, pod, v.shared)
	if !status.IsSuccess() {
		v.checked(status)
		return nil
	}
	return ranked(scores)
}

// ranked converts scores to tiers: nodes with the highest score have tier 0.
func ranked(scores []fwk.NodePluginScores) []uint16 {
	if len(scores) == 0 {
		return nil
	}
	byScore := func(a, b fwk.NodePluginScores) int { return int(a.TotalScore - b.TotalScore) }
	highest, lowest := slices.MaxFunc(scores, byScore).TotalScore, slices.MinFunc(scores, byScore).TotalScore
	if highest == lowest {
		return nil
	}
	tiers := make([]uint16, len(scores))
	for i, s := range scores {
		tier := highest - s.TotalScore
		if most := highest - lowest; most >= scarce {
			tier = tier * (scarce - 1) / most
		}
		tiers[i] = uint16(tier) //nolint:gosec // it is less than scarce
	}
	return tiers
}

// preferring returns the Score plugins that may prefer some nodes for the pod, because the pod, a node or a running pod has a preference.
// It leaves out plugins that score only the free capacity, because packing and spreading decide that, and devices, which
// devicesLast looks after.
func (v *view) preferring(pod *corev1.Pod) []string {
	var plugins []string
	for _, plugin := range v.framework.ListPlugins().Score.Enabled {
		if v.prefers(plugin.Name, pod) {
			plugins = append(plugins, plugin.Name)
		}
	}
	return plugins
}

func (v *view) prefers(plugin string, pod *corev1.Pod) bool {
	switch plugin {
	case names.NodeResourcesFit, names.NodeResourcesBalancedAllocation, names.VolumeBinding, names.DynamicResources,
		devicepacking.Name:
		return false
	case names.NodeAffinity:
		a := pod.Spec.Affinity
		return a != nil && a.NodeAffinity != nil && len(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0
	case names.PodTopologySpread:
		return slices.ContainsFunc(pod.Spec.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool {
			return c.WhenUnsatisfiable == corev1.ScheduleAnyway
		})
	case names.InterPodAffinity:
		with, err := v.framework.SnapshotSharedLister().NodeInfos().HavePodsWithAffinityList()
		return err == nil && len(with) > 0 || prefersPods(pod) || v.slotsPrefer()
	case names.TaintToleration:
		return slices.ContainsFunc(v.snapshot, func(node fwk.NodeInfo) bool {
			return slices.ContainsFunc(node.Node().Spec.Taints, isSoft)
		})
	case names.ImageLocality:
		return v.someHaveImages(pod)
	}
	return true // a plugin that the user configured has a preference
}

func isSoft(taint corev1.Taint) bool { return taint.Effect == corev1.TaintEffectPreferNoSchedule }

// someHaveImages reports whether any node has an image of the pod.
func (v *view) someHaveImages(pod *corev1.Pod) bool {
	var images []string
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			image := containers[i].Image
			if strings.LastIndex(image, ":") <= strings.LastIndex(image, "/") {
				image += ":latest" // nodes list images with their tags
			}
			images = append(images, image)
		}
	}
	return slices.ContainsFunc(v.snapshot, func(node fwk.NodeInfo) bool {
		there := node.GetImageStates()
		return slices.ContainsFunc(images, func(image string) bool { return there[image] != nil })
	})
}

// slotsPrefer reports whether a slot is for a pod with affinity or anti-affinity.
func (v *view) slotsPrefer() bool {
	return slices.ContainsFunc(v.changes, func(c change) bool { return !c.removed && c.info.GetPod().Spec.Affinity != nil })
}

func prefersPods(pod *corev1.Pod) bool {
	a := pod.Spec.Affinity
	return a != nil && (a.PodAffinity != nil && len(a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0 ||
		a.PodAntiAffinity != nil && len(a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0)
}

// hasDevices reports whether the node has extended resources or devices in ResourceSlices.
func (v *view) hasDevices(node fwk.NodeInfo) bool {
	for name, quantity := range node.GetAllocatable().GetScalarResources() {
		if quantity > 0 && v1helper.IsExtendedResourceName(name) {
			return true
		}
	}
	return v.published()[node.Node().Name]
}

// asksForDevices reports whether the class requests an extended resource that the node has.
func (c *class) asksForDevices(node fwk.NodeInfo) bool {
	return slices.ContainsFunc(c.Scalars, func(s requests.Scalar) bool { return node.GetAllocatable().GetScalarResources()[s.Name] > 0 })
}

// published returns the nodes that have devices in ResourceSlices.
func (v *view) published() map[string]bool {
	if v.withDevices != nil {
		return v.withDevices
	}
	v.withDevices = map[string]bool{}
	manager := v.framework.SharedDRAManager()
	if manager == nil {
		return v.withDevices
	}
	published, err := manager.ResourceSlices().ListWithDeviceTaintRules()
	if err != nil {
		return v.withDevices // ignore the error: this is only a preference
	}
	for _, slice := range published {
		if name := slice.Spec.NodeName; name != nil && len(slice.Spec.Devices) > 0 {
			v.withDevices[*name] = true
		}
	}
	return v.withDevices
}
