package scenarios

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// groupLabel is how scenarios tell pods apart; the scheduler does not look at it.
const groupLabel = "group"

const (
	nameAnnotation      = "pod-group.scheduling.sigs.k8s.io/name"
	sizeAnnotation      = "pod-group.scheduling.sigs.k8s.io/min-available"
	batchNameAnnotation = "batch.scheduling.k8s.io/group"
	batchSizeAnnotation = "batch.scheduling.k8s.io/min-available"
)

// podSpec is what a scenario says about pods that it creates.
type podSpec struct {
	namespace, name, scheduler, cpu string
	annotations                     map[string]string
	priorityClass                   string
	gated                           bool
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
			PriorityClassName: p.priorityClass,
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.k8s.io/pause:3.9",
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(p.cpu)},
				},
			}},
		},
	}
	if p.gated {
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
	}
	return pod
}

// gangAnnotations are those of the pod-group dialect.
func gangAnnotations(name string, size int) map[string]string {
	return map[string]string{nameAnnotation: name, sizeAnnotation: fmt.Sprint(size)}
}

// pods name=PREFIX count=N [from=I] [gang=NAME] [min=SIZE] [dialect=batch] [scheduler=S] [cpu=C] [gated] [namespace=N]
// [timeout=D] [priority=CLASS]: pods PREFIX-I and so on. gang and min are the annotations' values as they stand; without, the pods have
// none. Further annotations come as input, one KEY: VALUE a line.
func (s *scenario) pods(d *datadriven.TestData) (string, error) {
	prefix, count, from := "", 1, 0
	spec := podSpec{namespace: s.namespace, scheduler: "kubenexus-scheduler", cpu: "1"}
	d.ScanArgs(s.t, "name", &prefix)
	s.maybe(d, "count", &count)
	s.maybe(d, "from", &from)
	s.maybe(d, "cpu", &spec.cpu)
	s.maybe(d, "namespace", &spec.namespace)
	s.maybe(d, "priority", &spec.priorityClass)
	spec.gated = d.HasArg("gated")
	name, size := nameAnnotation, sizeAnnotation
	if d.HasArg("dialect") {
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
	for line := range strings.Lines(d.Input) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		spec.annotations[key] = value
	}
	for i := range count {
		spec.name = fmt.Sprintf("%s-%d", prefix, from+i)
		if err := create(s, spec.pod()); err != nil {
			return "", err
		}
	}
	return "", nil
}

func create(s *scenario, pod *corev1.Pod) error {
	_, err := suite.client.CoreV1().Pods(pod.Namespace).Create(s.ctx, pod, metav1.CreateOptions{})
	return err
}

// manifest creates the pods of a YAML text as they stand, but for the namespace.
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

// annotate pod=P: sets the annotations given as input, one KEY: VALUE a line; without a value it is removed.
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
	return "", s.patch(d, types.StrategicMergePatchType, fmt.Sprintf(`{"metadata": {"annotations": {%s}}}`, strings.Join(changes, ",")))
}

// ungate pod=P: removes the pod's scheduling gates.
func (s *scenario) ungate(d *datadriven.TestData) (string, error) {
	return "", s.patch(d, types.JSONPatchType, `[{"op": "remove", "path": "/spec/schedulingGates"}]`)
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
