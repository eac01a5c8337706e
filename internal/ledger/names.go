package ledger

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func (r *record) name() types.NamespacedName {
	return types.NamespacedName{Namespace: r.ref.Namespace, Name: r.ref.Name}
}

// succeed forgets the pod whose name this one has now. Who tells of the new pod may not have told of the deletion yet, or tells of it
// only by the name: the scheduling queue and the informer speak on goroutines of their own, and an informer whose watch was cut may
// have seen neither. If this pod is the older one, it is the one that is gone.
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

// Deleted forgets a pod that is gone, and one that had its name before.
func (l *Ledger) Deleted(pod *corev1.Pod) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(l.succeed(pod), l.delete(pod.UID)...)
}
