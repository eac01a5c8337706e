package cycle

import (
	"context"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/queue"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// ParkedPods keeps the members of parked gangs outside the scheduling queue. The queue walks all of its unschedulable pods at each event of
// interest: with 50,000 of them, at each bind. Parked pods enter the queue when the ledger activates them.
type ParkedPods struct {
	queue.SchedulingQueue
	ledger     *ledger.Ledger
	dispatcher *dispatch.Dispatcher

	// mu must be locked before the queue's own lock and the ledger's.
	mu   sync.Mutex
	pods map[types.UID]*corev1.Pod
	// inCycle are the latest versions of the pods in a gang cycle. An update does not bring them into the queue.
	inCycle map[types.UID]*corev1.Pod
	turns
}

// Park wraps the scheduler's queue.
func Park(q queue.SchedulingQueue, l *ledger.Ledger, d *dispatch.Dispatcher) *ParkedPods {
	w := &ParkedPods{
		turns:           turns{attempts: map[types.UID]*framework.QueuedPodInfo{}},
		SchedulingQueue: q, ledger: l, dispatcher: d, pods: map[types.UID]*corev1.Pod{}, inCycle: map[types.UID]*corev1.Pod{},
	}
	d.Activating(w.admit)
	d.Proceeding(w.proceed)
	d.Freeing(func(logger klog.Logger, pod *corev1.Pod) {
		q.MoveAllToActiveOrBackoffQueue(logger, framework.EventAssignedPodDelete, pod, nil, nil)
	})
	return w
}

// Parked reports whether the pod is parked.
func (w *ParkedPods) Parked(uid types.UID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods[uid] != nil
}

// Add adds a pod to the queue, or parks it.
func (w *ParkedPods) Add(ctx context.Context, pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.waits(pod) {
		w.SchedulingQueue.Add(ctx, pod)
	}
	w.bringNext(klog.FromContext(ctx))
}

// waits parks the pod if its gang must be parked, or if it has to wait for its turn, and reports whether it did.
func (w *ParkedPods) waits(pod *corev1.Pod) bool {
	answer := w.ledger.Enter(pod)
	w.dispatcher.Perform(answer.Decisions)
	if answer.Verdict != gang.Refuse && !w.ledger.Offer(pod) {
		return false
	}
	w.pods[pod.UID] = pod
	return true
}

// Update adds a parked pod to the queue if it need not be parked any more. If before has another UID, it was deleted and pod is new.
func (w *ParkedPods) Update(ctx context.Context, before, pod *corev1.Pod) {
	if before != nil && recreated.Both(before, pod) {
		w.Delete(before)
		w.Add(ctx, pod)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inCycle[pod.UID] != nil {
		w.inCycle[pod.UID] = pod
		return
	}
	if _, waits := w.pods[pod.UID]; !waits {
		w.SchedulingQueue.Update(ctx, before, pod)
		return
	}
	if claimsMade(before, pod) {
		w.ledger.AnythingChanged() // DynamicResources no longer gates the pod
	}
	if !w.waits(pod) {
		delete(w.pods, pod.UID)
		w.SchedulingQueue.Add(ctx, pod)
	}
	w.bringNext(klog.FromContext(ctx))
}

// claimsMade reports whether the resource claims of the pod have been created from their templates.
func claimsMade(before, pod *corev1.Pod) bool {
	return before == nil || !equality.Semantic.DeepEqual(before.Status.ResourceClaimStatuses, pod.Status.ResourceClaimStatuses)
}

// Delete removes a pod.
func (w *ParkedPods) Delete(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pods, pod.UID)
	delete(w.inCycle, pod.UID)
	w.SchedulingQueue.Delete(pod)
	w.lose(pod.UID)
	w.bringNext(klog.Background())
}

// take removes the members of a gang cycle from the parked pods or from the queue.
func (w *ParkedPods) take(members []*reserved, popped types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range members {
		if _, parked := w.pods[m.pod.UID]; !parked && m.pod.UID != popped {
			w.SchedulingQueue.Delete(m.pod)
		}
		delete(w.pods, m.pod.UID)
		w.inCycle[m.pod.UID] = m.pod
	}
}

// putBack parks the members of a failed gang cycle again, except the popped one.
func (w *ParkedPods) putBack(members []*reserved, popped types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range members {
		pod := w.inCycle[m.pod.UID]
		delete(w.inCycle, m.pod.UID)
		if pod != nil && pod.UID != popped && !w.waits(pod) {
			w.SchedulingQueue.Add(context.Background(), pod)
		}
	}
}

// Done marks the end of the pod's scheduling cycle.
func (w *ParkedPods) Done(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inCycle, uid)
	w.SchedulingQueue.Done(uid)
}

// Activate moves parked pods into the queue. The scheduler calls it between two pods that it pops.
func (w *ParkedPods) Activate(logger klog.Logger, pods map[string]*corev1.Pod) {
	refs := make([]gang.Ref, 0, len(pods))
	for _, name := range slices.Sorted(maps.Keys(pods)) {
		pod := pods[name]
		refs = append(refs, gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)})
	}
	w.admit(logger, refs)
}

// admit moves parked pods into the queue in this order. The scheduler may pop the first before the last is added.
func (w *ParkedPods) admit(logger klog.Logger, refs []gang.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.bringNext(logger)
	var queued []gang.Ref
	for _, ref := range refs {
		pod, waits := w.pods[types.UID(ref.UID)]
		if !waits {
			queued = append(queued, ref)
			continue
		}
		if w.ledger.Offer(pod) {
			continue
		}
		delete(w.pods, pod.UID)
		w.SchedulingQueue.Add(klog.NewContext(context.Background(), logger), pod)
	}
	if len(queued) > 0 {
		w.SchedulingQueue.Activate(logger, dispatch.Stubs(queued))
	}
}

// AddUnschedulableIfNotPresent takes back a popped pod that could not be scheduled. It parks the pod if its gang must be parked.
func (w *ParkedPods) AddUnschedulableIfNotPresent(logger klog.Logger, info *framework.QueuedPodInfo, cycle int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inCycle, info.Pod.UID)
	switch pod := info.Pod; w.ledger.Stays(pod.UID) {
	case gang.Refuse:
		w.pods[pod.UID] = pod
		w.SchedulingQueue.Done(pod.UID)
		return nil
	case gang.Plan: // the queue ignored the activation, because it did not hold the pod
		w.SchedulingQueue.Done(pod.UID)
		if w.ledger.Offer(pod) {
			w.pods[pod.UID] = pod
			return nil
		}
		w.SchedulingQueue.Add(klog.NewContext(context.Background(), logger), pod)
		return nil
	case gang.Go:
	}
	return w.SchedulingQueue.AddUnschedulableIfNotPresent(logger, info, cycle)
}

// MoveAllToActiveOrBackoffQueue passes an event to the queue and to the dispatcher. The scheduler calls it once its cache has the change.
func (w *ParkedPods) MoveAllToActiveOrBackoffQueue(logger klog.Logger, event fwk.ClusterEvent, before, after any,
	check queue.PreEnqueueCheck,
) {
	w.SchedulingQueue.MoveAllToActiveOrBackoffQueue(logger, event, before, after, check)
	w.dispatcher.ClusterEvent(before, after)
}

// PendingPods also lists the parked pods.
func (w *ParkedPods) PendingPods() ([]*corev1.Pod, string) {
	pods, summary := w.SchedulingQueue.PendingPods()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.AppendSeq(pods, maps.Values(w.pods)), summary
}
