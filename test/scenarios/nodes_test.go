package scenarios

import (
	"fmt"
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

// labelsOf reads lines such as "example.com/rack: r1".
func labelsOf(input string) map[string]string {
	labels := map[string]string{}
	for line := range strings.Lines(input) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		labels[key] = value
	}
	return labels
}
