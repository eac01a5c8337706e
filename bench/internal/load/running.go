package load

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

// Running are pods that run before a scheduler starts. They look like pods of common Deployments: with environment variables, volumes,
// probes, and the status that a kubelet writes.
type Running struct {
	// Prefix is the prefix of each pod's name.
	Prefix         string
	Nodes, PerNode int
}

// Create creates the pods.
func (r *Running) Create(ctx context.Context, client kubernetes.Interface) error {
	pods := client.CoreV1().Pods(Namespace)
	return parallel(ctx, r.Nodes*r.PerNode, func(ctx context.Context, i int) error {
		pod, err := pods.Create(ctx, r.pod(i), metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("creating a pod that runs: %w", err)
		}
		pod.Status = runs(pod, i)
		if _, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("letting pod %s run: %w", pod.Name, err)
		}
		return nil
	})
}

func (r *Running) pod(i int) *corev1.Pod {
	app := "app-" + strconv.Itoa(i%100) // 100 Deployments
	env := []corev1.EnvVar{{
		Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}},
	}}
	for n := range 12 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", n), Value: fmt.Sprintf("http://%s.example.com:8080/%d", app, n)})
	}
	get := &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: get}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%06d", r.Prefix, i),
			Labels: map[string]string{
				"app.kubernetes.io/name": app, "app.kubernetes.io/version": "1.2.3", "pod-template-hash": strconv.Itoa(i % 100),
			},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: app, UID: "00000000-0000-0000-0000-000000000000", Controller: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			NodeName:                     nodeName(i % r.Nodes),
			AutomountServiceAccountToken: new(false),
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: app},
				}}},
				{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.example.com/team/" + app + ":1.2.3", Env: env,
				Command: []string{"/bin/server"}, Args: []string{"--port=8080", "--config=/etc/app/config.yaml"},
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{
						corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
					},
					Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
				},
				VolumeMounts:   []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app"}, {Name: "scratch", MountPath: "/tmp"}},
				ReadinessProbe: probe, LivenessProbe: probe,
			}},
		},
	}
}

// runs returns the status that a kubelet writes.
func runs(pod *corev1.Pod, i int) corev1.PodStatus {
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, QOSClass: pod.Status.QOSClass, StartTime: &now, HostIP: "10.0.0.1",
		HostIPs: []corev1.HostIP{{IP: "10.0.0.1"}}, PodIP: fmt.Sprintf("10.1.%d.%d", i/250%250, i%250),
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", Ready: true, Started: new(true), Image: pod.Spec.Containers[0].Image,
			ImageID:     "registry.example.com/team/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
			ContainerID: fmt.Sprintf("containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789%06d", i),
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}},
	}
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	} {
		status.Conditions = append(status.Conditions,
			corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	return status
}
