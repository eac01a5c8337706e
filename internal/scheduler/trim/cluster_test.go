package trim

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
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
	n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}}
	n.Status.NodeInfo = corev1.NodeSystemInfo{KernelVersion: "6.1", KubeletVersion: "v1.36.3"}
	n.Status.VolumesInUse = []corev1.UniqueVolumeName{"kubernetes.io/csi/v"}
	return n
}

func draw[T any](r *rapid.T, from ...T) T { return rapid.SampledFrom(from).Draw(r, "one of") }

func drawPod(r *rapid.T, name string) *corev1.Pod {
	app := draw(r, "a", "b")
	p := st.MakePod().Namespace("default").Name(name).UID(name).Label("app", app).SchedulerName("default-scheduler")
	others := &metav1.LabelSelector{MatchLabels: map[string]string{"app": draw(r, "a", "b")}}
	key := draw(r, corev1.LabelHostname, corev1.LabelTopologyZone)
	switch rapid.IntRange(0, 7).Draw(r, "speciality") {
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
	}
	pod := p.Obj()
	pod.Spec.Containers = []corev1.Container{drawContainer(r, "main")}
	if draw(r, false, true) {
		pod.Spec.InitContainers = []corev1.Container{drawContainer(r, "init")}
		if draw(r, false, true) {
			pod.Spec.InitContainers[0].RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}
	}
	pod.Spec.Volumes = drawVolumes(r)
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

// drawVolumes draws volumes that two pods cannot share, that need a claim, and that need nothing.
func drawVolumes(r *rapid.T) []corev1.Volume {
	disk := corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: draw(r, "x", "y")}}
	claim := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "missing"}}
	config := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}
	return draw(r, nil, []corev1.Volume{{Name: "c", VolumeSource: config}},
		[]corev1.Volume{{Name: "c", VolumeSource: config}, {Name: "d", VolumeSource: disk}},
		[]corev1.Volume{{Name: "c", VolumeSource: config}, {Name: "p", VolumeSource: claim}})
}

// dress gives a pod what nobody looks at.
func dress(pod *corev1.Pod) {
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	pod.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "team": "x"}
	pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "pull"}}
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64)}
	pod.Spec.HostAliases = []corev1.HostAlias{{IP: "10.0.0.9"}}
	pod.Spec.DNSConfig = &corev1.PodDNSConfig{Searches: []string{"example.com"}}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			c := &containers[i]
			c.Command, c.Args, c.WorkingDir = []string{"run"}, []string{"--fast"}, "/"
			c.Env = []corev1.EnvVar{{Name: "A", Value: "B"}}
			c.VolumeMounts = []corev1.VolumeMount{{Name: "c", MountPath: "/c"}}
			c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = probe, probe, probe
			c.SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
		}
	}
}

// drawStatus draws what a kubelet writes of a pod that runs, which may be being resized.
func drawStatus(r *rapid.T, pod *corev1.Pod) corev1.PodStatus {
	s := corev1.PodStatus{
		Phase: corev1.PodRunning, HostIP: "10.0.0.1", PodIP: "10.1.0.1", PodIPs: []corev1.PodIP{{IP: "10.1.0.1"}}, QOSClass: corev1.PodQOSBurstable,
		Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	if resize := draw(r, "", corev1.PodReasonInfeasible, corev1.PodReasonDeferred); resize != "" {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: resize})
	}
	for _, c := range pod.Spec.Containers {
		status := corev1.ContainerStatus{Name: c.Name, Ready: true, Image: c.Image, ContainerID: "containerd://0"}
		if draw(r, false, true) {
			larger := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(draw(r, "50m", "900m"))}
			status.Resources, status.AllocatedResources = &corev1.ResourceRequirements{Requests: larger}, larger
		}
		s.ContainerStatuses = append(s.ContainerStatuses, status)
	}
	return s
}
