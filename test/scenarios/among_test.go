package scenarios

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// preferencesAmongMembers are worlds in which members prefer something about each other: where one goes decides which nodes are best for
// the next. Without that, all would be packed onto the node with the least room.
func preferencesAmongMembers() []world {
	zones := func(s *scenario, east, west string) {
		s.labelled("east", east, map[string]string{corev1.LabelTopologyZone: "east"})
		s.labelled("west", west, map[string]string{corev1.LabelTopologyZone: "west"})
	}
	onLarge := func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"size": "large"} }
	large := func(s *scenario, cpu string) { s.labelled("large", cpu, map[string]string{"size": "large"}) }
	return []world{
		{
			name: "members spread over zones",
			make: func(s *scenario) {
				zones(s, "4", "8")
				s.members("g", 4, "w", 4, spreadsOver(corev1.LabelTopologyZone))
			},
			want: []string{"w: east east west west"},
		},
		{
			name:  "members spread over nodes",
			nodes: map[string]string{"a": "4", "b": "6", "c": "8"},
			make:  func(s *scenario) { s.members("g", 3, "w", 3, spreadsOver(corev1.LabelHostname)) },
			want:  []string{"w: a b c"},
		},
		{
			name:  "members that prefer to be apart",
			nodes: map[string]string{"a": "4", "b": "6", "c": "8"},
			make:  func(s *scenario) { s.members("g", 3, "w", 3, apartFrom("w")) },
			want:  []string{"w: a b c"},
		},
		{
			name:  "members that prefer to be apart, more than nodes",
			nodes: map[string]string{"a": "4", "b": "8"},
			make:  func(s *scenario) { s.members("g", 4, "w", 4, apartFrom("w")) },
			want:  []string{"w: a a b b"},
		},
		{
			name:  "workers that prefer to be near the launcher",
			nodes: map[string]string{"small": "4"},
			make: func(s *scenario) {
				large(s, "8")
				s.members("g", 3, "w", 2, near("launcher"))
				s.members("g", 3, "launcher", 1, onLarge)
			},
			want: []string{"w: large large", "launcher: large"},
		},
		{
			name:  "workers that prefer to be apart from the launcher",
			nodes: map[string]string{"other": "8"},
			make: func(s *scenario) {
				large(s, "4")
				s.members("g", 3, "w", 2, apartFrom("launcher"))
				s.members("g", 3, "launcher", 1, onLarge)
			},
			want: []string{"w: other other", "launcher: large"},
		},
		{
			name:  "two classes that prefer to be near each other",
			nodes: map[string]string{"small": "1"},
			make: func(s *scenario) {
				large(s, "6")
				s.members("g", 3, "w", 2, near("launcher"), asks("2"), onLarge)
				s.members("g", 3, "launcher", 1, near("w"))
			},
			want: []string{"w: large large", "launcher: large"},
		},
		{
			name:  "members that prefer to be apart give way to the gang",
			nodes: map[string]string{"other": "3"},
			make: func(s *scenario) {
				large(s, "1")
				s.members("g", 4, "w", 3, apartFrom("w"))
				s.members("g", 4, "launcher", 1, onLarge)
			},
			want: []string{"w: other other other", "launcher: large"},
		},
		{
			name: "members that prefer an even spread give way to the gang",
			make: func(s *scenario) {
				zones(s, "3", "1")
				s.members("g", 4, "w", 3, spreadsOver(corev1.LabelTopologyZone))
				s.members("g", 4, "launcher", 1, inZone("west"))
			},
			want: []string{"w: east east east", "launcher: west"},
		},
		{
			name: "preferences about members and about nodes",
			make: func(s *scenario) {
				for _, name := range []string{"a", "b"} {
					s.node(name, controlplane.NodeShape{CPU: "8", Memory: "64Gi", Pods: 110, Labels: map[string]string{"disk": "ssd"}})
				}
				s.node("c", controlplane.NodeShape{CPU: "4", Memory: "64Gi", Pods: 110})
				s.awaitNodes(ours)
				s.members("g", 4, "w", 4, prefersNodes("disk", "ssd"), apartFrom("w"))
			},
			want: []string{"w: a a b c"},
		},
	}
}
