package install

import (
	"fmt"
	"maps"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

func annotated(labels, annotations map[string]string) *corev1.Pod {
	pod := podNamed("", "1")
	pod.Namespace, pod.GenerateName = metav1.NamespaceDefault, "guarded-"
	pod.Labels, pod.Annotations = labels, annotations
	return pod
}

func dryRun(t *testing.T, client kubernetes.Interface, pod *corev1.Pod) error {
	t.Helper()
	_, err := client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// workload is an object with a pod template.
type workload struct {
	client   rest.Interface
	resource string
	object   runtime.Object
	// template is the format of a patch that replaces the pod template.
	template string
}

// workloads returns one workload of each kind, with this pod as the template.
func workloads(pod *corev1.Pod) []workload {
	const inSpec = `{"spec":{"template":%s}}`
	labels := map[string]string{"app": "a"}
	meta, selector := metav1.ObjectMeta{Name: "guarded"}, &metav1.LabelSelector{MatchLabels: labels}
	none := new(int32)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: maps.Clone(labels), Annotations: pod.Annotations}, Spec: pod.Spec,
	}
	maps.Copy(template.Labels, pod.Labels)
	job := batchv1.JobSpec{Template: *template.DeepCopy()}
	job.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	core, apps, batch := suite.client.CoreV1().RESTClient(), suite.client.AppsV1().RESTClient(), suite.client.BatchV1().RESTClient()
	return []workload{
		{core, "replicationcontrollers", &corev1.ReplicationController{
			ObjectMeta: meta, Spec: corev1.ReplicationControllerSpec{Replicas: none, Template: &template},
		}, inSpec},
		{apps, "daemonsets", &appsv1.DaemonSet{
			ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template},
		}, inSpec},
		{apps, "deployments", &appsv1.Deployment{
			ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: none, Selector: selector, Template: template},
		}, inSpec},
		{apps, "replicasets", &appsv1.ReplicaSet{
			ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: none, Selector: selector, Template: template},
		}, inSpec},
		{apps, "statefulsets", &appsv1.StatefulSet{
			ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: none, Selector: selector, Template: template},
		}, inSpec},
		{batch, "jobs", &batchv1.Job{ObjectMeta: meta, Spec: job}, inSpec},
		{batch, "cronjobs", &batchv1.CronJob{
			ObjectMeta: meta, Spec: batchv1.CronJobSpec{Schedule: "@yearly", JobTemplate: batchv1.JobTemplateSpec{Spec: job}},
		}, `{"spec":{"jobTemplate":{"spec":{"template":%s}}}}`},
	}
}

// dryRun returns the error of a dry run of its creation.
func (w workload) dryRun(t *testing.T, namespace string) error {
	t.Helper()
	return w.create(t, namespace, metav1.DryRunAll)
}

func (w workload) create(t *testing.T, namespace string, dryRun ...string) error {
	t.Helper()
	return w.client.Post().Namespace(namespace).Resource(w.resource).
		VersionedParams(&metav1.CreateOptions{DryRun: dryRun}, scheme.ParameterCodec).Body(w.object).Do(t.Context()).Error()
}

// patch changes the template of the created workload.
func (w workload) patch(t *testing.T, namespace, template string) error {
	t.Helper()
	return w.client.Patch(types.MergePatchType).Namespace(namespace).Resource(w.resource).Name("guarded").
		VersionedParams(&metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, scheme.ParameterCodec).
		Body(fmt.Appendf(nil, w.template, template)).Do(t.Context()).Error()
}
