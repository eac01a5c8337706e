package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// parts is how many of the 8 parts of a GPU's memory a partition of a kind takes.
var parts = map[string]int{"whole": 8, "half": 4, "quarter": 2, "eighth": 1}

// partitioned publishes a GPU of each of these nodes with all partitions that can be made of it. As with MIG, each partition takes certain
// parts of the memory, so partitions that overlap exclude each other. The devices alone do not say that, the counters do.
func (s *scenario) partitioned(nodes ...string) {
	s.t.Helper()
	one := resourcev1.Counter{Value: resource.MustParse("1")}
	for _, node := range nodes {
		spec := onlyNode(nodeName(node))
		spec.Driver = s.driver()
		spec.Pool = resourcev1.ResourcePool{Name: node, Generation: 1, ResourceSliceCount: 2}
		counters, devices := spec, spec
		memory := resourcev1.CounterSet{Name: "gpu", Counters: map[string]resourcev1.Counter{}}
		for kind, takes := range parts {
			for i := range 8 / takes {
				// Selectors tell partitions of a kind apart by where they are.
				name := fmt.Sprintf("%s-%d", kind, i)
				takenOf := resourcev1.DeviceCounterConsumption{CounterSet: "gpu", Counters: map[string]resourcev1.Counter{}}
				for part := i * takes; part < (i+1)*takes; part++ {
					takenOf.Counters[fmt.Sprint("memory-", part)] = one
				}
				devices.Devices = append(devices.Devices, resourcev1.Device{
					Name: name, Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"kind": {StringValue: &name}},
					ConsumesCounters: []resourcev1.DeviceCounterConsumption{takenOf},
				})
			}
		}
		for part := range parts["whole"] {
			memory.Counters[fmt.Sprint("memory-", part)] = one
		}
		slices.SortFunc(devices.Devices, func(a, b resourcev1.Device) int { return strings.Compare(a.Name, b.Name) })
		counters.SharedCounters = []resourcev1.CounterSet{memory}
		if created := s.publish(node+"-counters", counters); len(created.Spec.SharedCounters) == 0 {
			s.t.Skip("this API server has no counters that devices share")
		}
		s.publish(node, devices)
	}
}

// partitionClaims creates a class and a template of a claim for each kind of partition.
func (s *scenario) partitionClaims() {
	s.t.Helper()
	for kind := range parts {
		s.deviceClass(kind, fmt.Sprintf("KIND.startsWith(%q)", kind))
		s.claimTemplate(kind, exactly(kind, 1))
	}
}

// onlyOn keeps the pod on one node.
func onlyOn(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: nodeName(node)} }
}

// holds starts a pod without a gang on each of these nodes that has a claim of the template.
func (s *scenario) holds(template string, nodes ...string) {
	s.t.Helper()
	for i, node := range nodes {
		name := fmt.Sprintf("%s-%s", template, node)
		s.single(fmt.Sprintf("%s-%d", name, i), usesTemplate(template), onlyOn(node))
		s.endOn(s.t, fmt.Sprintf("%s: %s", name, node))
	}
}

// partitionsAre fails unless so many partitions are allocated, and no part of a GPU's memory twice.
func (s *scenario) partitionsAre(t *testing.T, want int) {
	t.Helper()
	taken, count := map[string]string{}, 0
	for claim, allocated := range s.allocated(t) {
		devices, _, _ := strings.Cut(allocated, " for ")
		var node, kind string
		var at int
		if _, err := fmt.Sscanf(strings.NewReplacer("/", " ", "-", " ").Replace(devices), "%s %s %d", &node, &kind, &at); err != nil {
			t.Fatalf("claim %s has the devices %q: %v", claim, devices, err)
		}
		count++
		for part := at * parts[kind]; part < (at+1)*parts[kind]; part++ {
			at := fmt.Sprint(node, "/memory-", part)
			if other, twice := taken[at]; twice {
				t.Errorf("claims %s and %s both have %s", claim, other, at)
			}
			taken[at] = claim
		}
	}
	if count != want {
		t.Errorf("%d partitions are allocated, want %d", count, want)
	}
}

