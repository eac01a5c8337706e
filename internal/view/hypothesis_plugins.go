package view

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// What plugins see of a hypothesis. A Filter plugin is given the node as it is under the hypothesis. What PreFilter read of the whole
// snapshot is corrected by the plugin's own AddPod and RemovePod, which preemption uses, too. Read in k8s.io/kubernetes v1.36.3:
//
//	plugin               reads beyond the node                      under a hypothesis
//	InterPodAffinity     all pods, and the list of nodes whose      AddPod and RemovePod are exact. They are not called if PreFilter
//	                     pods repel others                          skipped the plugin: keepOff looks at the anti-affinity of slots
//	PodTopologySpread    all pods                                   exact, but PreFilter does not count pods that are being deleted,
//	                                                                and the two do: they are not called for these
//	VolumeRestrictions   which ReadWriteOncePod claims are used     the two compare names across namespaces, and count each user of
//	                                                                a claim where PreFilter counts one: see frees and keepOff
//	CSILimits            VolumeAttachments                          volumes of a removed pod stay attached, so they count
//	DynamicResources     claims                                     devices of a removed pod stay allocated; a slot has none: see keepOff
//	VolumeBinding        claims and volumes                         the same
//	NodeResourcesFit, NodePorts, and others of one node             the node is as it would be
//	extenders            what they know of the cluster              their answer for the cluster as it is, and the scheduler asks again
//	                                                                for each member; they cannot be shown a hypothesis
//	Score plugins        all pods, images                           may rank the nodes as they are: that is a preference, not a fit
//
// Where that is not exact it errs to "does not fit". A removed pod that repelled a class keeps InterPodAffinity in play for the class,
// so it also respects the anti-affinity of nominated pods, which upstream overlooks if it skips the plugin.

// adjust corrects the state that PreFilter left for the class.
func (v *view) adjust(c *class, changes []change) {
	skipped := c.base.GetSkipFilterPlugins()
	found := levelsOf(c.base)
	for _, change := range changes {
		skip, pod := skipped, change.info.GetPod()
		if pod.DeletionTimestamp != nil {
			skip = skip.Union(sets.New(names.PodTopologySpread))
		}
		if !skipped.Has(names.VolumeRestrictions) && !v.frees(c, change) {
			skip = skip.Union(sets.New(names.VolumeRestrictions))
		}
		c.base.SetSkipFilterPlugins(skip)
		if change.removed {
			v.checked(v.framework.RunPreFilterExtensionRemovePod(v.ctx, c.base, c.info.GetPod(), change.info, v.snapshot[change.node]))
			continue
		}
		floors := make([][2]int, len(found))
		for i := range found {
			floors[i] = found[i].floor()
		}
		v.checked(v.framework.RunPreFilterExtensionAddPod(v.ctx, c.base, c.info.GetPod(), change.info, v.snapshot[change.node]))
		for i := range found {
			found[i].settle(floors[i])
		}
	}
	c.base.SetSkipFilterPlugins(skipped)
}

// frees says whether the change frees claims that the class asks for, and nobody else uses these: VolumeRestrictions then may count one
// user less of each.
func (v *view) frees(c *class, change change) bool {
	pod := c.info.GetPod()
	if !change.removed || change.info.GetPod().Namespace != pod.Namespace {
		return false
	}
	shared := false
	for claim := range claimsOf(pod) {
		if claimsOf(change.info.GetPod())[claim] == 0 {
			continue
		}
		shared = true
		users := 0
		for _, other := range v.changes {
			if other.info.GetPod().Namespace == pod.Namespace {
				users += claimsOf(other.info.GetPod())[claim]
			}
		}
		if users != 1 || v.inUse(pod.Namespace+"/"+claim) {
			return false
		}
	}
	return shared
}

// inUse says whether a pod on any node uses the claim.
func (v *view) inUse(claim string) bool {
	for _, node := range v.snapshot {
		if node.GetPVCRefCounts()[claim] > 0 {
			return true
		}
	}
	return false
}

