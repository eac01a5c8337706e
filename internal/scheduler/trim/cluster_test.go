package trim

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"
)

const image = "registry.example.com/app:1"

// drawCluster draws a cluster with something for each of upstream's filters and scores to look at, and with all around it
// that they do not.
func drawCluster(r *rapid.T) *cluster {
	c := &cluster{}
	for i := range rapid.IntRange(2, 4).Draw(r, "nodes") {
		c.nodes = append(c.nodes, drawNode(r, fmt.Sprintf("n%d", i)))
	}
	for i := range rapid.IntRange(0, 8).Draw(r, "running") {
		p := drawPod(r, fmt.Sprintf("r%d", i))
		p.Spec.NodeName = rapid.SampledFrom(c.nodes).Draw(r, "node").Name
		p.Status = drawStatus(r, p)
		c.running = append(c.running, p)
	}
	for i := range rapid.IntRange(1, 3).Draw(r, "pending") {
		c.pending = append(c.pending, drawPod(r, fmt.Sprintf("p%d", i)))
	}
	return c
}

func drawNode(r *rapid.T, name string) *corev1.Node {
	n := st.MakeNode().Name(name).Label(corev1.LabelHostname, name).Label(corev1.LabelTopologyZone, draw(r, "a", "b")).
		Capacity(map[corev1.ResourceName]string{"cpu": draw(r, "1", "2"), "memory": "4Gi", "pods": draw(r, "3", "32")}).
		Annotation("csi.volume.kubernetes.io/nodeid", name).Obj()
	if draw(r, false, false, true) {
		n.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "x", Effect: draw(r, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule)}}
	}
	if draw(r, false, true) {
		n.Status.Images = []corev1.ContainerImage{{Names: []string{image}, SizeBytes: 900 << 20}}
	}
	if draw(r, false, true) {
		n.Status.DeclaredFeatures = []string{"UserNamespacesHostNetworkSupport"}
	}
	n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	s, all := &n.Status, whole(&corev1.Node{}).Status
	s.Addresses, s.DaemonEndpoints, s.NodeInfo, s.Config = all.Addresses, all.DaemonEndpoints, all.NodeInfo, all.Config
	s.VolumesInUse, s.VolumesAttached, s.RuntimeHandlers, s.Features = all.VolumesInUse, all.VolumesAttached, all.RuntimeHandlers, all.Features
	return n
}

func draw[T any](r *rapid.T, from ...T) T { return rapid.SampledFrom(from).Draw(r, "one of") }

func drawPod(r *rapid.T, name string) *corev1.Pod {
	app := draw(r, "a", "b")
	p := st.MakePod().Namespace("default").Name(name).UID(name).Label("app", app).SchedulerName("default-scheduler")
	others := &metav1.LabelSelector{MatchLabels: map[string]string{"app": draw(r, "a", "b")}}
	key := draw(r, corev1.LabelHostname, corev1.LabelTopologyZone)
	switch rapid.IntRange(0, 11).Draw(r, "speciality") {
	case 0:
		p.PodAntiAffinity(key, others, draw(r, st.PodAntiAffinityWithRequiredReq, st.PodAntiAffinityWithPreferredReq))
	case 1:
		p.PodAffinity(key, others, draw(r, st.PodAffinityWithRequiredReq, st.PodAffinityWithPreferredReq))
	case 2:
		p.SpreadConstraint(1, key, draw(r, corev1.DoNotSchedule, corev1.ScheduleAnyway), others, nil, nil, nil, nil)
	case 3:
		p.Toleration("dedicated")
	case 4:
		p.NodeSelector(map[string]string{corev1.LabelTopologyZone: draw(r, "a", "b")})
	case 5:
		p.Overhead(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("300m")})
	case 6:
		p.PodLevelResourceRequests(map[corev1.ResourceName]string{corev1.ResourceCPU: "1500m"})
	case 7:
		p.SchedulingGates([]string{"example.com/gate"})
	case 8:
		p.PodResourceClaims(corev1.PodResourceClaim{Name: "device", ResourceClaimName: new("missing")})
	case 9:
		p.Spec.HostNetwork, p.Spec.HostUsers = true, new(bool)
	}
	pod := p.Obj()
	pod.Spec.Containers = []corev1.Container{drawContainer(r, "main")}
	if draw(r, false, true) {
		pod.Spec.InitContainers = []corev1.Container{drawContainer(r, "init")}
		if draw(r, false, true) {
			pod.Spec.InitContainers[0].RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}
	}
	pod.Spec.Volumes = []corev1.Volume{drawVolume(r)}
	dress(pod)
	return pod
}

