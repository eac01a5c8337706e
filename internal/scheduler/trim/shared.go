package trim

import (
	"crypto/sha256"
	"reflect"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"
)

const (
	// budget is how much memory, in bytes, the parts may hold that are remembered for pods to come, whatever is in them.
	budget = 4 << 20
	// largest is the size of the largest part that is remembered, since it pushes out as much that others share.
	largest = 64 << 10
)

// shared lets pods that are alike share what they have in common: those of one Deployment differ in little but their names.
// Whoever reads an informer's objects does not change them, so they can share maps and slices.
type shared struct {
	mu    sync.Mutex
	parts *lru.Cache // limited not in entries, but in bytes
	bytes int
}

// key is that of a part of a pod, which is some of its fields: the hash of their protobuf.
type key struct {
	kind reflect.Type
	hash [sha256.Size]byte
}

type part struct {
	value any
	bytes int
}

func newShared() *shared {
	s := &shared{}
	s.parts = lru.NewWithEvictionFunc(0, s.forgotten)
	return s
}

func (s *shared) pod(p *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := corev1.PodSpec{NodeName: p.Spec.NodeName, Hostname: p.Spec.Hostname, Volumes: p.Spec.Volumes}
	p.Spec.NodeName, p.Spec.Hostname, p.Spec.Volumes = "", "", nil
	p.Spec = *common(s, &p.Spec)
	p.Spec.NodeName, p.Spec.Hostname, p.Spec.Volumes = own.NodeName, own.Hostname, own.Volumes

	meta := common(s, &metav1.ObjectMeta{
		Namespace: p.Namespace, Labels: p.Labels, Annotations: p.Annotations, OwnerReferences: p.OwnerReferences,
	})
	p.Namespace, p.Labels, p.Annotations, p.OwnerReferences = meta.Namespace, meta.Labels, meta.Annotations, meta.OwnerReferences

	status := common(s, &corev1.PodStatus{
		ContainerStatuses: p.Status.ContainerStatuses, InitContainerStatuses: p.Status.InitContainerStatuses,
	})
	p.Status.ContainerStatuses, p.Status.InitContainerStatuses = status.ContainerStatuses, status.InitContainerStatuses
}

// common returns the part of an earlier pod that is equal, or this one.
func common[T any, P interface {
	*T
	Marshal() ([]byte, error)
}](s *shared, value P) P {
	encoded, err := value.Marshal()
	if err != nil || len(encoded) == 0 {
		return value
	}
	k := key{reflect.TypeFor[T](), sha256.Sum256(encoded)}
	known, _ := s.parts.Get(k)
	p, _ := known.(part)
	if earlier, ok := p.value.(P); ok {
		return earlier
	}
	kept := *value // a copy, so that the pod around it can go
	s.remember(k, P(&kept))
	return &kept
}

func (s *shared) remember(k key, value any) {
	p := part{value, size(reflect.ValueOf(value)) + bookkeeping}
	if p.bytes > largest {
		return
	}
	s.parts.Add(k, p)
	for s.bytes += p.bytes; s.bytes > budget; {
		s.parts.RemoveOldest()
	}
}

func (s *shared) forgotten(_ lru.Key, known any) {
	if p, ok := known.(part); ok {
		s.bytes -= p.bytes
	}
}
