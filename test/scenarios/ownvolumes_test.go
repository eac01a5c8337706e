package scenarios

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestGangsWithVolumesOfTheirOwn: the volume or the storage that a member gets is not there for the next.
func TestGangsWithVolumesOfTheirOwn(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "ownvolumes", []world{
		{
			name:  "a volume for each is made where it goes",
			nodes: map[string]string{"a": "1", "b": "1", "c": "1"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				for i := range 3 {
					name := fmt.Sprint("data-", i)
					s.volumeClaim(name, "disk", "1Gi", once)
					s.members("g", 3, fmt.Sprint("w", i), 1, mounts(name))
				}
			},
			want: []string{"w0: *", "w1: *", "w2: *"},
		},
		{
			name:  "a stateful set whose pods are a gang",
			nodes: map[string]string{"a": "2", "b": "2"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.statefulGang("w", 4)
			},
			want: []string{"w: a a b b"},
		},
		{
			name:  "one local volume on each node",
			nodes: map[string]string{"a": "4", "b": "4", "c": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				for i, node := range []string{"a", "b", "c"} {
					s.localVolume("on-"+node, "local", "10Gi", node, once)
					s.volumeClaim(fmt.Sprint("data-", i), "local", "1Gi", once)
				}
				for i := range 3 {
					s.members("g", 3, fmt.Sprint("w", i), 1, mounts(fmt.Sprint("data-", i)))
				}
			},
			want: []string{"w0: *", "w1: *", "w2: *"},
			then: func(t *testing.T, s *scenario) { s.onNodes(t, "a", "b", "c") },
		},
		{
			name:  "two local volumes for each member, and two on each node",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				for _, name := range []string{"a", "b"} {
					for i := range 2 {
						s.localVolume(fmt.Sprintf("on-%s-%d", name, i), "local", "10Gi", name, once)
						s.volumeClaim(fmt.Sprintf("data-%s-%d", name, i), "local", "1Gi", once)
					}
				}
				s.members("g", 2, "first", 1, mounts("data-a-0"), mounts("data-a-1"))
				s.members("g", 2, "second", 1, mounts("data-b-0"), mounts("data-b-1"))
			},
			want: []string{"first: *", "second: *"},
			then: func(t *testing.T, s *scenario) { s.onNodes(t, "a", "b") },
		},
		{
			name:  "the large local volume is left to the member that needs it",
			nodes: map[string]string{"large": "1", "small": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				s.localVolume("large", "local", "100Gi", "large", once)
				s.localVolume("small", "local", "10Gi", "small", once)
				s.volumeClaim("little", "local", "5Gi", once)
				s.volumeClaim("much", "local", "50Gi", once)
				s.members("g", 2, "little", 1, mounts("little"))
				s.members("g", 2, "much", 1, mounts("much"))
			},
			want: []string{"little: small", "much: large"},
		},
		{
			name:  "a local volume for each and a volume that is made for each",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.provisions("disk", true)
				s.storageClass("local", noProvisioner)
				for i, node := range []string{"a", "b"} {
					s.localVolume("on-"+node, "local", "10Gi", node, once)
					s.volumeClaim(fmt.Sprint("local-", i), "local", "1Gi", once)
					s.volumeClaim(fmt.Sprint("made-", i), "disk", "1Gi", once)
				}
				for i := range 2 {
					s.members("g", 2, fmt.Sprint("w", i), 1, mounts(fmt.Sprint("local-", i)), mounts(fmt.Sprint("made-", i)))
				}
			},
			want: []string{"w0: *", "w1: *"},
			then: func(t *testing.T, s *scenario) { s.onNodes(t, "a", "b") },
		},
		{
			name:  "a claim that is bound already takes the gang to its node",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				s.localVolume("large", "local", "10Gi", "large", shared)
				s.volumeClaim("data", "local", "1Gi", shared)
				s.single("first-0", mounts("data"))
				s.endOn(s.t, "first: large")
				s.localVolume("small", "local", "10Gi", "small", shared)
				s.members("g", 2, "w", 2, mounts("data"))
			},
			want: []string{"w: large large"},
		},
		{
			name:  "a claim that is bound to a volume of every node holds nobody back",
			nodes: map[string]string{"a": "2", "b": "2"},
			make: func(s *scenario) {
				s.provisions("disk", false)
				s.volumeClaim("data", "disk", "1Gi", shared)
				s.single("first-0", mounts("data"))
				s.endOn(s.t, "first: *")
				s.members("g", 3, "w", 3, mounts("data"))
			},
			want: []string{"w: * * *"},
		},
		{
			name:  "storage that is enough for one member on each node",
			nodes: map[string]string{"a": "4", "b": "4", "c": "4"},
			make: func(s *scenario) {
				s.provisions("disk", true).capacity(map[string]string{"a": "10Gi", "b": "10Gi", "c": "10Gi"})
				for i := range 3 {
					s.volumeClaim(fmt.Sprint("data-", i), "disk", "6Gi", once)
				}
				for i := range 3 {
					s.members("g", 3, fmt.Sprint("w", i), 1, mounts(fmt.Sprint("data-", i)))
				}
			},
			want: []string{"w0: *", "w1: *", "w2: *"},
			then: func(t *testing.T, s *scenario) { s.onNodes(t, "a", "b", "c") },
		},
		{
			name:  "a node with too little storage is left out",
			nodes: map[string]string{"small": "2", "large": "4"},
			make: func(s *scenario) {
				s.provisions("disk", true).capacity(map[string]string{"small": "5Gi", "large": "20Gi"})
				for i := range 2 {
					s.volumeClaim(fmt.Sprint("data-", i), "disk", "6Gi", once)
				}
				for i := range 2 {
					s.members("g", 2, fmt.Sprint("w", i), 1, mounts(fmt.Sprint("data-", i)))
				}
			},
			want: []string{"w0: large", "w1: large"},
		},
	})
}