// TestGangsWithPartitionsOfDevices: devices that exclude each other, because they take from the same counters, are planned for all members
// together.
func TestGangsWithPartitionsOfDevices(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "partitions", []world{
		{
			name:  "half a GPU each, and a GPU on each node",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a", "b")
				s.members("g", 4, "w", 4, usesTemplate("half"))
			},
			want: []string{"w: a a b b"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 4) },
		},
		{
			name:  "one more than fits, so none starts and nothing is held",
			nodes: map[string]string{"a": "8", "b": "8", "c": "8"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a", "b")
				s.members("g", 5, "w", 5, s.ownClaims("w", 5, "half"))
				s.waitsWith(s.t, "w-0", "cannot allocate all claims")
			},
			then: func(t *testing.T, s *scenario) {
				s.boundIs(t, "w", 0)
				s.nothingAllocated(t)
				s.single("later-0", usesTemplate("whole"))
				s.single("later-1", usesTemplate("whole"))
				s.endOn(t, "later: a b")
				s.boundIs(t, "w", 0)
				s.partitionsAre(t, 2)
				s.partitioned("c")
				s.remove("later")
				s.endOn(t, "w: * * * * *")
				s.partitionsAre(t, 5)
			},
		},
		{
			name:  "until a pod that holds an eighth goes",
			nodes: map[string]string{"a": "8"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a")
				s.holds("eighth", "a")
				s.members("g", 2, "w", 2, s.ownClaims("w", 2, "half"))
				s.waitsWith(s.t, "w-0", "cannot allocate all claims")
			},
			then: func(t *testing.T, s *scenario) {
				s.boundIs(t, "w", 0)
				s.remove("eighth-a")
				s.endOn(t, "w: a a")
				s.partitionsAre(t, 2)
			},
		},
		{
			name: "the rack with memory for all, where all racks have unallocated devices for all",
			make: func(s *scenario) {
				for rack, nodes := range map[string][]string{"r1": {"a", "b"}, "r2": {"c", "d"}, "r3": {"e", "f"}} {
					for _, node := range nodes {
						s.labelled(node, "8", map[string]string{rackLabel: rack})
					}
				}
				s.partitionClaims()
				s.partitioned("a", "b", "c", "d", "e", "f")
				s.holds("quarter", "a", "b") // which leaves both devices for a half, and memory for one
				s.holds("eighth", "c")
				s.members("g", 4, "w", 4, usesTemplate("half"), requires(rackLabel))
			},
			want: []string{"w: e e f f"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 7) },
		},
		{
			name: "slices of two, each in a rack with memory for two",
			make: func(s *scenario) {
				for _, node := range []string{"a", "b", "c"} {
					s.labelled(node, "8", map[string]string{rackLabel: "rack-of-" + node})
				}
				s.partitionClaims()
				s.partitioned("a", "b", "c")
				s.holds("eighth", "a")
				s.members("g", 4, "w", 4, usesTemplate("half"), inSlices(rackLabel, "2"))
			},
			want: []string{"w: b b c c"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 5) },
		},
		{
			name:  "partitions of all sizes fill two GPUs to the last part",
			nodes: map[string]string{"a": "8", "b": "8"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a", "b")
				s.members("g", 8, "eighth", 4, usesTemplate("eighth"))
				s.members("g", 8, "half", 2, usesTemplate("half"))
				s.members("g", 8, "quarter", 2, usesTemplate("quarter"))
			},
			want: []string{"eighth: * * * *", "half: * *", "quarter: * *"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 8) },
		},
		{
			name:  "small partitions leave the only free half whole",
			nodes: map[string]string{"a": "8"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a")
				s.claimTemplate("sixth", matching("eighth", `KIND == "eighth-6"`))
				s.holds("sixth", "a") // so the devices that come first are in the half that is free
				for _, kind := range []string{"eighth", "half", "quarter"} {
					s.members("g", 3, kind, 1, usesTemplate(kind))
				}
			},
			want: []string{"eighth: a", "half: a", "quarter: a"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 4) },
		},
		{
			name:  "small partitions leave the only free halves whole on two nodes",
			nodes: map[string]string{"a": "8", "b": "8"},
			make: func(s *scenario) {
				s.partitionClaims()
				s.partitioned("a", "b")
				s.claimTemplate("sixth", matching("eighth", `KIND == "eighth-6"`))
				s.holds("sixth", "a", "b")
				for _, kind := range []string{"eighth", "half", "quarter"} {
					s.members("g", 6, kind, 2, usesTemplate(kind))
				}
			},
			want: []string{"eighth: a b", "half: a b", "quarter: a b"},
			then: func(t *testing.T, s *scenario) { s.partitionsAre(t, 8) },
		},
	})
}

// shared publishes a device of each of these nodes with 40Gi of memory, which any number of claims may share.
func (s *scenario) shared(nodes ...string) {
	s.t.Helper()
	for _, node := range nodes {
		spec := onlyNode(nodeName(node))
		spec.Driver = s.driver()
		spec.Pool = resourcev1.ResourcePool{Name: node, Generation: 1, ResourceSliceCount: 1}
		spec.Devices = []resourcev1.Device{sharedDevice("40Gi")}
		if created := s.publish(node, spec); created.Spec.Devices[0].AllowMultipleAllocations == nil {
			s.t.Skip("this API server has no devices that several claims may share")
		}
	}
}

