package dispatch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// watchFinished passes the finished pods of a profile to the ledger. The scheduler's own informer excludes them, so there a member that
// succeeded looks like a deleted one.
func (p *Dispatcher) watchFinished(ctx context.Context, schedulerName string) error {
	selector := fields.AndSelectors(
		fields.OneTermEqualSelector("spec.schedulerName", schedulerName),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodPending)),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodRunning)),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodUnknown)),
	).String()
	factory := informers.NewSharedInformerFactoryWithOptions(p.handle.ClientSet(), 0, informers.WithTweakListOptions(
		func(o *metav1.ListOptions) { o.FieldSelector = selector }))
	informer := factory.Core().V1().Pods().Informer()
	if err := informer.SetTransform(bareFinished); err != nil {
		return fmt.Errorf("watching pods that ended: %w", err)
	}
	if _, err := informer.AddEventHandler(podHandler(
		func(pod *corev1.Pod) { p.Perform(p.ledger.Finish(pod)) },
		func(pod *corev1.Pod) { p.Perform(p.ledger.FinishedGone(pod.UID)) },
	)); err != nil {
		return fmt.Errorf("watching pods that ended: %w", err)
	}
	p.finished[schedulerName] = informer
	factory.Start(ctx.Done())
	return nil
}

// finishAll passes all pods to the ledger that finished before this process became the leader.
func (p *Dispatcher) finishAll() {
	ctx, cancel := context.WithTimeout(context.Background(), restoreTime)
	defer cancel()
	var ended []*corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(p.finished)) {
		informer := p.finished[name]
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			p.logger.Info("Timed out listing finished pods; members of gangs that are finishing may wait until they are listed",
				"profile", name)
		}
		for _, obj := range informer.GetStore().List() {
			if pod, ok := obj.(*corev1.Pod); ok {
				ended = append(ended, pod)
			}
		}
	}
	slices.SortFunc(ended, byAge)
	for _, pod := range ended {
		p.Perform(p.ledger.Finish(pod))
	}
}

// finishedPod returns a finished pod, or nil.
func (p *Dispatcher) finishedPod(ref gang.Ref) *corev1.Pod {
	for _, informer := range p.finished {
		obj, exists, err := informer.GetStore().GetByKey(ref.Namespace + "/" + ref.Name)
		if pod, ok := obj.(*corev1.Pod); err == nil && exists && ok && string(pod.UID) == ref.UID {
			return pod
		}
	}
	return nil
}

// bareFinished trims a finished pod to what the ledger and the status writer read: a cluster may have many of them, most without a gang. It
// returns a new pod, because informers call a transform twice for pods that they list again, when others already read the pod.
func bareFinished(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	bare := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: metav1.ObjectMeta{
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp,
	}}
	bare.Spec.NodeName, bare.Spec.SchedulerName = pod.Spec.NodeName, pod.Spec.SchedulerName
	bare.Status.Phase = pod.Status.Phase
	// A pod with invalid annotations has no gang: it is too late to report them.
	if spec, _ := conventions.Parse(conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations}); spec != nil {
		keepMembership(bare, pod)
	}
	return bare, nil
}

// keepMembership copies what identifies the member's gang, when the pod finished, and whether the kubelet rejected it.
func keepMembership(bare, pod *corev1.Pod) {
	bare.Labels, bare.Annotations, bare.OwnerReferences = pod.Labels, pod.Annotations, pod.OwnerReferences
	if _, applied := pod.Annotations[corev1.LastAppliedConfigAnnotation]; applied {
		bare.Annotations = maps.Clone(pod.Annotations)
		delete(bare.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	bare.Spec.SchedulingGroup = pod.Spec.SchedulingGroup
	bare.Status.Reason = pod.Status.Reason
	for i := range pod.Status.Conditions {
		bare.Status.Conditions = append(bare.Status.Conditions,
			corev1.PodCondition{LastTransitionTime: pod.Status.Conditions[i].LastTransitionTime})
	}
	for i := range pod.Status.ContainerStatuses {
		status := corev1.ContainerStatus{} // a container status shows that the kubelet did not reject the pod
		if ended := pod.Status.ContainerStatuses[i].State.Terminated; ended != nil {
			status.State.Terminated = &corev1.ContainerStateTerminated{FinishedAt: ended.FinishedAt}
		}
		bare.Status.ContainerStatuses = append(bare.Status.ContainerStatuses, status)
	}
}
