package cycle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// bind runs PreBind for all members and then binds them. If PreBind fails for one, it binds none.
func (c *Cycle) bind(ctx context.Context, a *attempt, members []*reserved) {
	metrics.Goroutines.WithLabelValues(metrics.Binding).Inc()
	defer metrics.Goroutines.WithLabelValues(metrics.Binding).Dec()
	if failed, status := c.prepare(ctx, a, members); failed >= 0 {
		c.giveBack(ctx, a, members, failed, status)
		return
	}
	next := make(chan *reserved)
	var binders sync.WaitGroup
	for range min(bindlimit.InFlight, len(members)) {
		binders.Go(func() {
			for m := range next {
				if status := c.bindOne(ctx, a, m); !status.IsSuccess() {
					decisions := c.notBound(ctx, a, m)
					c.failed(ctx, a, m, status)
					c.Dispatcher.Perform(decisions)
				}
			}
		})
	}
	for _, m := range members {
		next <- m
	}
	close(next)
	binders.Wait()
}

// prepare waits until Permit has allowed every member and the PreBind plugins have succeeded for every member. It returns -1, or the index
// of a member that failed and the status.
func (c *Cycle) prepare(ctx context.Context, a *attempt, members []*reserved) (failed int, why *fwk.Status) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	failed = -1
	fail := func(i int, status *fwk.Status) {
		mu.Lock()
		defer mu.Unlock()
		if failed < 0 {
			failed, why = i, status
			cancel(fmt.Errorf("pod %s could not be prepared: %w", members[i].pod.Name, status.AsError()))
			rejectWaiting(a, members, status)
		}
	}
	var slow sync.WaitGroup
	for i, m := range members {
		preBind, status := c.preFlight(ctx, a, m)
		if !status.IsSuccess() {
			fail(i, status)
			break
		}
		if !preBind && !a.framework.WillWaitOnPermit(ctx, m.assumed) {
			c.sched.SchedulingQueue.Done(m.assumed.UID)
			continue
		}
		slow.Go(func() {
			if status := c.waitAndPreBind(ctx, a, m); !status.IsSuccess() {
				fail(i, status)
			}
		})
	}
	slow.Wait()
	return failed, why
}

// preFlight reports whether any PreBind plugin has work to do for the member.
func (c *Cycle) preFlight(ctx context.Context, a *attempt, m *reserved) (needed bool, status *fwk.Status) {
	switch status := a.framework.RunPreBindPreFlights(ctx, m.state, m.assumed, m.node); {
	case status.IsSkip():
		return false, nil
	case status.IsSuccess():
		return true, nil
	default:
		return false, status
	}
}

func (c *Cycle) waitAndPreBind(ctx context.Context, a *attempt, m *reserved) *fwk.Status {
	if status := a.framework.WaitOnPermit(ctx, m.assumed); !status.IsSuccess() {
		return status
	}
	c.sched.SchedulingQueue.Done(m.assumed.UID)
	return a.framework.RunPreBindPlugins(ctx, m.state, m.assumed, m.node)
}

// rejectWaiting rejects all members that wait in Permit, so that none waits for a gang that failed.
func rejectWaiting(a *attempt, members []*reserved, why *fwk.Status) {
	for _, m := range members {
		if waiting := a.framework.GetWaitingPod(m.assumed.UID); waiting != nil {
			waiting.Reject(a.asked.Task.Gang.Convention, "another pod of its gang failed: "+why.Message())
		}
	}
}

