package cycle

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// turns decides which pod the scheduler pops next while queues are configured. All pods that are ready to be scheduled are then parked, and
// the one that goes next is put into the scheduling queue. It sorts last there, so that pods which the scheduling queue brings back after a
// failed attempt are popped before it: they are parked too, and may go before it.
type turns struct {
	// turn is the pod that was put into the scheduling queue, empty if there is none.
	turn types.UID
	// popping is true while the scheduler waits for a pod.
	popping bool
	// attempts are the queue's records of parked pods that were popped before.
	attempts map[types.UID]*framework.QueuedPodInfo
}

// Pop returns the pod that goes next. It blocks until there is one.
func (w *ParkedPods) Pop(logger klog.Logger) (*framework.QueuedPodInfo, error) {
	for {
		w.mu.Lock()
		w.popping = true
		w.bringNext(logger)
		w.mu.Unlock()
		popped, err := w.SchedulingQueue.Pop(logger)
		if err != nil || popped == nil || popped.PodInfo == nil {
			return popped, err
		}
		if w.goesNow(popped) {
			return popped, nil
		}
	}
}

// goesNow reports whether a popped pod is to be scheduled now. Otherwise it is parked until its turn.
func (w *ParkedPods) goesNow(popped *framework.QueuedPodInfo) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.popping = false
	uid := popped.Pod.UID
	if w.turn == uid {
		w.turn = ""
		if w.ledger.Popped(uid) {
			w.resume(popped)
			return true
		}
	}
	if !w.ledger.Offer(popped.Pod) {
		delete(w.attempts, uid)
		return true
	}
	if w.attempts[uid] == nil && popped.UnschedulableCount+popped.ConsecutiveErrorsCount > 0 {
		w.attempts[uid] = popped
	}
	w.pods[uid] = popped.Pod
	w.SchedulingQueue.Done(uid)
	return false
}

// resume gives a popped pod what its record had before it was parked: when it was first tried, and how often it failed.
func (w *ParkedPods) resume(popped *framework.QueuedPodInfo) {
	before := w.attempts[popped.Pod.UID]
	if before == nil {
		return
	}
	delete(w.attempts, popped.Pod.UID)
	popped.Attempts = before.Attempts
	popped.UnschedulableCount, popped.ConsecutiveErrorsCount = before.UnschedulableCount, before.ConsecutiveErrorsCount
	popped.InitialAttemptTimestamp = before.InitialAttemptTimestamp
}

// proceed puts the pod that goes next into the scheduling queue, if the scheduler waits for one.
func (w *ParkedPods) proceed(logger klog.Logger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bringNext(logger)
}

// bringNext does what proceed does. mu must be locked.
func (w *ParkedPods) bringNext(logger klog.Logger) {
	for w.popping && w.turn == "" {
		uid, found := w.ledger.NextTurn()
		if !found {
			return
		}
		w.turn = uid
		if !w.enter(logger, uid) {
			w.turn = ""
			w.ledger.Skip(uid)
		}
	}
}

// enter puts a pod into the scheduling queue. It returns false if another plugin keeps the pod out.
func (w *ParkedPods) enter(logger klog.Logger, uid types.UID) bool {
	pod, parked := w.pods[uid]
	if !parked {
		return w.bringBack(logger, uid)
	}
	delete(w.pods, uid)
	w.SchedulingQueue.Add(klog.NewContext(context.Background(), logger), pod)
	info, queued := w.SchedulingQueue.GetPod(pod.Name, pod.Namespace)
	return !queued || !info.Gated() // it may have been popped already
}

// bringBack moves a pod that did not fit to the active part of the scheduling queue. It returns false if the queue does not have it, or
// another plugin keeps it out.
func (w *ParkedPods) bringBack(logger klog.Logger, uid types.UID) bool {
	ref, known := w.ledger.Loner(uid)
	if !known {
		return false
	}
	w.SchedulingQueue.Activate(logger, dispatch.Stubs([]gang.Ref{ref}))
	info, queued := w.SchedulingQueue.GetPod(ref.Name, ref.Namespace)
	return queued && !info.Gated() && info.Pod.UID == uid
}

// lose forgets a pod that is gone.
func (w *ParkedPods) lose(uid types.UID) {
	delete(w.attempts, uid)
	if w.turn == uid {
		w.turn = ""
		w.ledger.Skip(uid)
	}
}
