package conventions_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	required      = "kubenexus.io/topology-required"
	preferred     = "kubenexus.io/topology-preferred"
	sliceRequired = "kubenexus.io/topology-slice-required"
	sliceSize     = "kubenexus.io/topology-slice-size"
	spread        = "kubenexus.io/topology-spread"

	rack  = "example.com/rack"
	block = "example.com/block"
	zone  = "topology.kubernetes.io/zone"
	host  = "kubernetes.io/hostname"
)

// TestEveryConventionAndPodsWithoutAGangSayTheirTopology checks that the annotations hold in each convention and alone.
func TestEveryConventionAndPodsWithoutAGangSayTheirTopology(t *testing.T) {
	longest := strings.Repeat("p", 253) + "/" + strings.Repeat("n", 63)
	for _, tc := range []struct {
		name string
		says keys
		want gang.Topology
	}{
		{"nothing", nil, gang.Topology{}},
		{"required", keys{required: rack}, gang.Topology{Required: rack}},
		{"a key without a prefix", keys{required: "rack"}, gang.Topology{Required: "rack"}},
		{"the longest key", keys{required: longest}, gang.Topology{Required: longest}},
		{"preferred", keys{preferred: rack}, gang.Topology{Preferred: []string{rack}}},
		{
			"several preferred, with spaces",
			keys{preferred: host + ", " + rack + " ," + block},
			gang.Topology{Preferred: []string{host, rack, block}},
		},
		{"slices", keys{sliceRequired: rack, sliceSize: "4"}, gang.Topology{SliceRequired: rack, SliceSize: 4}},
		{"slices of one", keys{sliceRequired: rack, sliceSize: "1"}, gang.Topology{SliceRequired: rack, SliceSize: 1}},
		{"spread", keys{spread: zone}, gang.Topology{Spread: zone}},
		{
			"required, preferred and slices",
			keys{required: zone, preferred: rack + "," + block, sliceRequired: host, sliceSize: "8"},
			gang.Topology{Required: zone, Preferred: []string{rack, block}, SliceRequired: host, SliceSize: 8},
		},
		{"spread inside one domain", keys{required: zone, spread: rack}, gang.Topology{Required: zone, Spread: rack}},
		{"one key twice", keys{required: rack, preferred: rack}, gang.Topology{Required: rack, Preferred: []string{rack}}},
		{
			"slices are spread over wider domains",
			keys{sliceRequired: rack, sliceSize: "4", spread: zone},
			gang.Topology{SliceRequired: rack, SliceSize: 4, Spread: zone},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, pod := range gangs() {
				maps.Copy(pod.Annotations, tc.says)
				spec, err := conventions.Parse(pod)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(gang.Share{Topology: tc.want.Stated()}, spec.Share); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			share, err := conventions.ShareOf(conventions.Pod{Annotations: tc.says})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, share.Topology.Topology()); diff != "" {
				t.Errorf("without a gang (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTopologyIsNoLabel checks that a label is not read: the value of a label has no '/', and most keys have one.
func TestTopologyIsNoLabel(t *testing.T) {
	share, err := conventions.ShareOf(conventions.Pod{Labels: keys{required: "rack"}})
	if err != nil || share != (gang.Share{}) {
		t.Errorf("ShareOf returned %+v, %v", share, err)
	}
}

const notAKey = `it is not the key of a node label; use a key such as "topology.kubernetes.io/zone"`

// TestBadTopologyIsAProblem checks the same errors for a member and for a pod without a gang.
func TestBadTopologyIsAProblem(t *testing.T) {
	many := strings.Repeat("a,", 8) + "a"
	long := strings.Repeat("p", 254) + "/n"
	const size = `the number of members that must be in one domain, such as "4"`
	for _, tc := range []struct {
		says keys
		want string
	}{
		{keys{required: ""}, `annotation ` + required + ` has the value "": ` + notAKey},
		{keys{required: "a b"}, `annotation ` + required + ` has the value "a b": ` + notAKey},
		{keys{required: "A.com/rack"}, `annotation ` + required + ` has the value "A.com/rack": ` + notAKey},
		{keys{required: "a/b/c"}, `annotation ` + required + ` has the value "a/b/c": ` + notAKey},
		{keys{required: "/a"}, `annotation ` + required + ` has the value "/a": ` + notAKey},
		{keys{required: "a/"}, `annotation ` + required + ` has the value "a/": ` + notAKey},
		{keys{required: "a..b/c"}, `annotation ` + required + ` has the value "a..b/c": ` + notAKey},
		{keys{required: rack + "," + block}, `annotation ` + required + ` has the value "` + rack + "," + block + `": ` + notAKey},
		{keys{required: long}, `annotation ` + required + ` has the value "` + long[:64] + `...": ` + notAKey},
		{keys{required: strings.Repeat("n", 64)}, `annotation ` + required + ` has the value "` + strings.Repeat("n", 64) + `": ` + notAKey},
		{keys{spread: " "}, `annotation ` + spread + ` has the value " ": ` + notAKey},
		{keys{sliceRequired: "-", sliceSize: "2"}, `annotation ` + sliceRequired + ` has the value "-": ` + notAKey},
		{
			keys{preferred: ""},
			`annotation ` + preferred + ` has the value "": "": ` + notAKey + `; separate several by commas, the narrowest first`,
		},
		{keys{preferred: rack + ","}, `annotation ` + preferred + ` has the value "` + rack + `,": "": ` + notAKey},
		{keys{preferred: "a b"}, `annotation ` + preferred + ` has the value "a b": "a b": ` + notAKey},
		{
			keys{preferred: "a/b,c,a/b"},
			`annotation ` + preferred + ` has the value "a/b,c,a/b": it has the key "a/b" twice; keep one of them`,
		},
		{keys{preferred: many}, `annotation ` + preferred + ` has the value "` + many + `": it has 9 keys; use at most 8`},
		{
			keys{sliceRequired: rack},
			`annotation ` + sliceSize + ` is missing: ` + sliceRequired + ` is set, so set this one too, to ` + size,
		},
		{
			keys{sliceSize: "4"},
			`annotation ` + sliceRequired + ` is missing: ` + sliceSize + ` is set, so set this one too, to the key of a node label`,
		},
		{keys{sliceRequired: rack, sliceSize: ""}, `annotation ` + sliceSize + ` has the value "": it is empty; set it to ` + size},
		{keys{sliceRequired: rack, sliceSize: "0"}, `annotation ` + sliceSize + ` has the value "0": it is less than 1; set it to ` + size},
		{keys{sliceRequired: rack, sliceSize: "2.5"}, `annotation ` + sliceSize + ` has the value "2.5": it is not a whole number; set it`},
		{keys{sliceRequired: rack, sliceSize: "2147483648"}, `annotation ` + sliceSize + ` has the value "2147483648": it is out of range`},
		{
			keys{sliceRequired: rack, sliceSize: "4", spread: rack},
			`annotation ` + spread + ` has the value "` + rack + `": ` + sliceRequired + ` names the same key, but slices keep members together ` +
				`where this spreads them; remove one of them, or use two keys`,
		},
	} {
		share, err := conventions.ShareOf(conventions.Pod{Annotations: tc.says})
		var p *conventions.Problem
		if !errors.As(err, &p) || !strings.HasPrefix(err.Error(), tc.want) || share != (gang.Share{}) {
			t.Errorf("ShareOf returned %+v, %v, want the problem %q", share, err, tc.want)
		}
		pod := conventions.Pod{Annotations: keys{group: "a", "pod-group.scheduling.sigs.k8s.io/min-available": "2"}}
		maps.Copy(pod.Annotations, tc.says)
		refuses(t, pod, tc.want)
	}
}

// TestRolesHaveATopologyOfTheirOwn checks the fields of a role, and that annotations are about the whole gang.
func TestRolesHaveATopologyOfTheirOwn(t *testing.T) {
	for _, tc := range []struct {
		name             string
		launcher, worker string
		annotations      keys
		want             [2]gang.Topology
		whole            gang.Topology
	}{
		{name: "nothing"},
		{
			name: "null is nothing",
			worker: `,"topologyRequired":null,"topologyPreferred":null,"topologySliceRequired":null,"topologySliceSize":null,` +
				`"topologySpread":null`,
		},
		{
			name:     "each its own, and the gang",
			launcher: `,"topologySpread":"` + zone + `"`,
			worker: `,"topologyRequired":"` + block + `","topologyPreferred":"` + host + `, ` + rack + `","topologySliceRequired":"` + rack +
				`","topologySliceSize":4`,
			annotations: keys{required: zone},
			want: [2]gang.Topology{
				{Spread: zone},
				{Required: block, Preferred: []string{host, rack}, SliceRequired: rack, SliceSize: 4},
			},
			whole: gang.Topology{Required: zone},
		},
		{
			name: "a number as in the annotation", worker: `,"topologySliceRequired":"` + rack + `","topologySliceSize":"4"`,
			want: [2]gang.Topology{{}, {SliceRequired: rack, SliceSize: 4}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			annotations := keys{group: "a", roles: roleList(tc.launcher, tc.worker)}
			maps.Copy(annotations, tc.annotations)
			spec, err := conventions.Parse(conventions.Pod{Annotations: annotations})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, [2]gang.Topology{spec.Roles.List[0].Topology, spec.Roles.List[1].Topology}); diff != "" {
				t.Errorf("of the roles (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.whole.Stated(), spec.Topology); diff != "" {
				t.Errorf("of the gang (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRolesWithABadTopologyAreAProblem(t *testing.T) {
	for fields, want := range map[string]string{
		`"topologyRequired":"a b"`:                                               `topologyRequired "a b": ` + notAKey,
		`"topologyRequired":""`:                                                  `topologyRequired "": ` + notAKey,
		`"topologyPreferred":"a,a"`:                                              `topologyPreferred "a,a": it has the key "a" twice`,
		`"topologySliceRequired":"a"`:                                            `topologySliceSize is missing: topologySliceRequired is set`,
		`"topologySliceSize":2`:                                                  `topologySliceRequired is missing: topologySliceSize is set`,
		`"topologySliceRequired":"a","topologySliceSize":0`:                      `topologySliceSize "0": it is less than 1`,
		`"topologySliceRequired":"a","topologySliceSize":1.5`:                    `topologySliceSize "1.5": it is not a whole number`,
		`"topologySliceRequired":"a","topologySliceSize":[2]`:                    `topologySliceSize "[2]": it is not a whole number`,
		`"topologySliceRequired":"a","topologySliceSize":2,"topologySpread":"a"`: `topologySpread "a": topologySliceRequired names the same key`,
	} {
		annotations := keys{group: "a", roles: roleList("", ","+fields)}
		refuses(t, conventions.Pod{Annotations: annotations}, fmt.Sprintf("annotation %s has the value", roles))
		if _, err := conventions.Parse(conventions.Pod{Annotations: annotations}); !strings.Contains(err.Error(), `: role "worker": `+want) {
			t.Errorf("%s: %v; want %q", fields, err, want)
		}
	}
	list := conventions.Pod{Annotations: keys{group: "a", roles: roleList("", `,"topologyPreferred":["a"]`)}}
	if _, err := conventions.Parse(list); err == nil || !strings.Contains(err.Error(), "it cannot be read") {
		t.Errorf("a list: %v", err)
	}
}

// FuzzTopology checks that what is accepted is stated and read back unchanged, and that errors have a remedy.
func FuzzTopology(f *testing.F) {
	f.Add(rack, host+", "+block, rack, "4", zone)
	f.Add("", "a,,b", "a", "-1", "a")
	f.Add("a/b/c", strings.Repeat("a,", 9), "é", "1e3", "A.b/c")
	f.Fuzz(func(t *testing.T, one, several, slice, size, even string) {
		share, err := conventions.ShareOf(conventions.Pod{Annotations: keys{
			required: one, preferred: several, sliceRequired: slice, sliceSize: size, spread: even,
		}})
		if err != nil {
			var p *conventions.Problem
			if !errors.As(err, &p) || p.Remedy == "" || len(err.Error()) > 1024 {
				t.Errorf("%v", err)
			}
			return
		}
		topology := share.Topology.Topology()
		if topology.Stated() != share.Topology || topology.Required != one || topology.Spread != even || topology.SliceRequired != slice ||
			topology.SliceSize < 1 || len(topology.Preferred) != strings.Count(several, ",")+1 || one == "" || even == slice {
			t.Errorf("%+v is read of %q, %q, %q, %q, %q", topology, one, several, slice, size, even)
		}
	})
}
