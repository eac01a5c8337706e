package ledger

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func (r *record) name() types.NamespacedName {
	return types.NamespacedName{Namespace: r.ref.Namespace, Name: r.ref.Name}
}

// succeed removes the pod that had this pod's name before. The deletion may not have been observed yet, or may never be: the
// scheduling queue and the informer use separate goroutines, and an informer may miss events when its watch is interrupted. If this
// pod is the older one, it is the deleted one.
func (l *Ledger) succeed(pod *corev1.Pod) []gang.Decision {
	r := l.names[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]
	switch {
	case r == nil || r.ref.UID == string(pod.UID):
		return nil
	case newer(pod.ResourceVersion, r.version):
		return l.delete(types.UID(r.ref.UID))
	}
	l.gone[pod.UID] = l.clock.Now()
	return nil
}

// Deleted removes a deleted pod, and an earlier one of the same name.
func (l *Ledger) Deleted(pod *corev1.Pod) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropMisfit(pod)
	return append(l.succeed(pod), l.delete(pod.UID)...)
}
