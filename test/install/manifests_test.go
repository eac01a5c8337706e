package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// manifests are applied in this order: the second one also scales the first from one replica to three.
var manifests = []string{
	"../../config/gang-scheduler-deployment.yaml",
	"../../config/gang-scheduler-ha.yaml",
	"../../config/batch-scheduler.yaml",
}

// TestManifestsApplyAndMakePods: they apply without warnings, and their pods need only a node and an image. The service account, the
// priority class and, in batch-scheduler, the namespace's pod security admit them.
func TestManifestsApplyAndMakePods(t *testing.T) {
	for _, file := range manifests {
		all := readObjects(t, file)
		if warned := apply(t, all); len(warned) > 0 {
			t.Errorf("%s: the API server warns: %q", file, warned)
		}
		for _, object := range all {
			if object.GetKind() != "Deployment" {
				continue
			}
			deployment := decode[appsv1.Deployment](t, object)
			process.Within(t, patience, "the pods of "+file, func() (bool, string) { return podsOf(t, deployment) })
		}
	}
}

func podsOf(t *testing.T, d *appsv1.Deployment) (bool, string) {
	pods, err := suite.client.CoreV1().Pods(d.Namespace).List(t.Context(),
		metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
	if err != nil {
		return false, err.Error()
	}
	for _, pod := range pods.Items {
		if pod.Spec.Priority == nil || *pod.Spec.Priority < 1_000_000_000 {
			t.Fatalf("pod %s has no high priority", pod.Name)
		}
	}
	// Pods of an earlier version stay until new ones are ready, and without a scheduler none becomes ready.
	return len(pods.Items) >= int(*d.Spec.Replicas), fmt.Sprintf("%d of %d pods", len(pods.Items), *d.Spec.Replicas)
}

// TestPodsAreRestricted runs the API server's pod security admission, and checks what that does not cover.
func TestPodsAreRestricted(t *testing.T) {
	const namespace = "restricted"
	_, err := suite.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace,
		Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest",
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range manifests {
		for _, object := range readObjects(t, file) {
			if object.GetKind() != "Deployment" {
				continue
			}
			template := decode[appsv1.Deployment](t, object).Spec.Template
			if err := admit(t, namespace, template); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			loose := *template.DeepCopy()
			loose.Spec.Containers[0].SecurityContext.Capabilities = nil
			if err := admit(t, namespace, loose); err == nil {
				t.Error("a pod that keeps its capabilities is admitted: nothing was tried here")
			}
			container := template.Spec.Containers[0]
			if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Errorf("%s: the root filesystem can be written", file)
			}
			live, ready := container.LivenessProbe.HTTPGet, container.ReadinessProbe.HTTPGet
			if live.Path != "/livez" || ready.Path != "/readyz" || live.Scheme != corev1.URISchemeHTTPS {
				t.Errorf("%s: the probes are %v and %v", file, live, ready)
			}
			if first := container.ReadinessProbe.InitialDelaySeconds; first < 1 {
				t.Errorf("%s: the first probe comes after %d s, before the process can answer, and is a Warning event", file, first)
			}
			own := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "p", UID: "u"}}
			if got := downward(&container, own); !slices.Equal(got, []string{"POD_NAMESPACE=n", "POD_NAME=p", "POD_UID=u"}) {
				t.Errorf("%s: the environment says of the pod %q", file, got)
			}
			if container.Ports[0].ContainerPort != 10259 {
				t.Errorf("%s: the port is %d", file, container.Ports[0].ContainerPort)
			}
		}
	}
}

// admit returns an error if such a pod would not be admitted to the namespace.
func admit(t *testing.T, namespace string, template corev1.PodTemplateSpec) error {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.GenerateName = "scheduler-"
	pod.Spec.ServiceAccountName, pod.Spec.PriorityClassName = "", ""
	var err error
	process.Within(t, patience, "the namespace's service account", func() (bool, string) {
		_, err = suite.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil || !strings.Contains(err.Error(), "serviceaccount"), fmt.Sprint(err)
	})
	return err
}

// decode returns the object as its type.
func decode[T any](t testing.TB, object *unstructured.Unstructured) *T {
	t.Helper()
	to := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, to); err != nil {
		t.Fatalf("decoding %s: %v", title(object), err)
	}
	return to
}

// find returns the only object of the kind and name in the file.
func find[T any](t testing.TB, file, kind, name string) *T {
	t.Helper()
	for _, object := range readObjects(t, file) {
		if object.GetKind() == kind && object.GetName() == name {
			return decode[T](t, object)
		}
	}
	t.Fatalf("%s has no %s %s", file, kind, name)
	return nil
}
