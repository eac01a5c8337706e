package explain

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"
)

// TestContainersAreAddedUpAsTheLibraryDoes: with any requests, statuses and resizes.
func TestContainersAreAddedUpAsTheLibraryDoes(t *testing.T) {
	names := []corev1.ResourceName{corev1.ResourcePods, corev1.ResourceCPU, corev1.ResourceMemory, "nvidia.com/gpu"}
	list := rapid.Custom(func(t *rapid.T) corev1.ResourceList {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		all := corev1.ResourceList{}
		for _, name := range names[1:] {
			if rapid.Bool().Draw(t, "has "+string(name)) {
				all[name] = *resource.NewMilliQuantity(1000*rapid.Int64Range(0, 4).Draw(t, string(name)), resource.DecimalSI)
			}
		}
		return all
	})
	rapid.Check(t, func(t *rapid.T) {
		pod := &corev1.Pod{}
		for i := range rapid.IntRange(1, 3).Draw(t, "containers") {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
				Name: fmt.Sprint(i), Resources: corev1.ResourceRequirements{Requests: list.Draw(t, "requests")},
			})
			if rapid.Bool().Draw(t, "status") {
				status := corev1.ContainerStatus{Name: fmt.Sprint(i), AllocatedResources: list.Draw(t, "allocated")}
				if rapid.Bool().Draw(t, "resources") {
					status.Resources = &corev1.ResourceRequirements{Requests: list.Draw(t, "actuated")}
				}
				pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status)
			}
		}
		switch rapid.IntRange(0, 5).Draw(t, "more") {
		case 0:
			pod.Spec.InitContainers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list.Draw(t, "init")}}}
		case 1:
			pod.Spec.Overhead = list.Draw(t, "overhead")
		case 2:
			pod.Spec.Resources = &corev1.ResourceRequirements{Requests: list.Draw(t, "of the pod")}
		case 3:
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Reason: corev1.PodReasonInfeasible}}
		}
		pod.Spec.NodeName = "n"
		want := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{UseStatusResources: true})
		got := kinds(names).usedBy([]*corev1.Pod{pod}, map[string]int{"n": 0})
		for i, name := range names[1:] {
			if amount := amountIn(want, name); got[i+1] != amount {
				t.Fatalf("the pod requests %d of %s, counted as %d", amount, name, got[i+1])
			}
		}
	})
}
