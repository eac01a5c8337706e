package scenarios

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// groupLabel is how scenarios group pods; the scheduler does not look at it.
const groupLabel = "group"

// gpuResource is an extended resource of simulated nodes.
const gpuResource = corev1.ResourceName("example.com/gpu")

const (
	nameAnnotation      = "pod-group.scheduling.sigs.k8s.io/name"
	sizeAnnotation      = "pod-group.scheduling.sigs.k8s.io/min-available"
	batchNameAnnotation = "batch.scheduling.k8s.io/group"
	batchSizeAnnotation = "batch.scheduling.k8s.io/min-available"
)

// podSpec is what a scenario says about pods that it creates.
type podSpec struct {
	namespace, name, scheduler, cpu string
	// memory and gpu, of example.com/gpu, are requested if they are not empty.
	memory, gpu         string
	annotations, labels map[string]string
	// pool is the pool of nodes that the pods need, empty for those of no pool.
	pool                string
	priorityClass, node string
	owner               *metav1.OwnerReference
	gated               bool
	// slow is true for pods that end only when the scenario releases them.
	slow bool
}

func (p podSpec) pod() *corev1.Pod {
	group := p.name
	if at := strings.LastIndex(p.name, "-"); at > 0 {
		group = p.name[:at]
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.namespace, Name: p.name, Annotations: p.annotations, Labels: map[string]string{groupLabel: group},
		},
		Spec: corev1.PodSpec{
			SchedulerName:     p.scheduler,
			NodeName:          p.node,
			PriorityClassName: p.priorityClass,
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.k8s.io/pause:3.9",
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(p.cpu)},
				},
			}},
		},
	}
	requests := pod.Spec.Containers[0].Resources.Requests
	for name, amount := range map[corev1.ResourceName]string{corev1.ResourceMemory: p.memory, gpuResource: p.gpu} {
		if amount != "" {
			requests[name] = resource.MustParse(amount)
		}
	}
	pod.Spec.Containers[0].Resources.Limits = extended(requests)
	if p.pool != "" {
		pod.Spec.NodeSelector = map[string]string{"pool": p.pool}
		pod.Spec.Tolerations = []corev1.Toleration{{Key: "pool", Value: p.pool}}
	}
	maps.Copy(pod.Labels, p.labels)
	if p.owner != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*p.owner}
	}
	if p.slow {
		slow(pod)
	}
	if p.gated {
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
	}
	return pod
}

// extended returns the extended resources among requests, which the API server wants as limits too.
func extended(requests corev1.ResourceList) corev1.ResourceList {
	if amount, has := requests[gpuResource]; has {
		return corev1.ResourceList{gpuResource: amount}
	}
	return nil
}

// gangAnnotations are those of the pod-group convention.
func gangAnnotations(name string, size int) map[string]string {
	return map[string]string{nameAnnotation: name, sizeAnnotation: fmt.Sprint(size)}
}

// pods name=PREFIX count=N [from=I] [gang=NAME] [min=SIZE] [convention=batch] [scheduler=S] [cpu=C] [gated] [namespace=N]
// [timeout=D] [priority=CLASS] [node=N] [spark=APP/ROLE] [owner=NAME] [memory=M] [gpu=N] [pool=P] [slow] [each]: pods PREFIX-I and so on. gang and min
// are the annotations' values as they stand; without, the pods have none. With each, every pod is a gang of its own. spark sets Spark's own labels, owner the controller that the pods have in common. Further
// annotations come as input, one KEY: VALUE a line; with "label " before it, it is a label.
func (s *scenario) pods(d *datadriven.TestData) (string, error) {
	prefix, count, from := "", 1, 0
	spec := podSpec{namespace: s.namespace, scheduler: ours, cpu: "1"}
	d.ScanArgs(s.t, "name", &prefix)
	s.maybe(d, "count", &count)
	s.maybe(d, "from", &from)
	s.maybe(d, "cpu", &spec.cpu)
	s.maybe(d, "memory", &spec.memory)
	s.maybe(d, "gpu", &spec.gpu)
	s.maybe(d, "pool", &spec.pool)
	s.maybe(d, "namespace", &spec.namespace)
	s.maybe(d, "priority", &spec.priorityClass)
	s.maybe(d, "node", &spec.node)
	spec.gated, spec.slow = d.HasArg("gated"), d.HasArg("slow")
	name, size := nameAnnotation, sizeAnnotation
	if d.HasArg("convention") {
		name, size, spec.scheduler = batchNameAnnotation, batchSizeAnnotation, "batch-scheduler"
	}
	s.maybe(d, "scheduler", &spec.scheduler)
	spec.annotations = map[string]string{}
	for key, arg := range map[string]string{name: "gang", size: "min", "kubenexus.io/schedule-timeout": "timeout"} {
		var value string
		if s.maybe(d, arg, &value) {
			spec.annotations[key] = value
		}
	}
	spec.labels = map[string]string{}
	for line := range strings.Lines(d.Input) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if label, isLabel := strings.CutPrefix(key, "label "); isLabel {
			spec.labels[label] = value
		} else {
			spec.annotations[key] = value
		}
	}
	var spark, owner string
	if s.maybe(d, "spark", &spark) {
		spec.labels["spark-app-selector"], spec.labels["spark-role"], _ = strings.Cut(spark, "/")
	}
	if s.maybe(d, "owner", &owner) {
		var err error
		if spec.owner, err = s.owner(owner); err != nil {
			return "", err
		}
	}
	for i := range count {
		spec.name = fmt.Sprintf("%s-%d", prefix, from+i)
		if d.HasArg("each") {
			spec.annotations[name], spec.annotations[size] = spec.name, "1"
		}
		if err := create(s, spec.pod()); err != nil {
			return "", err
		}
	}
	return "", nil
}

