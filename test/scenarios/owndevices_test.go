package scenarios

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// TestGangsWithDevicesOfTheirOwn: the devices that a member gets are not there for the next.
func TestGangsWithDevicesOfTheirOwn(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "owndevices", []world{
		{
			name:  "a claim each spans nodes",
			nodes: map[string]string{"a": "4", "b": "4", "c": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				for _, node := range []string{"a", "b", "c"} {
					s.devices(node, some(2, "gpu")...)
				}
				s.claimTemplate("own", exactly("gpu", 1))
				s.members("g", 6, "w", 6, usesTemplate("own"))
			},
			want: []string{"w: a a b b c c"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 6) },
		},
		{
			name:  "two claims each, and on each node another one is scarce",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", `KIND == "gpu"`)
				s.deviceClass("nic", `KIND == "nic"`)
				s.devices("a", append(some(2, "gpu"), some(1, "nic")...)...)
				s.devices("b", append(some(1, "gpu"), some(2, "nic")...)...)
				s.claimTemplate("gpu", exactly("gpu", 1))
				s.claimTemplate("nic", exactly("nic", 1))
				s.members("g", 2, "w", 2, usesTemplate("gpu"), usesTemplate("nic"))
			},
			want: []string{"w: a b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name:  "of first-available alternatives only one member can have the first",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("big", `KIND == "big"`)
				s.deviceClass("small", `KIND == "small"`)
				s.devices("a", append(some(1, "big"), some(1, "small")...)...)
				s.devices("b", some(1, "small")...)
				s.claimTemplate("either", firstOf("big", "small"))
				s.members("g", 3, "w", 3, usesTemplate("either"))
			},
			want: []string{"w: a a b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "devices are chosen by capacity",
			nodes: map[string]string{"weak": "1", "a": "2", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("weak", device{name: "w-0", memory: "16Gi"}, device{name: "w-1", memory: "16Gi"})
				s.devices("a", device{name: "a-0", memory: "80Gi"}, device{name: "a-1", memory: "16Gi"})
				s.devices("b", device{name: "b-0", memory: "16Gi"}, device{name: "b-1", memory: "80Gi"}, device{name: "b-2", memory: "80Gi"})
				s.claimTemplate("large", matching("gpu", `MEMORY.compareTo(quantity("40Gi")) >= 0`))
				s.members("g", 3, "w", 3, usesTemplate("large"))
			},
			want: []string{"w: a b b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "a claim that a running pod holds takes the gang to that pod's node",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("large", some(1, "gpu")...)
				s.resourceClaim("shared", exactly("gpu", 1))
				s.single("holder-0", usesClaim("shared"))
				s.endOn(s.t, "holder: large")
				s.devices("small", some(1, "gpu")...)
				s.members("g", 2, "w", 2, usesClaim("shared"))
			},
			want: []string{"w: large large"},
			then: func(t *testing.T, s *scenario) { s.kindsAre(t, "shared: large/gpu-0 for 3") },
		},
		{
			name:  "an extended resource is served by a device class",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.extendedClass("gpu", "example.com/gpu")
				s.devices("a", some(2, "gpu")...)
				s.devices("b", some(2, "gpu")...)
				s.members("g", 4, "w", 4, asksFor("example.com/gpu", "1"))
			},
			want: []string{"w: a a b b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name:  "an extended resource is served by a device class on one node and by a device plugin on the other",
			nodes: map[string]string{"class": "4"},
			make: func(s *scenario) {
				s.node("plugin", controlplane.NodeShape{
					CPU: "4", Memory: "64Gi", Pods: 110, Extended: map[string]string{"example.com/gpu": "2"},
				})
				s.extendedClass("gpu", "example.com/gpu")
				s.devices("class", some(2, "gpu")...)
				s.members("g", 4, "w", 4, asksFor("example.com/gpu", "1"))
			},
			want: []string{"w: class class plugin plugin"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 2) },
		},
		{
			name:  "more CPU in one member than where the devices are most",
			nodes: map[string]string{"a": "3", "b": "2"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("a", some(1, "gpu")...)
				s.devices("b", some(2, "gpu")...)
				s.claimTemplate("own", exactly("gpu", 1))
				s.members("g", 3, "thin", 2, usesTemplate("own"))
				s.members("g", 3, "thick", 1, usesTemplate("own"), asks("3"))
			},
			want: []string{"thin: b b", "thick: a"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "the node with the first alternative is left to the member that takes nothing else",
			nodes: map[string]string{"big": "1", "small": "2"},
			make: func(s *scenario) {
				s.deviceClass("big", `KIND == "big"`)
				s.deviceClass("small", `KIND == "small"`)
				s.devices("big", some(1, "big")...)
				s.devices("small", some(2, "small")...)
				s.claimTemplate("either", firstOf("big", "small"))
				s.claimTemplate("big", exactly("big", 1))
				s.members("g", 3, "flexible", 2, usesTemplate("either"))
				s.members("g", 3, "strict", 1, usesTemplate("big"))
			},
			want: []string{"flexible: small small", "strict: big"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
	})
}