func drawContainer(r *rapid.T, name string) corev1.Container {
	c := corev1.Container{
		Name: name, Image: draw(r, image, "other"),
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(draw(r, "100m", "400m", "1")), corev1.ResourceMemory: resource.MustParse(draw(r, "64Mi", "1Gi")),
		}},
		Ports: []corev1.ContainerPort{{ContainerPort: 80}},
	}
	if draw(r, false, false, true) {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 8080, HostPort: draw(r, int32(8080), 9090)})
	}
	return c
}

// drawVolume draws a volume that two pods cannot share, that needs a claim, that is there already, or that needs nothing.
func drawVolume(r *rapid.T) corev1.Volume {
	return corev1.Volume{Name: "v", VolumeSource: draw(r, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
		corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "x"}},
		corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{IQN: "x"}},
		corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{CephMonitors: []string{"m"}, RBDImage: "x"}},
		corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "missing"}},
		corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}},
		corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}})}
}

// dress gives a pod what nobody looks at.
func dress(pod *corev1.Pod) {
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	pod.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "team": "x"}
	s, all := &pod.Spec, whole(&corev1.Pod{}).Spec
	s.EphemeralContainers, s.ImagePullSecrets, s.HostAliases = all.EphemeralContainers, all.ImagePullSecrets, all.HostAliases
	s.DNSConfig, s.ReadinessGates, s.SecurityContext = all.DNSConfig, all.ReadinessGates, all.SecurityContext
	for _, v := range all.Volumes {
		switch v.Name {
		case "HostPath", "EmptyDir", "Secret", "DownwardAPI", "ConfigMap", "Projected":
			s.Volumes = append(s.Volumes, v)
		}
	}
	for _, containers := range [][]corev1.Container{s.Containers, s.InitContainers} {
		for i := range containers {
			dressContainer(&containers[i], all.Containers[0])
		}
	}
}

func dressContainer(c *corev1.Container, all corev1.Container) {
	c.Command, c.Args, c.WorkingDir, c.Env, c.EnvFrom = all.Command, all.Args, all.WorkingDir, all.Env, all.EnvFrom
	c.VolumeMounts, c.VolumeDevices = all.VolumeMounts, all.VolumeDevices
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = all.LivenessProbe, all.ReadinessProbe, all.StartupProbe, all.Lifecycle
	c.TerminationMessagePath, c.TerminationMessagePolicy = all.TerminationMessagePath, all.TerminationMessagePolicy
	c.ImagePullPolicy, c.SecurityContext = all.ImagePullPolicy, all.SecurityContext
}

// drawStatus draws what a kubelet writes of a pod that runs, which may be being resized.
func drawStatus(r *rapid.T, pod *corev1.Pod) corev1.PodStatus {
	s, all := corev1.PodStatus{Phase: corev1.PodRunning}, whole(&corev1.Pod{}).Status
	s.HostIP, s.HostIPs, s.PodIP, s.PodIPs, s.QOSClass = all.HostIP, all.HostIPs, all.PodIP, all.PodIPs, all.QOSClass
	s.EphemeralContainerStatuses = all.EphemeralContainerStatuses
	for _, kind := range []corev1.PodConditionType{
		corev1.PodScheduled, corev1.PodReady, corev1.ContainersReady, corev1.PodInitialized, corev1.PodReadyToStartContainers,
	} {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue})
	}
	if resize := draw(r, "", corev1.PodReasonInfeasible, corev1.PodReasonDeferred); resize != "" {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: resize})
	}
	for _, c := range pod.Spec.Containers {
		status := all.ContainerStatuses[0]
		status.Name, status.Resources, status.AllocatedResources = c.Name, nil, nil
		if draw(r, false, true) {
			larger := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(draw(r, "50m", "900m"))}
			status.Resources, status.AllocatedResources = &corev1.ResourceRequirements{Requests: larger}, larger
		}
		s.ContainerStatuses = append(s.ContainerStatuses, status)
	}
	return s
}
