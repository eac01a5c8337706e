package ledger

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// RuntimeOf returns how long a pod runs at most, as far as it says so: by the annotation or by activeDeadlineSeconds, the smaller of both.
// It is 0 if the pod does not say.
func RuntimeOf(pod *corev1.Pod) time.Duration {
	runtime := time.Duration(0)
	if said, err := time.ParseDuration(pod.Annotations[conventions.ExpectedRuntimeAnnotation]); err == nil && said > 0 {
		runtime = said
	}
	if seconds := pod.Spec.ActiveDeadlineSeconds; seconds != nil && *seconds > 0 {
		if deadline := time.Duration(*seconds) * time.Second; deadline > 0 && (runtime == 0 || deadline < runtime) {
			runtime = deadline
		}
	}
	return runtime
}

// StartedAt returns when a pod that has a node started, or was bound if the kubelet has not said so yet. It is zero for a pod that is
// being bound.
func StartedAt(pod *corev1.Pod) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return scheduledAt(pod)
}
