package trim

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkPod trims pods that are bound and alike, as they come from the API server one by one.
func BenchmarkPod(b *testing.B) {
	trimmer := newTrimmer()
	pods := make([]*corev1.Pod, b.N)
	for i := range pods {
		pods[i] = &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
				Name:          fmt.Sprint("p", i), Namespace: "default", Labels: map[string]string{"group": fmt.Sprint(i / 100), "app": "a"},
				Annotations: map[string]string{
					"pod-group.scheduling.sigs.k8s.io/name": fmt.Sprint(i / 100), "pod-group.scheduling.sigs.k8s.io/min-available": "100",
				},
			},
			Spec: corev1.PodSpec{
				NodeName: fmt.Sprint("n", i%1000), SchedulerName: "kubenexus-scheduler",
				Tolerations: []corev1.Toleration{{Key: "a", Operator: corev1.TolerationOpExists}, {Key: "b", Operator: corev1.TolerationOpExists}},
				Containers: []corev1.Container{{Name: "main", Image: "pause", Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")},
				}}},
			},
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range pods {
		if _, err := trimmer.object(pods[i]); err != nil {
			b.Fatal(err)
		}
	}
}
