package slots

import corev1 "k8s.io/api/core/v1"

// Placeholders returns the pods that stand for capacity that is held or set aside, also those that are lifted for now.
func (h *Held) Placeholders() []*corev1.Pod {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*corev1.Pod, 0, len(h.pods))
	for _, pod := range h.pods {
		all = append(all, pod)
	}
	for _, pods := range h.aside.set {
		all = append(all, pods...)
	}
	return all
}
