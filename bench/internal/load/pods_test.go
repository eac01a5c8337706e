package load

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPodGroupsHaveThePriorityOfTheirPods(t *testing.T) {
	client := fake.NewClientset()
	batch := &Batch{Prefix: "b1", Count: 5, Size: 3, Style: PodGroups, Priority: High}
	if err := batch.CreateGroups(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	groups, err := client.SchedulingV1alpha2().PodGroups(Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(groups.Items) != 2 {
		t.Fatalf("got %+v, %v, want two groups", groups, err)
	}
	for i, want := range []int32{3, 2} {
		spec := groups.Items[i].Spec
		if spec.PriorityClassName != High || spec.SchedulingPolicy.Gang.MinCount != want {
			t.Errorf("%s is %+v, want a gang of %d with priority %s", groups.Items[i].Name, spec, want, High)
		}
		if pod := batch.pod(3 * i); pod.Spec.PriorityClassName != High || *pod.Spec.SchedulingGroup.PodGroupName != groups.Items[i].Name {
			t.Errorf("its first pod is %+v", pod.Spec)
		}
	}
}

func TestPodsThatFitNowhere(t *testing.T) {
	pod := (&Batch{Prefix: "b1", Count: 1, Size: 1, Nowhere: true}).pod(0)
	for key := range pod.Spec.NodeSelector {
		if _, ok := node(0).Labels[key]; ok || len(pod.Spec.NodeSelector) != 1 {
			t.Errorf("the pod selects %v, and a node has %v", pod.Spec.NodeSelector, node(0).Labels)
		}
	}
	if len(pod.Spec.NodeSelector) == 0 {
		t.Error("the pod selects no nodes")
	}
}

func TestGroupsInOneRack(t *testing.T) {
	client := fake.NewClientset()
	for i := range 2 * Racks {
		if _, err := client.CoreV1().Nodes().Create(t.Context(), node(i), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	batch := &Batch{Prefix: "b1", Count: 6, Size: 2, Style: PodGroups, OneRack: true}
	if err := batch.CreateGroups(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	group, err := client.SchedulingV1alpha2().PodGroups(Namespace).Get(t.Context(), "b1-0", metav1.GetOptions{})
	if err != nil || group.Spec.SchedulingConstraints.Topology[0].Key != RackKey {
		t.Errorf("the group is %+v, %v, want one in one rack", group, err)
	}
	batch.Style = Annotations
	if got := batch.pod(0).Annotations["kubenexus.io/topology-required"]; got != RackKey {
		t.Errorf("a pod requires %q, want %q", got, RackKey)
	}
	for i, node := range []int{0, Racks, 1, 2, -1, 3} { // b1-0 is in one rack, b1-1 in two, b1-2 has one bound pod
		pod := batch.pod(i)
		if node >= 0 {
			pod.Spec.NodeName = nodeName(node)
		}
		if _, err := client.CoreV1().Pods(Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := batch.InSeveralRacks(t.Context(), client); err != nil || got != 1 {
		t.Errorf("%d groups are in several racks, %v, want 1", got, err)
	}
}