// owner returns a reference to what stands for the controller of pods: any object will do.
func (s *scenario) owner(name string) (*metav1.OwnerReference, error) {
	objects := suite.client.CoreV1().ConfigMaps(s.namespace)
	object, err := objects.Get(s.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		object, err = objects.Create(s.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	}
	if err != nil {
		return nil, err
	}
	return &metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: object.UID, Controller: new(true)}, nil
}

func create(s *scenario, pod *corev1.Pod) error {
	_, err := suite.client.CoreV1().Pods(pod.Namespace).Create(s.ctx, pod, metav1.CreateOptions{})
	return err
}

// manifest creates the pods of a YAML text as they are, except for the namespace.
func (s *scenario) manifest(text string) (string, error) {
	documents := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		pod := &corev1.Pod{}
		if err := documents.Decode(pod); errors.Is(err, io.EOF) {
			return "", nil
		} else if err != nil {
			return "", err
		}
		pod.Namespace = s.namespace
		if err := create(s, pod); err != nil {
			return "", err
		}
	}
}

// annotate pod=P, label pod=P: sets the annotations or labels given as input, one KEY: VALUE a line; without a value it is removed.
func (s *scenario) annotate(d *datadriven.TestData) (string, error) {
	var changes []string
	for line := range strings.Lines(d.Input) {
		key, value, found := strings.Cut(strings.TrimSpace(line), ": ")
		if found {
			changes = append(changes, fmt.Sprintf("%q: %q", key, value))
		} else {
			changes = append(changes, fmt.Sprintf("%q: null", strings.TrimSuffix(key, ":")))
		}
	}
	return "", s.patch(d, types.StrategicMergePatchType, fmt.Sprintf(`{"metadata": {%q: {%s}}}`,
		map[string]string{"annotate": "annotations", "label": "labels"}[d.Cmd], strings.Join(changes, ",")))
}

// ungate pod=P: removes the pod's scheduling gates.
func (s *scenario) ungate(d *datadriven.TestData) (string, error) {
	return "", s.patch(d, types.JSONPatchType, `[{"op": "remove", "path": "/spec/schedulingGates"}]`)
}

// finish pod=P [phase=Succeeded] [reason=R]: what a kubelet writes when a pod ends, or when it does not let it start.
func (s *scenario) finish(d *datadriven.TestData) (string, error) {
	phase, reason := "Succeeded", ""
	s.maybe(d, "phase", &phase)
	s.maybe(d, "reason", &reason)
	var name string
	d.ScanArgs(s.t, "pod", &name)
	s.end(s.t, name, phase, reason)
	return "", nil
}

// end writes into a pod that runs that it ended.
func (s *scenario) end(t *testing.T, name, phase, reason string) {
	t.Helper()
	process.Within(t, patience, name+" to run", func() (bool, string) { // else what the simulated kubelet writes then would win
		pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, fmt.Sprint(err)
	})
	status := fmt.Sprintf(`{"status": {"phase": %q, "reason": %q, "containerStatuses": null}}`, phase, reason)
	_, err := suite.client.CoreV1().Pods(s.namespace).Patch(s.ctx, name, types.StrategicMergePatchType, []byte(status),
		metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scenario) patch(d *datadriven.TestData, kind types.PatchType, patch string) error {
	var name string
	d.ScanArgs(s.t, "pod", &name)
	_, err := suite.client.CoreV1().Pods(s.namespace).Patch(s.ctx, name, kind, []byte(patch), metav1.PatchOptions{})
	return err
}

// delete pod=P or group=G: deletes pods at once.
func (s *scenario) delete(d *datadriven.TestData) (string, error) {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	var name string
	if s.maybe(d, "pod", &name) {
		return "", suite.client.CoreV1().Pods(s.namespace).Delete(s.ctx, name, now)
	}
	d.ScanArgs(s.t, "group", &name)
	return "", suite.client.CoreV1().Pods(s.namespace).DeleteCollection(s.ctx, now, metav1.ListOptions{LabelSelector: groupLabel + "=" + name})
}
