package gangread

import corev1 "k8s.io/api/core/v1"

// BriefOf returns a gang in short, with what these pods request.
func BriefOf(g Gang, pods []*corev1.Pod) Brief {
	f := Found{Gang: g, pods: map[string]*corev1.Pod{}}
	for _, pod := range pods {
		f.pods[string(pod.UID)] = pod
	}
	return f.Brief()
}
