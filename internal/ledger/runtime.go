package ledger

import (
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// runtimesAtOnce is for how many pods Runtimes holds the lock without a break: scheduling goes on in between.
const runtimesAtOnce = 1024

// Runtimes returns how long each of the pods runs at most, once it has started, as far as that is known: what its gang says, or it says
// itself if it has none, or its deadline, the smaller of both. It is 0 for a pod of which neither is known.
func (l *Ledger) Runtimes(pods []*corev1.Pod) []time.Duration {
	runtimes := make([]time.Duration, 0, len(pods))
	stated := statedRuntimes{}
	for some := range slices.Chunk(pods, runtimesAtOnce) {
		l.mu.Lock()
		for _, pod := range some {
			runtimes = append(runtimes, l.runtimeOf(pod, stated))
		}
		l.mu.Unlock()
	}
	return runtimes
}

// statedRuntimes are what members say that contradict each other, by gang: for these it costs more to find.
type statedRuntimes map[*gang.Gang]time.Duration

func (s statedRuntimes) of(g *gang.Gang) time.Duration {
	if !g.RuntimesDiffer() {
		return g.StatedRuntime()
	}
	stated, known := s[g]
	if !known {
		stated = g.StatedRuntime()
		s[g] = stated
	}
	return stated
}

func (l *Ledger) runtimeOf(pod *corev1.Pod, stated statedRuntimes) time.Duration {
	if r := l.records[pod.UID]; r != nil && r.gang != nil {
		return r.gang.RuntimeOf(string(pod.UID), stated.of(r.gang))
	}
	return gang.AtMost(runtimeStatedBy(pod), deadlineOf(pod))
}

// runtimeStatedBy returns how long a pod without a gang says that it runs, 0 if it does not say it. It parses no other annotation, because
// it is called for every running pod.
func runtimeStatedBy(pod *corev1.Pod) time.Duration {
	text, says := pod.Annotations[conventions.ExpectedRuntimeAnnotation]
	if !says {
		return 0
	}
	stated, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return max(0, stated)
}

// deadlineOf returns after what time the kubelet ends the pod, 0 for never. That of a Job is not copied to its pods.
func deadlineOf(pod *corev1.Pod) time.Duration {
	seconds := pod.Spec.ActiveDeadlineSeconds
	if seconds == nil || *seconds < 0 || *seconds > int64(math.MaxInt64/time.Second) {
		return 0
	}
	return time.Duration(*seconds) * time.Second
}

// StartedAt returns when a pod that has a node started, or was bound if the kubelet has not said so yet. It is zero for a pod that is
// being bound.
func StartedAt(pod *corev1.Pod) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return scheduledAt(pod)
}
