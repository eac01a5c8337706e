package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// TestGangWithoutDevicesForAllTakesNone: a gang that lacks devices holds none and says what it lacks, and starts when there are more.
func TestGangWithoutDevicesForAllTakesNone(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	nothing := func(t *testing.T, s *scenario, members ...string) {
		t.Helper()
		for _, name := range members {
			s.waitsWith(t, name, "cannot allocate all claims")
		}
		s.boundIs(t, "w", 0)
		s.nothingAllocated(t)
		if said := s.said(); said[members[0]+" GangUnschedulable"] == 0 {
			t.Errorf("events %v, want one that the gang cannot be scheduled", said)
		}
	}
	runWorlds(t, "few", []world{
		{
			name:  "until a node has more",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("a", some(2, "gpu")...)
				s.members("g", 3, "w", 3, s.ownClaims("w", 3, "gpu"))
			},
			then: func(t *testing.T, s *scenario) {
				nothing(t, s, "w-0", "w-1", "w-2")
				s.devices("b", some(1, "gpu")...)
				s.endOn(t, "w: a a b")
				s.distinctDevices(t, 3)
			},
		},
		{
			name:  "until a pod that holds one goes",
			nodes: map[string]string{"a": "4"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("a", some(2, "gpu")...)
				s.single("holder-0", s.ownClaims("holder", 1, "gpu"))
				s.endOn(s.t, "holder: a")
				s.members("g", 2, "w", 2, s.ownClaims("w", 2, "gpu"))
			},
			then: func(t *testing.T, s *scenario) {
				s.waitsWith(t, "w-0", "cannot allocate all claims")
				s.waitsWith(t, "w-1", "cannot allocate all claims")
				s.boundIs(t, "w", 0)
				if of := s.allocated(t); len(of) != 1 {
					t.Errorf("claims %v are allocated, want that of the pod that runs alone", of)
				}
				s.remove("holder")
				s.endOn(t, "w: a a")
			},
		},
		{
			name:  "and a gang that fits is not kept from starting",
			nodes: map[string]string{"a": "8"},
			make: func(s *scenario) {
				s.deviceClass("gpu", "")
				s.devices("a", some(2, "gpu")...)
				s.members("g", 3, "w", 3, s.ownClaims("w", 3, "gpu"))
				s.waitsWith(s.t, "w-0", "cannot allocate all claims")
				s.members("other", 2, "fits", 2, s.ownClaims("fits", 2, "gpu"))
			},
			want: []string{"fits: a a"},
			then: func(t *testing.T, s *scenario) {
				s.boundIs(t, "w", 0)
				s.distinctDevices(t, 2)
			},
		},
		{
			name:  "though a device of the whole cluster seems free on each node",
			nodes: map[string]string{"a": "1", "b": "1", "c": "1"},
			make: func(s *scenario) {
				s.deviceClass("nic", "")
				s.networkDevices("fabric", some(2, "nic")...)
				s.members("g", 3, "w", 3, s.ownClaims("w", 3, "nic"))
			},
			then: func(t *testing.T, s *scenario) {
				nothing(t, s, "w-0", "w-1", "w-2")
				s.networkDevices("more", some(1, "nic")...)
				s.endOn(t, "w: a b c")
			},
		},
		{
			name:  "by the name of an extended resource",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.extendedClass("gpu", "example.com/gpu")
				s.devices("a", some(1, "gpu")...)
				s.members("g", 2, "w", 2, asksFor("example.com/gpu", "1"))
			},
			then: func(t *testing.T, s *scenario) {
				s.whyWaits(t, "w-0")
				s.whyWaits(t, "w-1")
				s.boundIs(t, "w", 0)
				s.nothingAllocated(t)
				s.devices("b", some(1, "gpu")...)
				s.endOn(t, "w: a b")
			},
		},
	})
}

// TestGangWithManyClaimsStarts: a gang of 64 with a claim each, on 500 nodes with one device each.
func TestGangWithManyClaimsStarts(t *testing.T) {
	needsDevices(t)
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false",
		"--authorization-always-allow-paths=/livez,/readyz,/metrics")
	const nodes, members = 500, 64
	s := newScenario(t, "many-claims")
	if err := suite.plane.AddNodes(s.ctx, "node", nodes, smallNode); err != nil {
		t.Fatal(err)
	}
	s.deviceClass("gpu", "")
	for i := range nodes {
		s.createSlice(fmt.Sprint("node-", i), onlyNode(fmt.Sprint("node-", i)), some(1, "gpu"))
	}
	s.claimTemplate("own", exactly("gpu", 1))
	s.awaitNodes(ours)
	s.members("g", members, "w", members, usesTemplate("own"))
	s.boundIs(t, "w", members)
	s.distinctDevices(t, members)
	_, metrics := scheduler.Get("metrics", "")
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "kubenexus_gang_plan_duration_seconds_") && !strings.Contains(line, "_bucket") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
