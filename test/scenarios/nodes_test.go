package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// nodes count=N cpu=C [name=PREFIX] [zone=Z] [pool=P] [memory=M] [gpu=N]: simulated nodes, with the labels of the input. Those of a pool have
// the label pool and are tainted for all that do not tolerate it.
func (s *scenario) nodes(d *datadriven.TestData) (string, error) {
	count, prefix := 1, "node"
	s.maybe(d, "count", &count)
	s.maybe(d, "name", &prefix)
	cpu := "4"
	s.maybe(d, "cpu", &cpu)
	shape := controlplane.NodeShape{CPU: cpu, Memory: "64Gi", Pods: 110, Labels: labelsOf(d.Input)}
	s.maybe(d, "memory", &shape.Memory)
	var zone, pool, gpu string
	if s.maybe(d, "gpu", &gpu) {
		shape.Extended = map[string]string{string(gpuResource): gpu}
	}
	if s.maybe(d, "zone", &zone) {
		shape.Labels[corev1.LabelTopologyZone] = zone
	}
	if s.maybe(d, "pool", &pool) {
		shape.Labels["pool"] = pool
		shape.Taints = []corev1.Taint{{Key: "pool", Value: pool, Effect: corev1.TaintEffectNoSchedule}}
	}
	if err := suite.plane.AddNodes(s.ctx, prefix, count, shape); err != nil {
		return "", err
	}
	s.awaitNodes(ours)
	return "", nil
}

// node-label node=N: sets labels of a node that the input has, and removes those without a value.
func (s *scenario) nodeLabel(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "node", &name)
	var changes []string
	for key, value := range labelsOf(d.Input) {
		if value == "" {
			changes = append(changes, fmt.Sprintf("%q: null", strings.TrimSuffix(key, ":")))
		} else {
			changes = append(changes, fmt.Sprintf("%q: %q", key, value))
		}
	}
	patch := fmt.Sprintf(`{"metadata": {"labels": {%s}}}`, strings.Join(changes, ","))
	_, err := suite.client.CoreV1().Nodes().Patch(s.ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return "", err
}

// cordon node=N [off]: makes a node unschedulable, or schedulable again.
func (s *scenario) cordon(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "node", &name)
	patch := fmt.Sprintf(`{"spec": {"unschedulable": %t}}`, !d.HasArg("off"))
	_, err := suite.client.CoreV1().Nodes().Patch(s.ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	return "", err
}

// ready node=N status=S: what the node controller writes of a node, such as Unknown if its kubelet reports no more.
func (s *scenario) ready(d *datadriven.TestData) (string, error) {
	var name, status string
	d.ScanArgs(s.t, "node", &name)
	d.ScanArgs(s.t, "status", &status)
	patch := fmt.Sprintf(`{"status": {"conditions": [{"type": %q, "status": %q}]}}`, corev1.NodeReady, status)
	_, err := suite.client.CoreV1().Nodes().Patch(s.ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	return "", err
}

// node-of pod=P: the node that the pod is bound to.
func (s *scenario) nodeOf(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "pod", &name)
	pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return pod.Spec.NodeName + "\n", nil
}

// hosts: per group of pods, how many nodes they are on.
func (s *scenario) hosts() (string, error) {
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	groups := map[string]map[string]bool{}
	for _, pod := range pods.Items {
		group := pod.Labels[groupLabel]
		if groups[group] == nil {
			groups[group] = map[string]bool{}
		}
		groups[group][pod.Spec.NodeName] = true
	}
	var lines []string
	for name, nodes := range groups {
		plural := "s"
		if len(nodes) == 1 {
			plural = ""
		}
		lines = append(lines, fmt.Sprintf("%s: %d node%s\n", name, len(nodes), plural))
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// labelsOf reads lines such as "example.com/rack: r1".
func labelsOf(input string) map[string]string {
	labels := map[string]string{}
	for line := range strings.Lines(input) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		labels[key] = value
	}
	return labels
}
