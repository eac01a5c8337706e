package scenarios

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// TestGangsFollowPreferences: of the nodes that fit, a gang's members go to those that the pods or the nodes prefer. Packing alone
// would choose others: it takes the node with the least free capacity.
func TestGangsFollowPreferences(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "scores", []world{
		{
			name:  "without preferences the gang is packed",
			nodes: map[string]string{"small": "2", "large": "8"},
			make:  func(s *scenario) { s.members("g", 2, "w", 2) },
			want:  []string{"w: small small"},
		},
		{
			name:  "preferred node affinity",
			nodes: map[string]string{"small": "2"},
			make: func(s *scenario) {
				s.labelled("ssd", "8", map[string]string{"disk": "ssd"})
				s.members("g", 2, "w", 2, prefersNodes("disk", "ssd"))
			},
			want: []string{"w: ssd ssd"},
		},
		{
			name:  "preferred node affinity for as many as there is room for",
			nodes: map[string]string{"small": "2"},
			make: func(s *scenario) {
				s.labelled("ssd", "1", map[string]string{"disk": "ssd"})
				s.members("g", 3, "w", 3, prefersNodes("disk", "ssd"))
			},
			want: []string{"w: small small ssd"},
		},
		{
			name:  "the heavier of two preferences",
			nodes: map[string]string{"small": "2"},
			make: func(s *scenario) {
				s.labelled("hdd", "4", map[string]string{"disk": "hdd"})
				s.labelled("ssd", "8", map[string]string{"disk": "ssd"})
				s.members("g", 2, "w", 2, prefersNodes("disk", "ssd"), prefersNodes("disk", "hdd"), weighing(90, 10))
			},
			want: []string{"w: ssd ssd"},
		},
		{
			name:  "a preference gives way to a gang that fits",
			nodes: map[string]string{"small": "2"},
			make: func(s *scenario) {
				s.labelled("ssd", "4", map[string]string{"disk": "ssd"})
				s.members("g", 3, "thin", 2, prefersNodes("disk", "ssd"))
				s.members("g", 3, "thick", 1, asks("4"))
			},
			want: []string{"thin: small small", "thick: ssd"},
		},
		{
			name:  "members of one gang with different preferences",
			nodes: map[string]string{"small": "4"},
			make: func(s *scenario) {
				s.labelled("hdd", "8", map[string]string{"disk": "hdd"})
				s.labelled("ssd", "8", map[string]string{"disk": "ssd"})
				s.members("g", 4, "fast", 2, prefersNodes("disk", "ssd"))
				s.members("g", 4, "slow", 2, prefersNodes("disk", "hdd"))
			},
			want: []string{"fast: ssd ssd", "slow: hdd hdd"},
		},
		{
			name:  "a node with a soft taint is avoided",
			nodes: map[string]string{"large": "8"},
			make: func(s *scenario) {
				s.tainted("tainted", "2")
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: large large"},
		},
		{
			name:  "a node with a soft taint is used where there is no other",
			nodes: map[string]string{"large": "2"},
			make: func(s *scenario) {
				s.tainted("tainted", "2")
				s.members("g", 3, "w", 3)
			},
			want: []string{"w: large large tainted"},
		},
		{
			name:  "a soft taint that is tolerated does not count",
			nodes: map[string]string{"large": "8"},
			make: func(s *scenario) {
				s.tainted("tainted", "2")
				s.members("g", 2, "w", 2, func(pod *corev1.Pod) {
					pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: "soft", Operator: corev1.TolerationOpExists})
				})
			},
			want: []string{"w: tainted tainted"},
		},
		{
			name: "soft topology spread counts pods that run",
			make: func(s *scenario) {
				s.labelled("east", "6", map[string]string{corev1.LabelTopologyZone: "east"})
				s.labelled("west", "8", map[string]string{corev1.LabelTopologyZone: "west"})
				s.single("w-7", inZone("east"))
				s.single("w-8", inZone("east"))
				s.endOn(s.t, "w: east east")
				s.members("g", 2, "w", 2, spreadsOver(corev1.LabelTopologyZone))
			},
			want: []string{"w: east east west west"},
		},
		{
			name: "soft topology spread where it cannot be followed",
			make: func(s *scenario) {
				s.labelled("east", "3", map[string]string{corev1.LabelTopologyZone: "east"})
				s.labelled("west", "1", map[string]string{corev1.LabelTopologyZone: "west"})
				s.members("g", 4, "w", 4, spreadsOver(corev1.LabelTopologyZone))
			},
			want: []string{"w: east east east west"},
		},
		{
			name:  "preferred affinity to a pod that runs",
			nodes: map[string]string{"small": "2"},
			make: func(s *scenario) {
				s.labelled("large", "8", map[string]string{"disk": "ssd"})
				s.single("cache-0", func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": "ssd"} })
				s.endOn(s.t, "cache: large")
				s.members("g", 2, "w", 2, near("cache"))
			},
			want: []string{"w: large large"},
		},
		{
			name:  "preferred anti-affinity to a pod that runs",
			nodes: map[string]string{"large": "8"},
			make: func(s *scenario) {
				s.labelled("small", "3", map[string]string{"disk": "hdd"})
				s.single("noisy-0", func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": "hdd"} })
				s.endOn(s.t, "noisy: small")
				s.members("g", 2, "w", 2, apartFrom("noisy"))
			},
			want: []string{"w: large large"},
		},
		{
			name:  "a pod that runs and prefers to be alone",
			nodes: map[string]string{"large": "8"},
			make: func(s *scenario) {
				s.labelled("small", "3", map[string]string{"disk": "hdd"})
				s.single("loner-0", apartFrom("w"), func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": "hdd"} })
				s.endOn(s.t, "loner: small")
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: large large"},
		},
		{
			name:  "a node that has the image",
			nodes: map[string]string{"small": "2", "large": "8"},
			make: func(s *scenario) {
				s.hasImage("large", "registry.k8s.io/pause:3.9", 800<<20)
				s.awaitNodes(ours)
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: large large"},
		},
		{
			name:  "a node that has devices is left alone",
			nodes: map[string]string{"devices": "2", "plain": "8"},
			make: func(s *scenario) {
				needsDevices(s.t)
				s.devices("devices", some(2, "gpu")...)
				s.awaitSlices()
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: plain plain"},
		},
		{
			name:  "a node that has devices is used where there is no other",
			nodes: map[string]string{"devices": "2", "plain": "2"},
			make: func(s *scenario) {
				needsDevices(s.t)
				s.devices("devices", some(2, "gpu")...)
				s.awaitSlices()
				s.members("g", 3, "w", 3)
			},
			want: []string{"w: devices plain plain"},
		},
		{
			name:  "a node with an extended resource is left alone",
			nodes: map[string]string{"plain": "8"},
			make: func(s *scenario) {
				s.node("devices", controlplane.NodeShape{CPU: "2", Memory: "64Gi", Pods: 110, Extended: map[string]string{"example.com/gpu": "2"}})
				s.awaitNodes(ours)
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: plain plain"},
		},
		{
			name:  "a node with an extended resource serves the members that ask for it, and no others",
			nodes: map[string]string{"plain": "8"},
			make: func(s *scenario) {
				s.node("devices", controlplane.NodeShape{CPU: "4", Memory: "64Gi", Pods: 110, Extended: map[string]string{"example.com/gpu": "2"}})
				s.awaitNodes(ours)
				s.members("g", 4, "driver", 2)
				s.members("g", 4, "worker", 2, asksFor("example.com/gpu", "1"))
			},
			want: []string{"driver: plain plain", "worker: devices devices"},
		},
		{
			name:  "a device of the whole cluster makes no node special",
			nodes: map[string]string{"small": "2", "large": "8"},
			make: func(s *scenario) {
				needsDevices(s.t)
				s.networkDevices("fabric", some(2, "nic")...)
				s.awaitSlices()
				s.members("g", 2, "w", 2)
			},
			want: []string{"w: small small"},
		},
	})
	runWorlds(t, "among", preferencesAmongMembers())
}

// labelled adds a node with labels.
func (s *scenario) labelled(name, cpu string, labels map[string]string) {
	s.t.Helper()
	s.node(name, controlplane.NodeShape{CPU: cpu, Memory: "64Gi", Pods: 110, Labels: labels})
	s.awaitNodes(ours)
}

// tainted adds a node that is to be avoided.
func (s *scenario) tainted(name, cpu string) {
	s.t.Helper()
	s.node(name, controlplane.NodeShape{
		CPU: cpu, Memory: "64Gi", Pods: 110, Taints: []corev1.Taint{{Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule}},
	})
	s.awaitNodes(ours)
}

// hasImage makes a node have an image, as its kubelet says it.
func (s *scenario) hasImage(name, image string, bytes int64) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"status": {"images": [{"names": [%q], "sizeBytes": %d}]}}`, image, bytes)
	_, err := suite.client.CoreV1().Nodes().Patch(s.ctx, nodeName(name), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		s.t.Fatal(err)
	}
}

// awaitSlices waits until the scheduler knows of the devices: it says so by starting a pod that claims one.
func (s *scenario) awaitSlices() {
	s.t.Helper()
	s.deviceClass("any", "")
	s.resourceClaim("probe", exactly("any", 1))
	s.single("slices-0", usesClaim("probe"))
	s.boundIs(s.t, "slices", 1)
	s.remove("slices")
	s.nothingAllocated(s.t)
}

func affinityOf(pod *corev1.Pod) *corev1.Affinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{
			NodeAffinity: &corev1.NodeAffinity{}, PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{},
		}
	}
	return pod.Spec.Affinity
}

// prefersNodes makes the pod prefer nodes with a label.
func prefersNodes(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		terms := &affinityOf(pod).NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*terms = append(*terms, corev1.PreferredSchedulingTerm{Weight: 50, Preference: corev1.NodeSelectorTerm{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
		}})
	}
}

// weighing gives the pod's preferences for nodes these weights.
func weighing(weights ...int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		terms := affinityOf(pod).NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		for i, weight := range weights {
			terms[i].Weight = weight
		}
	}
}

func inZone(zone string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: zone} }
}

// spreadsOver makes the pod prefer the domain with the fewest pods of its group.
func spreadsOver(key string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{groupLabel: pod.Labels[groupLabel]}},
		})
	}
}

func preferredTerm(group string) corev1.WeightedPodAffinityTerm {
	return corev1.WeightedPodAffinityTerm{Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{
		TopologyKey:   corev1.LabelHostname,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{groupLabel: group}},
	}}
}

// near makes the pod prefer the nodes of a group of pods.
func near(group string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		terms := &affinityOf(pod).PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*terms = append(*terms, preferredTerm(group))
	}
}

// apartFrom makes the pod prefer other nodes than those of a group of pods.
func apartFrom(group string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		terms := &affinityOf(pod).PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*terms = append(*terms, preferredTerm(group))
	}
}
