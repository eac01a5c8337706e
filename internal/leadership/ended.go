package leadership

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// container is the one that holds the lease, in our manifests. In a pod without such a container it may be any.
const container = "scheduler"

// term is a lease as it says: who holds it, since when, and when it was renewed. Both times are of the holder's clock, which is that of its
// node, and so that of its kubelet.
type term struct {
	holder            string
	acquired, renewed time.Time
}

// same reports whether the lease was not renewed in between.
func (t term) same(as term) bool { return t.holder == as.holder && t.renewed.Equal(as.renewed) }

// ended says how the kubelet knows that the process which holds the lease has ended, or "" if it does not know, or the pod is another than
// the holder's.
//
// Only what a kubelet writes counts: the states of containers. The phase of a pod does not: when a pod is rejected or evicted, or
// its node is gone, the phase becomes Failed while containers may still run.
func (t term) ended(pod *corev1.Pod) string {
	if _, uid := podOf(t.holder); uid == "" || string(pod.UID) != uid {
		return ""
	}
	said := ""
	all := ofScheduler(slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses))
	for i := range all {
		status := &all[i]
		at, how := goneSince(&status.State, &status.LastTerminationState)
		if !t.isBefore(at) {
			return ""
		}
		said = fmt.Sprintf("container %s of pod %s/%s %s", status.Name, pod.Namespace, pod.Name, how)
	}
	return said
}

// ofScheduler returns the status of the scheduler's container, or those of all if none has its name.
func ofScheduler(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	for i := range all {
		if all[i].Name == container {
			return all[i : i+1]
		}
	}
	return all
}

// goneSince returns a time at which the last process of the container, or the one before the one that runs, did not run any more; and
// what shows it. The time is zero if it is not known.
func goneSince(state, last *corev1.ContainerState) (at time.Time, how string) {
	switch {
	case state.Terminated != nil:
		return state.Terminated.FinishedAt.Time, fmt.Sprintf("ended with exit code %d", state.Terminated.ExitCode)
	case state.Running != nil:
		return state.Running.StartedAt.Time, "was started again"
	case last.Terminated != nil: // it waits, to be started again
		return last.Terminated.FinishedAt.Time, fmt.Sprintf("ended with exit code %d, and waits", last.Terminated.ExitCode)
	}
	return time.Time{}, ""
}

// isBefore reports whether all that the holder did was before that time of a kubelet, whose times are cut to seconds. What a kubelet says
// may be old, and of a process before the holder: that one ended, as the holder started, before the holder acquired the lease.
func (t term) isBefore(at time.Time) bool {
	return at.After(t.acquired) && !at.Before(t.renewed.Truncate(time.Second))
}
