package trim

import (
	"crypto/sha256"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/lru"
)

const (
	// recent is how many different parts are remembered for pods to come.
	recent = 1024
	// largest is the largest part that is remembered, in bytes as protobuf, so that nobody's pods can fill the memory.
	largest = 4096
)

// shared lets pods that are alike share what they have in common: those of one Deployment differ in little but their names.
// Whoever reads an informer's objects does not change them, so they can share maps and slices.
type shared struct {
	parts *lru.Cache
}

func newShared() *shared { return &shared{parts: lru.New(recent)} }

// part is what the key stands for: some fields of a pod, of which it is the protobuf's hash.
type part [sha256.Size]byte

func (s *shared) pod(p *corev1.Pod) {
	p.Namespace, p.Spec.NodeName = unique.Make(p.Namespace).Value(), unique.Make(p.Spec.NodeName).Value()

	own := corev1.PodSpec{NodeName: p.Spec.NodeName, Hostname: p.Spec.Hostname, Volumes: p.Spec.Volumes}
	p.Spec.NodeName, p.Spec.Hostname, p.Spec.Volumes = "", "", nil
	p.Spec = *common(s, &p.Spec)
	p.Spec.NodeName, p.Spec.Hostname, p.Spec.Volumes = own.NodeName, own.Hostname, own.Volumes

	meta := common(s, &metav1.ObjectMeta{Labels: p.Labels, Annotations: p.Annotations, OwnerReferences: p.OwnerReferences})
	p.Labels, p.Annotations, p.OwnerReferences = meta.Labels, meta.Annotations, meta.OwnerReferences

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
	if err != nil || len(encoded) == 0 || len(encoded) > largest {
		return value
	}
	key := part(sha256.Sum256(encoded))
	if known, ok := s.parts.Get(key); ok {
		if earlier, ok := known.(P); ok {
			return earlier
		}
		return value // another type with the same bytes
	}
	kept := *value // a copy, so that the pod around it can go
	s.parts.Add(key, P(&kept))
	return &kept
}
