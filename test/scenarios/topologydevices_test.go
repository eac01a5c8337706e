package scenarios

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

const rackLabel = "example.com/rack"

// requires makes the gang run in one domain of a label key.
func requires(key string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations["kubenexus.io/topology-required"] = key }
}

// inSlices makes each slice of so many members run in one domain of a label key.
func inSlices(key, size string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Annotations["kubenexus.io/topology-slice-required"] = key
		pod.Annotations["kubenexus.io/topology-slice-size"] = size
	}
}

// inRack creates a node of a rack with so many devices.
func (s *scenario) inRack(rack, node string, devices int) {
	s.t.Helper()
	s.labelled(node, "4", map[string]string{rackLabel: rack})
	if devices > 0 {
		s.devices(node, some(devices, "gpu")...)
	}
}

// TestDevicesInOneDomain: devices that members claim count where the topology decides. In each case, packing alone would choose others.
func TestDevicesInOneDomain(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "rack-devices", []world{
		{
			name: "the rack with devices for all",
			make: func(s *scenario) {
				s.inRack("r1", "a", 2)
				s.inRack("r1", "b", 1)
				s.inRack("r2", "c", 2)
				s.inRack("r2", "d", 2)
				s.deviceClass("gpu", "")
				s.claimTemplate("gpu", exactly("gpu", 1))
				s.members("g", 4, "w", 4, usesTemplate("gpu"), requires(rackLabel))
			},
			want: []string{"w: c c d d"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name: "slices of two with a device each",
			make: func(s *scenario) {
				s.inRack("r1", "a", 1)
				s.inRack("r2", "b", 1)
				s.inRack("r2", "c", 1)
				s.inRack("r3", "d", 1)
				s.inRack("r3", "e", 1)
				s.deviceClass("gpu", "")
				s.claimTemplate("gpu", exactly("gpu", 1))
				s.members("g", 4, "w", 4, usesTemplate("gpu"), inSlices(rackLabel, "2"))
			},
			want: []string{"w: b c d e"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
	})
}
