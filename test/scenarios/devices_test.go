package scenarios

import (
	"fmt"
	"slices"
	"testing"
)

// TestGangsShareAndChooseDevices: for each gang there are nodes and devices that are enough, and often a first choice that is not.
func TestGangsShareAndChooseDevices(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "devices", []world{
		{
			name:  "one claim shared by two on the only node",
			nodes: map[string]string{"only": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("only", some(1, "gpu")...)
				s.resourceClaim("shared", exactly("gpu", 1))
				s.members("g", 2, "w", 2, usesClaim("shared"))
			},
			want: []string{"w: only only"},
			then: func(t *testing.T, s *scenario) { s.kindsAre(t, "shared: only/gpu-0 for 2") },
		},
		{
			name:  "one claim shared by two goes to the node with CPU for both",
			nodes: map[string]string{"small": "1", "large": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("small", some(1, "gpu")...)
				s.devices("large", some(1, "gpu")...)
				s.resourceClaim("shared", exactly("gpu", 1))
				s.members("g", 2, "w", 2, usesClaim("shared"))
			},
			want: []string{"w: large large"},
			then: func(t *testing.T, s *scenario) { s.kindsAre(t, "shared: large/gpu-0 for 2") },
		},
		{
			name:  "two pairs share a claim each, and no node has room for three",
			nodes: map[string]string{"small": "1", "left": "2", "right": "2"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				for _, node := range []string{"small", "left", "right"} {
					s.devices(node, some(1, "gpu")...)
				}
				s.resourceClaim("a", exactly("gpu", 1))
				s.resourceClaim("b", exactly("gpu", 1))
				s.members("g", 4, "a", 2, usesClaim("a"))
				s.members("g", 4, "b", 2, usesClaim("b"))
			},
			want: []string{"a: * *", "b: * *"},
			then: func(t *testing.T, s *scenario) {
				a, b := s.nodesOf(t, "a"), s.nodesOf(t, "b")
				if a[0] != a[1] || b[0] != b[1] || a[0] == b[0] {
					t.Errorf("the pairs are on %v and %v, want each on a node of its own", a, b)
				}
			},
		},
		{
			name:  "a claim each and one shared, which only one node can serve",
			nodes: map[string]string{"a": "2", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", `KIND == "gpu"`)
				s.deviceClass("nic", `KIND == "nic"`)
				s.devices("a", append(some(2, "gpu"), some(1, "nic")...)...)
				s.devices("b", append(some(3, "gpu"), some(1, "nic")...)...)
				s.claimTemplate("gpu", exactly("gpu", 1))
				s.resourceClaim("nic", exactly("nic", 1))
				s.members("g", 3, "w", 3, usesTemplate("gpu"), usesClaim("nic"))
			},
			want: []string{"w: b b b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name:  "the first alternative is left to the member that takes nothing else",
			nodes: map[string]string{"only": "4"},
			make: func(s *scenario) {
				s.deviceClass("big", `KIND == "big"`)
				s.deviceClass("small", `KIND == "small"`)
				s.devices("only", append(some(1, "big"), some(1, "small")...)...)
				s.claimTemplate("either", firstOf("big", "small"))
				s.claimTemplate("big", exactly("big", 1))
				s.members("g", 2, "flexible", 1, usesTemplate("either"))
				s.members("g", 2, "strict", 1, usesTemplate("big"))
			},
			want: []string{"flexible: only", "strict: only"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 2) },
		},
		{
			name:  "members that take any device leave the special one on a node that has both",
			nodes: map[string]string{"mixed": "2", "plain": "2"},
			make: func(s *scenario) {
				s.deviceClass("any", "")
				s.devices("mixed", append(some(1, "a-big"), some(1, "small")...)...)
				s.devices("plain", some(1, "small")...)
				s.claimTemplate("any", exactly("any", 1))
				s.claimTemplate("big", matching("any", `KIND == "a-big"`))
				s.members("g", 3, "any", 2, usesTemplate("any"))
				s.members("g", 3, "big", 1, usesTemplate("big"))
			},
			want: []string{"any: mixed plain", "big: mixed"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "one device of the whole cluster is shared across nodes",
			nodes: map[string]string{"a": "1", "b": "1"},
			make: func(s *scenario) {
				s.deviceClass("nic", "")
				s.networkDevices("fabric", some(1, "nic")...)
				s.resourceClaim("shared", exactly("nic", 1))
				s.members("g", 2, "w", 2, usesClaim("shared"))
			},
			want: []string{"w: a b"},
			then: func(t *testing.T, s *scenario) { s.kindsAre(t, "shared: fabric/nic-0 for 2") },
		},
		{
			name:  "the only device of three alternatives that one member can take is left to it",
			nodes: map[string]string{"only": "4"},
			make: func(s *scenario) {
				for _, kind := range []string{"x", "y", "z"} {
					s.deviceClass(kind, fmt.Sprintf("KIND == %q", kind))
				}
				s.devices("only", slices.Concat(some(1, "x"), some(1, "y"), some(1, "z"))...)
				s.claimTemplate("y-or-x", firstOf("y", "x"))
				s.claimTemplate("z-or-y", firstOf("z", "y"))
				s.claimTemplate("z", exactly("z", 1))
				s.members("g", 3, "first", 1, usesTemplate("y-or-x"))
				s.members("g", 3, "second", 1, usesTemplate("z-or-y"))
				s.members("g", 3, "third", 1, usesTemplate("z"))
			},
			want: []string{"first: only", "second: only", "third: only"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "the node with three devices is left to the member that needs three",
			nodes: map[string]string{"three": "2", "two": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("three", some(3, "gpu")...)
				s.devices("two", some(2, "gpu")...)
				s.claimTemplate("one", exactly("gpu", 1))
				s.claimTemplate("three", exactly("gpu", 3))
				s.members("g", 3, "one", 2, usesTemplate("one"))
				s.members("g", 3, "three", 1, usesTemplate("three"))
			},
			want: []string{"one: two two", "three: three"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 5) },
		},
		{
			name:  "a device for two and a device for each of them from a node that has enough of both",
			nodes: map[string]string{"a": "2", "b": "2", "c": "2"},
			make: func(s *scenario) {
				s.deviceClass("gpu", `KIND == "gpu"`)
				s.deviceClass("nic", `KIND == "nic"`)
				s.devices("a", slices.Concat(some(1, "gpu"), some(1, "nic"))...)
				s.devices("b", some(2, "gpu")...)
				s.devices("c", slices.Concat(some(2, "gpu"), some(1, "nic"))...)
				s.resourceClaim("nic", exactly("nic", 1))
				s.claimTemplate("gpu", exactly("gpu", 1))
				s.members("g", 4, "alone", 2, usesTemplate("gpu"))
				s.members("g", 4, "pair", 2, usesTemplate("gpu"), usesClaim("nic"))
			},
			want: []string{"alone: * *", "pair: c c"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 5) },
		},
		{
			name:  "two devices each, and an odd number on each node",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("a", some(3, "gpu")...)
				s.devices("b", some(3, "gpu")...)
				s.claimTemplate("own", exactly("gpu", 2))
				s.members("g", 2, "w", 2, usesTemplate("own"))
			},
			want: []string{"w: a b"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name:  "members that take any device leave the node with the special ones",
			nodes: map[string]string{"special": "2", "usual": "4"},
			make: func(s *scenario) {
				s.deviceClass("any", "")
				s.devices("special", some(2, "big")...)
				s.devices("usual", some(2, "small")...)
				s.claimTemplate("any", exactly("any", 1))
				s.claimTemplate("big", matching("any", `KIND == "big"`))
				s.members("g", 4, "any", 2, usesTemplate("any"))
				s.members("g", 4, "big", 2, usesTemplate("big"))
			},
			want: []string{"any: usual usual", "big: special special"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 4) },
		},
		{
			name:  "members with an extended resource and members with a claim take from the same devices",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.extendedClass("gpu", "example.com/gpu")
				s.devices("a", some(2, "gpu")...)
				s.devices("b", some(1, "gpu")...)
				s.claimTemplate("own", exactly("gpu", 1))
				s.members("g", 3, "byname", 2, asksFor("example.com/gpu", "1"))
				s.members("g", 3, "byclaim", 1, usesTemplate("own"))
			},
			want: []string{"byname: * *", "byclaim: *"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
		{
			name:  "devices of the whole cluster are counted across nodes",
			nodes: map[string]string{"a": "1", "b": "1", "c": "1"},
			make: func(s *scenario) {
				s.deviceClass("nic", "")
				s.networkDevices("fabric", some(3, "nic")...)
				s.claimTemplate("own", exactly("nic", 1))
				s.members("g", 3, "w", 3, usesTemplate("own"))
			},
			want: []string{"w: a b c"},
			then: func(t *testing.T, s *scenario) { s.distinctDevices(t, 3) },
		},
	})
}
