package ledger

import (
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// slotMoves tracks the moves of slots.
type slotMoves struct {
	// moves are the moves that Moves has not returned yet.
	moves []gang.Move
	// taking is the pod that was popped last. It may be about to take a slot.
	taking types.UID
}

// follow collects the moves of g's slots. Released slots may help other gangs.
func (l *Ledger) follow(g *gang.Gang, decisions []gang.Decision) []gang.Decision {
	moves := g.Moves()
	if len(moves) == 0 {
		return decisions
	}
	l.moves = append(l.moves, moves...)
	freed := false
	for i := range moves {
		m := &moves[i]
		l.useSlot(*m)
		if m.Free {
			l.changes.add(m.Node, change{})
			freed = true
		}
	}
	l.changes.count++
	l.changes.anything = l.changes.count // the slots of a namespace are limited, so any move may help
	if freed {
		decisions = append(decisions, gang.Freed{})
	}
	return decisions
}

// Moves returns the moves of slots since the last call, in order.
func (l *Ledger) Moves() []gang.Move {
	l.mu.Lock()
	defer l.mu.Unlock()
	moves := l.moves
	l.moves = nil
	return moves
}

// Take assigns to the popped pod the slot that is held for it, if there is one. The slot does not block the pod while it is
// scheduled. Call Take before taking the snapshot of the pod's scheduling cycle.
func (l *Ledger) Take(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	var decisions []gang.Decision
	if r := l.records[l.taking]; r != nil && r.gang != nil {
		r.gang.Return(string(l.taking))
		l.touch(r.gang)
		decisions = l.follow(r.gang, nil)
	}
	l.taking = uid
	if r := l.records[uid]; r != nil && r.gang != nil {
		r.gang.Take(string(uid))
		l.touch(r.gang)
		decisions = l.follow(r.gang, decisions)
	}
	return decisions
}

// Reservation returns the text of the gang's reservation to write on the pod when it is bound, or "". It fails if the text is too
// long for an annotation.
func (l *Ledger) Reservation(uid types.UID) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.Reservation(string(uid), l.clock.Now())
	}
	return "", nil
}

// Restore holds the slots again that an earlier process held for the gang of this creator.
func (l *Ledger) Restore(uid types.UID, reservation gang.Reservation) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	if r == nil || r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.Restore(string(uid), reservation, l.clock.Now()))
}

// DeclaredBy returns the roles that a pod declares if it is the creator of its gang, or nil.
func (l *Ledger) DeclaredBy(uid types.UID) []gang.Role {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil && r.gang != nil {
		return r.gang.DeclaredBy(string(uid))
	}
	return nil
}

// Finish records a pod that succeeded or failed. It uses no capacity any more, and may have been a gang's member.
func (l *Ledger) Finish(pod *corev1.Pod) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	earlier := l.succeed(pod)
	spec, problem := l.parse(pod)
	earlier = l.leaveQueue(pod.UID, earlier)
	if _, served := l.profiles[pod.Spec.SchedulerName]; !served || spec == nil || problem != nil || cutShort(pod) {
		return append(earlier, l.finishedGone(pod.UID)...)
	}
	if l.finished[pod.UID] != nil {
		return earlier
	}
	l.gone[pod.UID] = l.clock.Now() // the queue may still have it
	g := l.gang(keyOf(pod, spec))
	l.finished[pod.UID] = g
	f := gang.Finished{
		UID: string(pod.UID), Name: pod.Name, Role: spec.Role, Node: pod.Spec.NodeName,
		Succeeded: pod.Status.Phase == corev1.PodSucceeded, At: EndedAt(pod),
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		f.OwnerUID, f.OwnedByPod = string(owner.UID), owner.Kind == "Pod"
	}
	f.Index = completionIndex(pod)
	if Rejected(pod) {
		f.RejectedBy, f.Reason = pod.Spec.NodeName, pod.Status.Reason
	}
	earlier = append(earlier, g.Finish(f, l.clock.Now())...)
	return l.after(g, append(earlier, l.forget(pod.UID)...))
}

// cutShort reports whether the pod ended because it was being deleted. A Job counts a pod that succeeds during its deletion as
// succeeded; other controllers may have stopped the pod and recreate it.
func cutShort(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp == nil {
		return false
	}
	return pod.Status.Phase != corev1.PodSucceeded || !isJob(metav1.GetControllerOf(pod))
}

// isJob reports whether the owner is a Kubernetes Job, as opposed to one of Volcano.
func isJob(owner *metav1.OwnerReference) bool {
	return owner != nil && owner.Kind == "Job" && strings.HasPrefix(owner.APIVersion, batchv1.GroupName+"/")
}

// Counted records how many pods of a Job succeeded, as the Job reports it.
func (l *Ledger) Counted(key gang.Key, job types.UID, succeeded int) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil {
		return nil
	}
	return l.after(g, g.Counted(string(job), succeeded, l.clock.Now()))
}

// completionIndex returns the index of a pod of an Indexed Job, or "".
func completionIndex(pod *corev1.Pod) string {
	return pod.Annotations[batchv1.JobCompletionIndexAnnotation]
}

// FinishedGone records that a finished pod was deleted.
func (l *Ledger) FinishedGone(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finishedGone(uid)
}

func (l *Ledger) finishedGone(uid types.UID) []gang.Decision {
	g := l.finished[uid]
	if g == nil {
		return nil
	}
	delete(l.finished, uid)
	return l.after(g, g.FinishedGone(string(uid), l.clock.Now()))
}

// Rejected reports whether the kubelet rejected the pod, for example with OutOfcpu: the pod failed before a container was created.
func Rejected(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" && len(pod.Status.ContainerStatuses) == 0 &&
		pod.Spec.NodeName != ""
}

// EndedAt returns when the pod's last container ended, or else when the pod's conditions last changed.
func EndedAt(pod *corev1.Pod) time.Time {
	at := pod.CreationTimestamp.Time
	for i := range pod.Status.Conditions {
		if t := pod.Status.Conditions[i].LastTransitionTime.Time; t.After(at) {
			at = t
		}
	}
	for i := range pod.Status.ContainerStatuses {
		if ended := pod.Status.ContainerStatuses[i].State.Terminated; ended != nil && ended.FinishedAt.After(at) {
			at = ended.FinishedAt.Time
		}
	}
	return at
}