// sharedDevice is a device with so much memory, which any number of claims may share.
func sharedDevice(memory string) resourcev1.Device {
	return resourcev1.Device{
		Name: "gpu-0", AllowMultipleAllocations: new(true),
		Capacity: map[resourcev1.QualifiedName]resourcev1.DeviceCapacity{"memory": {Value: resource.MustParse(memory)}},
	}
}

// memoryIs fails unless this is how much memory of the nodes' devices the claims have together: "a: 40Gi".
func (s *scenario) memoryIs(t *testing.T, want ...string) {
	t.Helper()
	claims, err := suite.client.ResourceV1().ResourceClaims(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]*resource.Quantity{}
	for i := range claims.Items {
		allocation := claims.Items[i].Status.Allocation
		if allocation == nil {
			continue
		}
		for _, result := range allocation.Devices.Results {
			if used[result.Pool] == nil {
				used[result.Pool] = &resource.Quantity{Format: resource.BinarySI}
			}
			used[result.Pool].Add(result.ConsumedCapacity["memory"])
		}
	}
	var got []string
	for node, memory := range used {
		got = append(got, fmt.Sprintf("%s: %s", node, memory))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the claims have memory of %v, want %v", got, want)
	}
}

// memoryClaims creates a class and a template of a claim for each of these amounts of memory, which is its name.
func (s *scenario) memoryClaims(amounts ...string) {
	s.t.Helper()
	s.deviceClass("gpu", "")
	for _, amount := range amounts {
		s.claimTemplate(strings.ToLower(amount), sharing("gpu", amount))
	}
}

// TestGangsShareCapacityOfDevices: what members take of the capacity of a device that several claims may share is not there for the others.
func TestGangsShareCapacityOfDevices(t *testing.T) {
	needsDevices(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "capacity", []world{
		{
			name:  "four share a device",
			nodes: map[string]string{"a": "8"},
			make: func(s *scenario) {
				s.memoryClaims("10Gi")
				s.shared("a")
				s.members("g", 4, "w", 4, usesTemplate("10gi"))
			},
			want: []string{"w: a a a a"},
			then: func(t *testing.T, s *scenario) { s.memoryIs(t, "a: 40Gi") },
		},
		{
			name:  "a fifth does not fit, so none starts and nothing is held",
			nodes: map[string]string{"a": "8", "b": "8"},
			make: func(s *scenario) {
				s.memoryClaims("10Gi", "40Gi")
				s.shared("a")
				s.members("g", 5, "w", 5, s.ownRequests("w", 5, sharing("gpu", "10Gi")))
				s.waitsWith(s.t, "w-0", "cannot allocate all claims")
			},
			then: func(t *testing.T, s *scenario) {
				s.boundIs(t, "w", 0)
				s.nothingAllocated(t)
				s.single("later-0", usesTemplate("40gi"))
				s.endOn(t, "later: a")
				s.memoryIs(t, "a: 40Gi")
				s.remove("later")
				s.shared("b")
				s.endOn(t, "w: * * * * *")
			},
		},
		{
			name:  "large and small members fill two devices",
			nodes: map[string]string{"a": "8", "b": "8"},
			make: func(s *scenario) {
				s.memoryClaims("10Gi", "30Gi")
				s.shared("a", "b")
				s.members("g", 4, "small", 2, usesTemplate("10gi"))
				s.members("g", 4, "large", 2, usesTemplate("30gi"))
			},
			want: []string{"large: a b", "small: a b"},
			then: func(t *testing.T, s *scenario) { s.memoryIs(t, "a: 40Gi", "b: 40Gi") },
		},
		{
			name:  "a claim of two members counts once",
			nodes: map[string]string{"a": "8"},
			make: func(s *scenario) {
				s.memoryClaims("10Gi")
				s.shared("a")
				s.resourceClaim("pair", sharing("gpu", "30Gi"))
				s.members("g", 3, "pair", 2, usesClaim("pair"))
				s.members("g", 3, "alone", 1, usesTemplate("10gi"))
			},
			want: []string{"alone: a", "pair: a a"},
			then: func(t *testing.T, s *scenario) { s.memoryIs(t, "a: 40Gi") },
		},
		{
			name: "the rack with memory for all, where all racks have devices for all",
			make: func(s *scenario) {
				for _, node := range []string{"a", "b", "c", "d"} {
					s.labelled(node, "8", map[string]string{rackLabel: map[bool]string{true: "r1", false: "r2"}[node < "c"]})
				}
				s.memoryClaims("10Gi", "20Gi")
				s.shared("a", "b", "c", "d")
				s.holds("10gi", "a", "b")
				s.members("g", 4, "w", 4, usesTemplate("20gi"), requires(rackLabel))
			},
			want: []string{"w: c c d d"},
			then: func(t *testing.T, s *scenario) { s.memoryIs(t, "a: 10Gi", "b: 10Gi", "c: 40Gi", "d: 40Gi") },
		},
	})
}
