package coscheduling

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// watchFinished feeds the ledger with the pods of a profile that ended. The scheduler's own informer leaves them out, so a
// member that succeeded looks like one that was deleted.
func (p *performer) watchFinished(ctx context.Context, schedulerName string) error {
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
		func(pod *corev1.Pod) { p.perform(p.ledger.Finish(pod)) },
		func(pod *corev1.Pod) { p.perform(p.ledger.FinishedGone(pod.UID)) },
	)); err != nil {
		return fmt.Errorf("watching pods that ended: %w", err)
	}
	p.finished[schedulerName] = informer
	factory.Start(ctx.Done())
	return nil
}

// finishAll tells the ledger of all pods that ended before this process led.
func (p *performer) finishAll() {
	ctx, cancel := context.WithTimeout(context.Background(), restoreTime)
	defer cancel()
	for name, informer := range p.finished {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			p.logger.Info("The pods that ended could not be listed in time: gangs that are finishing may wait", "profile", name)
		}
		for _, obj := range informer.GetStore().List() {
			if pod, ok := obj.(*corev1.Pod); ok {
				p.perform(p.ledger.Finish(pod))
			}
		}
	}
}

// finishedPod returns a pod that ended, or nil.
func (p *performer) finishedPod(ref gang.Ref) *corev1.Pod {
	for _, informer := range p.finished {
		obj, exists, err := informer.GetStore().GetByKey(ref.Namespace + "/" + ref.Name)
		if pod, ok := obj.(*corev1.Pod); err == nil && exists && ok && string(pod.UID) == ref.UID {
			return pod
		}
	}
	return nil
}

// bareFinished keeps of a pod that ended what the ledger asks for: there can be many of them.
func bareFinished(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	bare := &corev1.Pod{TypeMeta: pod.TypeMeta, ObjectMeta: pod.ObjectMeta}
	bare.ManagedFields = nil
	bare.Spec.NodeName, bare.Spec.SchedulerName = pod.Spec.NodeName, pod.Spec.SchedulerName
	bare.Status.Phase, bare.Status.Reason, bare.Status.Conditions = pod.Status.Phase, pod.Status.Reason, pod.Status.Conditions
	for i := range pod.Status.ContainerStatuses {
		status := corev1.ContainerStatus{} // that there is one tells that the kubelet did not reject the pod
		if ended := pod.Status.ContainerStatuses[i].State.Terminated; ended != nil {
			status.State.Terminated = &corev1.ContainerStateTerminated{FinishedAt: ended.FinishedAt}
		}
		bare.Status.ContainerStatuses = append(bare.Status.ContainerStatuses, status)
	}
	return bare, nil
}
