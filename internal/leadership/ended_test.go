package leadership

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The holder acquired the lease at 12:00:10.5 and renewed it for the last time at 12:00:40.5.
var (
	noon     = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	acquired = noon.Add(10*time.Second + 500*time.Millisecond)
	renewed  = noon.Add(40*time.Second + 500*time.Millisecond)
)

// at returns that many seconds after noon.
func at(seconds int) metav1.Time {
	return metav1.NewTime(noon.Add(time.Duration(seconds) * time.Second))
}

func terminated(at metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: at, ExitCode: 137}}
}

func running(since metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

// holders is the pod of the process that holds the lease.
var holders = Pod{Namespace: "kube-system", Name: "scheduler-a", UID: "uid-a"}

// TestWhatAKubeletKnows: the process that holds a lease has ended if the kubelet says of the scheduler's container that it ended, waits, or
// was started again after the lease was last renewed.
func TestWhatAKubeletKnows(t *testing.T) {
	scheduler := func(state, last corev1.ContainerState) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: "scheduler", State: state, LastTerminationState: last}}
	}
	none := corev1.ContainerState{}
	sidecar := func(state corev1.ContainerState) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "proxy", State: state}
	}
	other := func(state corev1.ContainerState) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "kube-scheduler", State: state}
	}
	for _, test := range []struct {
		name       string
		containers []corev1.ContainerStatus
		ended      bool
	}{
		{"it ended after the last renewal", scheduler(terminated(at(41)), none), true},
		{"it ended in the second of the last renewal", scheduler(terminated(at(40)), none), true},
		{"it ended before the last renewal: an earlier process", scheduler(terminated(at(39)), none), false},
		{"it ended, and nobody knows when", scheduler(terminated(metav1.Time{}), none), false},
		{"it waits to be started again", scheduler(waiting("CrashLoopBackOff"), terminated(at(41))), true},
		{"it waited before the holder was started", scheduler(waiting("CrashLoopBackOff"), terminated(at(9))), false},
		{"it was never started", scheduler(waiting("ContainerCreating"), none), false},
		{"the kubelet lost sight of it", scheduler(waiting("ContainerCreating"), corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Reason: "ContainerStatusUnknown", ExitCode: 137},
		}), false},
		{"it was started again", scheduler(running(at(42)), terminated(at(41))), true},
		{"it runs since before the lease was acquired", scheduler(running(at(9)), none), false},
		{"it runs since the second in which the lease was acquired", scheduler(running(at(10)), none), false},
		{"it runs since after the lease was acquired, and renewed it: a clock was set back", scheduler(running(at(12)), none), false},
		{"no state", scheduler(none, none), false},
		{"no containers", nil, false},
		{"it ended, and another container runs", append(scheduler(terminated(at(41)), none), sidecar(running(at(5)))), true},
		{"another container ended, and it runs", append(scheduler(running(at(9)), none), sidecar(terminated(at(41)))), false},
		{"no container of the name, and all ended", []corev1.ContainerStatus{sidecar(terminated(at(42))), other(terminated(at(41)))}, true},
		{"no container of the name, and one runs", []corev1.ContainerStatus{sidecar(terminated(at(42))), other(running(at(9)))}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: holders.Namespace, Name: holders.Name, UID: "uid-a"}}
			pod.Status.ContainerStatuses = test.containers
			held := term{holder: holders.Identity("1"), acquired: acquired, renewed: renewed}
			if how := held.ended(pod); (how != "") != test.ended {
				t.Errorf("%q, want ended: %v", how, test.ended)
			}
		})
	}
}

// TestInTheSecondOfTheElection: the times of a kubelet are cut to seconds, so a container that ended in the second in which the lease was acquired may
// be that of the process before.
func TestInTheSecondOfTheElection(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "uid-a"}, Status: corev1.PodStatus{
		ContainerStatuses: []corev1.ContainerStatus{{Name: "scheduler", State: terminated(at(10))}},
	}}
	held := term{holder: holders.Identity("1"), acquired: acquired, renewed: acquired}
	if how := held.ended(pod); how != "" {
		t.Errorf("%q, want that it is not known", how)
	}
}

// TestWhatIsNoProof: neither the phase of a pod, which others write too, nor another pod of the name shows that the holder has ended.
func TestWhatIsNoProof(t *testing.T) {
	ended := []corev1.ContainerStatus{{Name: "scheduler", State: terminated(at(41))}}
	for _, test := range []struct {
		name   string
		holder string
		status corev1.PodStatus
	}{
		{"a pod that failed, with containers that run", holders.Identity("1"), corev1.PodStatus{
			Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{Name: "scheduler", State: running(at(9))}},
		}},
		{"a pod that failed without containers", holders.Identity("1"), corev1.PodStatus{Phase: corev1.PodFailed}},
		{"a pod that succeeded without containers", holders.Identity("1"), corev1.PodStatus{Phase: corev1.PodSucceeded}},
		{"another pod of the same name", Pod{Name: holders.Name, UID: "uid-b"}.Identity("1"), corev1.PodStatus{ContainerStatuses: ended}},
		{"the identity of a kube-scheduler", "scheduler-a_7a1e", corev1.PodStatus{ContainerStatuses: ended}},
		{"no holder", "", corev1.PodStatus{ContainerStatuses: ended}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: holders.Name, UID: "uid-a"}, Status: test.status}
			if how := (term{holder: test.holder, acquired: acquired, renewed: renewed}).ended(pod); how != "" {
				t.Errorf("%q, want that it is not known", how)
			}
		})
	}
}

// TestAnEarlierProcessOfThePod: an identity with the name and the UID of this pod is of an earlier process, unless it is of this one.
func TestAnEarlierProcessOfThePod(t *testing.T) {
	own := holders.Identity("2")
	for _, test := range []struct {
		name   string
		pod    Pod
		holder string
		want   bool
	}{
		{"an earlier process", holders, holders.Identity("1"), true},
		{"this process", holders, own, false},
		{"a process of another pod", holders, Pod{Name: "scheduler-b", UID: "uid-b"}.Identity("1"), false},
		{"a process of a pod that had the name before", holders, Pod{Name: "scheduler-a", UID: "uid-b"}.Identity("1"), false},
		{"a process that says only its host", holders, "scheduler-a_1", false},
		{"nobody", holders, "", false},
		{"the own pod is not known", Pod{}, "__1", false},
		{"the own namespace is not known", Pod{Name: "scheduler-a", UID: "uid-a"}, holders.Identity("1"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.pod.hadBefore(test.holder, own); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
