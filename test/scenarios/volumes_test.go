package scenarios

import (
	"fmt"
	"testing"
)

// TestGangsShareVolumes: for each gang there are nodes and volumes that are enough, and often a first choice that is not.
func TestGangsShareVolumes(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "volumes", []world{
		{
			name:  "one volume for all, which is made on the node of the first",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.volumeClaim("data", "disk", "1Gi", shared)
				s.members("g", 3, "w", 3, mounts("data"))
			},
			want: []string{"w: large large large"},
		},
		{
			name:  "one volume for all, which can be used on every node once it is made",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.provisions("disk", false)
				s.volumeClaim("data", "disk", "1Gi", shared)
				s.members("g", 3, "w", 3, mounts("data"))
			},
			want: []string{"w: * * *"},
		},
		{
			name:  "one volume for all and one for two of them",
			nodes: map[string]string{"small": "2", "middle": "3", "large": "4"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.volumeClaim("all", "disk", "1Gi", shared)
				s.volumeClaim("pair", "disk", "1Gi", shared)
				s.members("g", 4, "one", 2, mounts("all"))
				s.members("g", 4, "two", 2, mounts("all"), mounts("pair"))
			},
			want: []string{"one: large large", "two: large large"},
		},
		{
			name:  "two volumes, each for a pair",
			nodes: map[string]string{"small": "1", "left": "2", "right": "2"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.volumeClaim("a", "disk", "1Gi", shared)
				s.volumeClaim("b", "disk", "1Gi", shared)
				s.members("g", 4, "a", 2, mounts("a"))
				s.members("g", 4, "b", 2, mounts("b"))
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
			name:  "one volume for some, and the others go where there is room",
			nodes: map[string]string{"small": "2", "large": "3"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.volumeClaim("data", "disk", "1Gi", shared)
				s.members("g", 5, "free", 2)
				s.members("g", 5, "tied", 3, mounts("data"))
			},
			want: []string{"free: small small", "tied: large large large"},
		},
		{
			name:  "a local volume for all",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				s.localVolume("small", "local", "10Gi", "small", shared)
				s.localVolume("large", "local", "10Gi", "large", shared)
				s.volumeClaim("data", "local", "1Gi", shared)
				s.members("g", 3, "w", 3, mounts("data"))
			},
			want: []string{"w: large large large"},
		},
		{
			name:  "storage that is enough for one of two binds neither",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				p := s.provisions("disk", true)
				p.capacity(map[string]string{"a": "10Gi", "b": "1Gi"})
				for i := range 2 {
					s.volumeClaim(fmt.Sprint("data-", i), "disk", "6Gi", once)
				}
				s.members("g", 2, "w", 1, mounts("data-0"))
				s.members("g", 2, "v", 1, mounts("data-1"))
			},
			then: func(t *testing.T, s *scenario) {
				s.whyWaits(t, "w-0")
				s.whyWaits(t, "v-0")
				s.allBound(t, 0)
			},
		},
	})
}
