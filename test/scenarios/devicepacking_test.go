package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// TestDevicePackingIsConfigured: the pod asks for no GPU, and kube-scheduler's own scores prefer the node with GPUs, which has more free CPU.
func TestDevicePackingIsConfigured(t *testing.T) {
	const disabled, weighed = "disabled: [{name: DevicePacking}]", "enabled: [{name: DevicePacking, weight: 5}]"
	for i, test := range []struct{ name, multiPoint, score, want string }{
		{"by default", "", "", "cpu"},
		{"with a weight at score", "", weighed, "cpu"},
		{"off at score", "", disabled, "gpu"},
		{"off under multiPoint", disabled, "", "gpu"},
	} {
		t.Run(test.name, func(t *testing.T) {
			startScheduler(t, "--leader-elect=false", "--config="+writeConfig(t, fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: KUBECONFIG}
profiles:
- schedulerName: kubenexus-scheduler
  plugins:
    multiPoint: {%s}
    score: {%s}
`, strings.Join([]string{"enabled: [{name: Coscheduling}]", test.multiPoint}, ", "), test.score)))
			s := newScenario(t, fmt.Sprintf("packing-%d", i))
			s.node("cpu", controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
			s.node("gpu", controlplane.NodeShape{CPU: "64", Memory: "256Gi", Pods: 110, Extended: map[string]string{"nvidia.com/gpu": "8"}})
			s.awaitNodes(ours)
			pod := podSpec{namespace: s.namespace, name: "web", cpu: "1", memory: "1Gi", scheduler: ours}.pod()
			if err := create(s, pod); err != nil {
				t.Fatal(err)
			}
			s.allBound(t, 1)
			if used := s.usedDomains("kubernetes.io/hostname"); used[nodeName(test.want)] != 1 {
				t.Errorf("the pod is on %v, want %s", used, nodeName(test.want))
			}
		})
	}
}
