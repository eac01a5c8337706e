package view

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// This file makes plugins respect hypotheses. A Filter plugin is given the node with the hypothesis applied. What a plugin read from the
// whole snapshot in PreFilter is corrected by the plugin's own AddPod and RemovePod, as in preemption. As of k8s.io/kubernetes v1.36.3:
//
//	plugin               reads beyond the node                      under a hypothesis
//	InterPodAffinity     all pods, and the list of nodes whose pods AddPod and RemovePod are exact. They are not called if PreFilter
//	                     have anti-affinity                         skipped the plugin: keepOff checks the anti-affinity of slots
//	PodTopologySpread    all pods                                   exact, but PreFilter does not count terminating pods and
//	                                                                these methods do, so they are not called for such pods
//	VolumeRestrictions   which ReadWriteOncePod claims are used     they compare names across namespaces, and count each user of a
//	                                                                claim where PreFilter counts one: see frees and keepOff
//	CSILimits            VolumeAttachments                          volumes of a removed pod stay attached, so they count
//	DynamicResources     claims                                     devices of a removed pod stay allocated; a slot has none: see keepOff
//	VolumeBinding        claims and volumes                         the same
//	NodeResourcesFit, NodePorts, and others of one node             the node is as assumed
//	extenders            their own data                             they answer for the cluster as it is, because they cannot see
//	                                                                hypotheses; the scheduler calls them again for each member
//	Score plugins        all pods, images                           the snapshot's nodes are as assumed while they run: see exchange
//
// Where this is not exact, it errs towards "does not fit". If a removed pod repelled a class, InterPodAffinity stays active for the class.
// It then respects the anti-affinity of nominated pods too, which upstream misses when the plugin skips the pod.

// adjust corrects the state that PreFilter wrote for the class.
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

// frees reports whether the change frees claims that the class uses and no other pod does. VolumeRestrictions may then count one user less
// for each.
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

// inUse reports whether a pod on any node uses the claim.
func (v *view) inUse(claim string) bool {
	for _, node := range v.snapshot {
		if node.GetPVCRefCounts()[claim] > 0 {
			return true
		}
	}
	return false
}

// claimsOf returns, for each claim that the pod names, how many of its volumes use it.
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

// keepOff excludes nodes for the class where slots may use what it needs and its filters cannot see that.
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

// repelledFrom adds the domains from which a slot repels the class to found. classify did not compare members by the labels that the slot
// selects by, so if the slot repels one member, it repels the class.
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

// holdsDevices reports whether the pod requests devices that drivers allocate.
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

// holdsVolumes reports whether the pod requests volumes that are not bound yet.
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

// holdsClaim reports whether both pods use the same ReadWriteOncePod claim.
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