// bindOne does for a member what kube-scheduler does for a pod after PreBind.
func (c *Cycle) bindOne(ctx context.Context, a *attempt, m *reserved) *fwk.Status {
	logger, f := klog.FromContext(ctx), a.framework
	bound, err := c.bindByExtender(logger, m.assumed, m.node)
	status := fwk.AsStatus(err)
	if !bound {
		status = f.RunBindPlugins(ctx, m.state, m.assumed, m.node)
	}
	if !status.IsSuccess() {
		logger.V(1).Info("Failed to bind pod", "pod", klog.KObj(m.assumed))
		return status
	}
	f.EventRecorder().WithLogger(logger).Eventf(m.assumed, nil, corev1.EventTypeNormal, "Scheduled", "Binding",
		"Successfully assigned %v/%v to %v", m.assumed.Namespace, m.assumed.Name, m.node)
	logger.V(2).Info("Successfully bound pod to node", "pod", klog.KObj(m.assumed), "node", m.node)
	metrics.PodScheduled(f.ProfileName(), metrics.SinceInSeconds(a.start))
	metrics.PodSchedulingAttempts.Observe(float64(m.info.Attempts))
	if since := m.info.InitialAttemptTimestamp; since != nil {
		metrics.PodSchedulingSLIDuration.WithLabelValues(attemptsLabel(m.info)).Observe(metrics.SinceInSeconds(*since))
	}
	f.RunPostBindPlugins(ctx, m.state, m.assumed, m.node)
	c.activate(ctx, m)
	return nil
}

// bindByExtender binds the pod through an extender, if one binds such pods.
func (c *Cycle) bindByExtender(logger klog.Logger, pod *corev1.Pod, node string) (bound bool, err error) {
	for _, extender := range c.sched.Extenders {
		if !extender.IsBinder() || !extender.IsInterested(pod) {
			continue
		}
		err := extender.Bind(&corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: node},
		})
		if err != nil && extender.IsIgnorable() {
			logger.Info("Extender failed to bind the pod and is ignorable; trying the next binder", "extender", extender.Name(), "err", err)
			continue
		}
		return true, err
	}
	return false, nil
}

// attemptsLabel limits the number of values of the label, as kube-scheduler does.
func attemptsLabel(info *framework.QueuedPodInfo) string {
	if info.Attempts >= 15 {
		return "15+"
	}
	return strconv.Itoa(info.Attempts)
}

// giveBack unreserves all members, because one of them failed before any was bound. It starts with the one that failed, so the gang reports
// that reason.
func (c *Cycle) giveBack(ctx context.Context, a *attempt, members []*reserved, culprit int, why *fwk.Status) {
	rejectWaiting(a, members, why)
	for _, m := range members {
		if a.framework.WillWaitOnPermit(ctx, m.assumed) {
			_ = a.framework.WaitOnPermit(ctx, m.assumed) // it was rejected; this removes it from the waiting pods
		}
	}
	failed := members[culprit]
	ordered := slices.Concat(members[culprit:culprit+1], members[:culprit], members[culprit+1:])
	var decisions []gang.Decision
	for _, m := range ordered {
		decisions = append(decisions, c.notBound(ctx, a, m)...)
	}
	others := fwk.NewStatus(why.Code(), fmt.Sprintf("pod %s of its gang failed: %s", failed.pod.Name, why.Message()))
	for _, m := range ordered {
		if m == failed {
			c.failed(ctx, a, m, why)
		} else {
			c.failed(ctx, a, m, others)
		}
	}
	c.Dispatcher.Perform(decisions)
}

// notBound unreserves a member. The caller performs the decisions once the member is parked again.
func (c *Cycle) notBound(ctx context.Context, a *attempt, m *reserved) []gang.Decision {
	assumed := m.assumed
	c.unreserve(ctx, a, []*reserved{m})
	m.assumed = assumed
	return c.Ledger.Unreserve(assumed.UID)
}

// failed hands an unreserved member to the failure handler, which parks it, and reports to the queue that its node has free capacity again.
func (c *Cycle) failed(ctx context.Context, a *attempt, m *reserved, status *fwk.Status) {
	logger := klog.FromContext(ctx)
	c.sched.SchedulingQueue.MoveAllToActiveOrBackoffQueue(logger, framework.EventAssignedPodDelete, m.assumed, nil,
		func(pod *corev1.Pod) bool { return pod.UID != m.assumed.UID })
	if status.IsRejected() {
		status = fitError(m.pod, m.node, status)
	}
	c.sched.FailureHandler(ctx, a.framework, m.info, status, noNomination(), a.start)
}
