package trim

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// pod drops what no scheduler reads, and lets the pod share what it has in common with others. placed says that it was created with a node.
func (t *trimmer) pod(p *corev1.Pod, placed bool) {
	trimSpec(&p.Spec)
	if p.Spec.NodeName != "" {
		trimBound(p)
	}
	if !tied(p) {
		keepShare(p) // all others are read of gangs only, whichever scheduler their pods name
	} else if placed {
		metav1.SetMetaDataAnnotation(&p.ObjectMeta, ledger.PlacedAnnotation, "true")
	}
	t.shared.pod(p)
}

// keepShare drops all annotations but those that count on a pod without a gang.
func keepShare(p *corev1.Pod) {
	var kept map[string]string
	for _, key := range conventions.ShareAnnotations() {
		if value, said := p.Annotations[key]; said {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = value
		}
	}
	p.Annotations = kept
}

// tied says whether the pod says that it belongs to others: to a gang, or, while it is pending, by keys of other schedulers.
func tied(p *corev1.Pod) bool {
	said := conventions.Pod{Labels: p.Labels, Annotations: p.Annotations}
	spec, err := conventions.Parse(said)
	return spec != nil || err != nil || p.Spec.NodeName == "" && conventions.FindUnknown(said, spec) != nil
}

// trimSpec drops what only kubelets read. Everything that filters and scores look at stays: requests, host ports, claims
// and volumes that have to be attached, images of containers, and all that the pod says of nodes and of other pods.
func trimSpec(s *corev1.PodSpec) {
	s.Volumes = without(s.Volumes, inert)
	s.EphemeralContainers = nil
	s.ImagePullSecrets, s.HostAliases, s.DNSConfig, s.ReadinessGates, s.SecurityContext = nil, nil, nil, nil, nil
	for _, containers := range [][]corev1.Container{s.Containers, s.InitContainers} {
		for i := range containers {
			trimContainer(&containers[i])
		}
	}
}

// without returns those that are not to be dropped, in no more memory than they need.
func without[E any](all []E, drop func(E) bool) []E {
	kept := slices.DeleteFunc(all, drop)
	if len(kept) == 0 {
		return nil
	}
	return append(make([]E, 0, len(kept)), kept...)
}

// inert says whether a volume does not depend on the node: no claim, no disk, no image.
func inert(v corev1.Volume) bool {
	s := v.VolumeSource
	s.ConfigMap, s.Secret, s.Projected, s.DownwardAPI, s.EmptyDir, s.HostPath = nil, nil, nil, nil, nil, nil
	return s == corev1.VolumeSource{}
}

func trimContainer(c *corev1.Container) {
	c.Command, c.Args, c.WorkingDir, c.Env, c.EnvFrom = nil, nil, "", nil, nil
	c.VolumeMounts, c.VolumeDevices = nil, nil
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil
	c.TerminationMessagePath, c.TerminationMessagePolicy, c.ImagePullPolicy, c.SecurityContext = "", "", "", nil
	c.Ports = without(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort == 0 })
}

// trimBound drops what matters only as long as the pod has no node, and of its status what the kubelet reports. What it
// reports of requests stays: a pod that is being resized counts with the larger of what it has and what it wants.
func trimBound(p *corev1.Pod) {
	for _, containers := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for i := range containers {
			containers[i].Image = ""
		}
	}
	s := &p.Status
	s.HostIP, s.HostIPs, s.PodIP, s.PodIPs, s.QOSClass = "", nil, "", nil, ""
	s.Conditions = without(s.Conditions, reported)
	s.ContainerStatuses, s.InitContainerStatuses = trimStatuses(s.ContainerStatuses), trimStatuses(s.InitContainerStatuses)
	s.EphemeralContainerStatuses = nil
}

// reported says whether a condition is the kubelet's report on the containers, which schedulers do not look at.
func reported(c corev1.PodCondition) bool {
	switch c.Type { //nolint:exhaustive // the others, and those that are to come, stay
	case corev1.PodReady, corev1.ContainersReady, corev1.PodInitialized, corev1.PodReadyToStartContainers:
		return true
	}
	return false
}

// trimStatuses keeps the requests of containers, where the kubelet reports any.
func trimStatuses(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	var kept []corev1.ContainerStatus
	for i := range all {
		if s := &all[i]; s.Resources != nil || s.AllocatedResources != nil {
			kept = append(kept, corev1.ContainerStatus{Name: s.Name, Resources: s.Resources, AllocatedResources: s.AllocatedResources})
		}
	}
	return kept
}
