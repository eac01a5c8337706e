package gangread

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Refused returns why the scheduler does not start pods because of what they say of their gang. Whether their queue exists is not
// looked at.
func Refused(pods []*corev1.Pod, schedulers []string, now time.Time) map[types.UID]error {
	l := newLedger(schedulers, now)
	refused := map[types.UID]error{}
	for _, pod := range pods {
		observe(l, pod)
		if why := l.Problem(pod.UID); why != nil {
			refused[pod.UID] = why
		}
	}
	return refused
}
