package coscheduling

import (
	"context"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
)

// bindPause is how long the next pod waits at most for those that wait to be bound.
const bindPause = time.Second

// Attach makes a scheduler that was built with the plugins schedule gangs in cycles of their own: a gang is planned, reserved and bound as
// one. It is to be called once, before the scheduler runs; the context is that of the process.
func (p *Plugins) Attach(ctx context.Context, sched *scheduler.Scheduler) {
	if p.dispatcher == nil {
		return // no profile has a gang plugin
	}
	p.slots.In(sched.Cache)
	parked := cycle.Park(sched.SchedulingQueue, p.ledger, p.dispatcher)
	sched.SchedulingQueue = parked
	sched.FailureHandler = cycle.QuietFailures(p.ledger, sched.FailureHandler)
	gangs := cycle.New(sched, parked, cycle.Parts{
		Ledger: p.ledger, Dispatcher: p.dispatcher, Slots: p.slots, Metrics: p.metrics, Planner: p.planner, Gate: QueueName,
	})
	next := sched.NextPod
	sched.NextPod = func(logger klog.Logger) (*framework.QueuedPodInfo, error) {
		for {
			popped, err := p.nextPod(ctx, logger, next)
			if err != nil || popped == nil || popped.PodInfo == nil || !gangs.Schedule(klog.NewContext(ctx, logger), popped) {
				return popped, err
			}
		}
	}
	p.attached.Store(true)
}

// nextPod returns the pod that comes next, once few enough wait to be bound. Only a leader asks its queue for a pod.
func (p *Plugins) nextPod(ctx context.Context, logger klog.Logger, next func(klog.Logger) (*framework.QueuedPodInfo, error)) (
	*framework.QueuedPodInfo, error,
) {
	p.takeLead()
	p.limiter.AwaitShorter(bindPause)
	if p.leaving.Load() {
		<-ctx.Done() // what would begin now could not end
	}
	popped, err := next(logger)
	if err == nil && popped != nil && popped.PodInfo != nil {
		p.dispatcher.Perform(p.ledger.Take(popped.Pod.UID)) // the slot that is held for it, before the snapshot is taken
		p.slots.Follow(logger)
	}
	return popped, err
}