// TestGangWithoutVolumesForAllTakesNone: a gang with too few volumes holds none, binds no member, and starts when there are more.
func TestGangWithoutVolumesForAllTakesNone(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	runWorlds(t, "fewvolumes", []world{
		{
			name:  "local volumes",
			nodes: map[string]string{"a": "4", "b": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				s.localVolume("on-a", "local", "10Gi", "a", once)
				for i := range 2 {
					s.volumeClaim(fmt.Sprint("data-", i), "local", "1Gi", once)
				}
				s.members("g", 2, "w", 1, mounts("data-0"))
				s.members("g", 2, "v", 1, mounts("data-1"))
			},
			then: func(t *testing.T, s *scenario) {
				s.whyWaits(t, "w-0")
				s.whyWaits(t, "v-0")
				s.allBound(t, 0)
				s.noVolumesBound(t)
				s.localVolume("on-b", "local", "10Gi", "b", once)
				s.allBound(t, 2)
				s.onNodes(t, "a", "b")
			},
		},
		{
			name:  "a volume that one pod alone may use",
			nodes: map[string]string{"a": "4"},
			make: func(s *scenario) {
				s.storageClass("local", noProvisioner)
				s.localVolume("on-a", "local", "10Gi", "a", corev1.ReadWriteOncePod)
				s.volumeClaim("data", "local", "1Gi", corev1.ReadWriteOncePod)
				s.members("g", 2, "w", 2, mounts("data"))
			},
			then: func(t *testing.T, s *scenario) {
				s.whyWaits(t, "w-0")
				s.whyWaits(t, "w-1")
				s.allBound(t, 0)
				s.noVolumesBound(t)
			},
		},
	})
}

// statefulGang creates a StatefulSet with pods that start together, each with a volume of the class disk.
func (s *scenario) statefulGang(name string, size int32) {
	s.t.Helper()
	template := podSpec{name: name + "-x", cpu: "1", scheduler: ours, annotations: gangAnnotations(name, int(size))}.pod()
	mounts("data")(template)
	template.Spec.Volumes = nil // the controller adds each pod's own
	class := s.class("disk")
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &size, ServiceName: name, PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector: &metav1.LabelSelector{MatchLabels: template.Labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: template.ObjectMeta, Spec: template.Spec},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{once},
					Resources: corev1.VolumeResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
					},
				},
			}},
		},
	}
	sets := suite.client.AppsV1().StatefulSets(s.namespace)
	if _, err := sets.Create(s.ctx, set, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.deleteSet(name) })
}

// deleteSet deletes a stateful set, or it would replace the pods that a scenario deletes at its end.
func (s *scenario) deleteSet(name string) {
	background := metav1.DeletePropagationBackground
	err := suite.client.AppsV1().StatefulSets(s.namespace).Delete(context.Background(), name, metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil {
		s.t.Error(err)
	}
}