// claimsOf counts the volumes of the pod by the claim that they name.
func claimsOf(pod *corev1.Pod) map[string]int {
	var claims map[string]int
	for i := range pod.Spec.Volumes {
		if claim := pod.Spec.Volumes[i].PersistentVolumeClaim; claim != nil {
			if claims == nil {
				claims = map[string]int{}
			}
			claims[claim.ClaimName]++
		}
	}
	return claims
}

// keepOff keeps the class off where slots may leave nothing for it and its filters do not see that.
func (v *view) keepOff(c *class, changes []change) {
	held := sets.New[domain]()
	for _, change := range changes {
		if change.removed {
			continue
		}
		pod := change.info.GetPod()
		switch {
		case v.holdsDevices(pod) && v.asks(c, names.DynamicResources):
			c.kept = fwk.NewStatus(fwk.Unschedulable, "devices are held for other pods").WithPlugin(names.DynamicResources)
		case v.holdsVolumes(pod) && v.asks(c, names.VolumeBinding):
			c.kept = fwk.NewStatus(fwk.Unschedulable, "volumes are held for other pods").WithPlugin(names.VolumeBinding)
		case v.holdsClaim(pod, c.info.GetPod()):
			c.kept = fwk.NewStatus(fwk.Unschedulable, "a claim that one pod at a time can use is held for another pod").
				WithPlugin(names.VolumeRestrictions)
		}
		v.repelledFrom(c, change, held)
	}
	if len(held) > 0 {
		c.held = c.held.Union(held)
	}
}

// repelledFrom finds the domains from which a slot repels the class. The members of a class were not compared by the labels that a slot
// looks at, so one that is repelled stands for all.
func (v *view) repelledFrom(c *class, slot change, found sets.Set[domain]) {
	if indexOf(v.framework.ListPlugins().PreFilter.Enabled, names.InterPodAffinity) < 0 {
		return
	}
	for _, term := range slot.info.GetRequiredAntiAffinityTerms() {
		value, ok := v.snapshot[slot.node].Node().Labels[term.TopologyKey]
		if !ok {
			continue
		}
		for _, pod := range c.pods {
			if term.Matches(pod, v.namespace) {
				found.Insert(domain{term.TopologyKey, value})
				break
			}
		}
	}
}

// holdsDevices says whether the pod asks for devices that drivers allocate.
func (v *view) holdsDevices(pod *corev1.Pod) bool {
	if len(pod.Spec.ResourceClaims) > 0 {
		return true
	}
	manager := v.framework.SharedDRAManager()
	if manager == nil {
		return false
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			for name := range containers[i].Resources.Requests {
				if v1helper.IsExtendedResourceName(name) && manager.DeviceClassResolver().GetDeviceClass(name) != nil {
					return true
				}
			}
		}
	}
	return false
}

// holdsVolumes says whether the pod asks for volumes that it does not have yet.
func (v *view) holdsVolumes(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.Ephemeral != nil {
			return true
		}
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := v.claim(pod.Namespace, volume.PersistentVolumeClaim.ClaimName)
		if err != nil || claim.Spec.VolumeName == "" {
			return true
		}
	}
	return false
}

// holdsClaim says whether both pods ask for one claim that only one pod at a time can use.
func (v *view) holdsClaim(pod, other *corev1.Pod) bool {
	if pod.Namespace != other.Namespace {
		return false
	}
	wanted := claimsOf(other)
	for name := range claimsOf(pod) {
		if wanted[name] == 0 {
			continue
		}
		claim, err := v.claim(pod.Namespace, name)
		if err != nil || v1helper.ContainsAccessMode(claim.Spec.AccessModes, corev1.ReadWriteOncePod) {
			return true
		}
	}
	return false
}

func (v *view) claim(namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	return v.framework.SharedInformerFactory().Core().V1().PersistentVolumeClaims().Lister().PersistentVolumeClaims(namespace).Get(name)
}
