package dispatch

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	schedutil "k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// preemptors is how many requests a preemption has in flight.
const preemptors = 16

// Preemption is what the API server has to be told of a preemption.
type Preemption struct {
	// Nominate has the node of each member that waits for victims. It is written before the first victim is deleted, so that a new process
	// knows the preemptor.
	Nominate []gang.Pin
	Members  []gang.Ref
	Victims  []Victim
	// Wanted reports whether victims may still be deleted: whether their preemptor still waits. It is asked once for each unit, so that no
	// gang is cut.
	Wanted func() bool
}

// Victim is a pod to preempt.
type Victim struct {
	Ref     gang.Ref
	Because gang.Explanation
	// Unit numbers the units of the victims. The pods of a unit go together.
	Unit int
}

// Preempt performs a preemption in the background. It does not end with the context, which may be that of a scheduling cycle.
func (p *Dispatcher) Preempt(ctx context.Context, x Preemption) {
	ctx = context.WithoutCancel(ctx)
	go func() {
		workqueue.ParallelizeUntil(ctx, preemptors, len(x.Members), func(i int) { p.nominate(ctx, x.Members[i], x.Nominate[i].Node) })
		goes := map[int]func() bool{}
		for i := range x.Victims {
			if unit := x.Victims[i].Unit; goes[unit] == nil {
				goes[unit] = sync.OnceValue(func() bool { return x.Wanted() && p.leading.Load() })
			}
		}
		workqueue.ParallelizeUntil(ctx, preemptors, len(x.Victims), func(i int) {
			if goes[x.Victims[i].Unit]() {
				p.preempt(ctx, x.Victims[i])
			}
		})
	}()
}

// Preemptions returns the pending pods of our profiles that have a nominated node, and the pods that are ending.
func (p *Dispatcher) Preemptions() (nominated, ending []*corev1.Pod) {
	pods, err := p.handle.SharedInformerFactory().Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		p.logger.Error(err, "Failed to list pods from the informer")
		return nil, nil
	}
	slices.SortFunc(pods, byAge) // the lister has them in no order
	for _, pod := range pods {
		switch {
		case pod.Spec.NodeName != "" && pod.DeletionTimestamp != nil:
			ending = append(ending, pod)
		case pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && pod.Status.NominatedNodeName != "" &&
			p.recorders[pod.Spec.SchedulerName] != nil:
			nominated = append(nominated, pod)
		}
	}
	return nominated, ending
}

// NodesExist reports whether the informer has the nodes of all pins.
func (p *Dispatcher) NodesExist(pins []gang.Pin) bool {
	nodes, last := p.handle.SharedInformerFactory().Core().V1().Nodes().Lister(), ""
	for _, pin := range pins {
		if pin.Node == last {
			continue
		}
		if _, err := nodes.Get(pin.Node); err != nil {
			return false
		}
		last = pin.Node
	}
	return true
}

// nominate writes the nominated node of a pod; empty for none.
func (p *Dispatcher) nominate(ctx context.Context, ref gang.Ref, node string) {
	pod, err := p.Pod(ref)
	if err != nil || pod == nil || pod.Spec.NodeName != "" || pod.Status.NominatedNodeName == node {
		return
	}
	status := pod.Status.DeepCopy()
	status.NominatedNodeName = node
	err = schedutil.PatchPodStatus(ctx, p.handle.ClientSet(), pod.Name, pod.Namespace, &pod.Status, status)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		p.logger.Error(err, "Failed to write the nominated node of a pod", "pod", klog.KObj(pod), "node", node)
	}
}

// preempt asks a victim to end, with its grace period.
func (p *Dispatcher) preempt(ctx context.Context, v Victim) {
	pod, err := p.Pod(v.Ref)
	if err != nil || pod == nil || pod.DeletionTimestamp != nil {
		return
	}
	event := events.For(v.Because)
	status := pod.Status.DeepCopy()
	if podutil.UpdatePodCondition(status, &corev1.PodCondition{
		Type:               corev1.DisruptionTarget,
		ObservedGeneration: podutil.CalculatePodConditionObservedGeneration(status, pod.Generation, corev1.DisruptionTarget),
		Status:             corev1.ConditionTrue,
		Reason:             corev1.PodReasonPreemptionByScheduler,
		Message:            event.Note,
	}) {
		err = schedutil.PatchPodStatus(ctx, p.handle.ClientSet(), pod.Name, pod.Namespace, &pod.Status, status)
	}
	if err == nil {
		uid := types.UID(v.Ref.UID)
		err = p.handle.ClientSet().CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &uid},
		})
	}
	switch {
	case err == nil:
		if recorder := p.recorders[pod.Spec.SchedulerName]; recorder != nil {
			recorder.WithLogger(p.logger).Eventf(pod, nil, event.Type, event.Reason, "Preempting", "%s", event.Note)
		}
	case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil:
		p.logger.Error(err, "Failed to preempt a pod; retrying", "pod", klog.KObj(pod))
	}
}

// Denominate removes the nominated nodes of pods that no longer wait for victims. It does not end with the context either.
func (p *Dispatcher) Denominate(ctx context.Context, refs []gang.Ref) {
	ctx = context.WithoutCancel(ctx)
	go workqueue.ParallelizeUntil(ctx, preemptors, len(refs), func(i int) { p.nominate(ctx, refs[i], "") })
}
