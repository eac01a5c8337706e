package coscheduling

import (
	"context"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Attach makes a scheduler that was built with the plugins schedule gangs in cycles of their own: a gang is planned, reserved and bound as
// one. It is to be called once, before the scheduler runs; the context is that of the process.
func (p *Plugins) Attach(ctx context.Context, sched *scheduler.Scheduler) {
	p.HoldPlaces(sched.Cache)
	queue := sched.SchedulingQueue
	sched.SchedulingQueue = p.WaitingRoom(queue)
	sched.FailureHandler = p.QuietFailures(sched.FailureHandler)
	room, gangs := sched.SchedulingQueue.(*waitingRoom)
	next, cycle := sched.NextPod, &gangCycle{sched: sched, plugins: p, parked: room}
	sched.NextPod = func(logger klog.Logger) (*framework.QueuedPodInfo, error) {
		for {
			popped, err := p.nextPod(ctx, logger, next)
			if err != nil || popped == nil || popped.PodInfo == nil || !gangs || !cycle.schedule(klog.NewContext(ctx, logger), popped) {
				return popped, err
			}
		}
	}
}

// nextPod returns the pod that comes next, once few enough wait to be bound. Only a leader asks its queue for a pod.
func (p *Plugins) nextPod(ctx context.Context, logger klog.Logger, next func(klog.Logger) (*framework.QueuedPodInfo, error)) (
	*framework.QueuedPodInfo, error,
) {
	p.Lead()
	p.AwaitBinds()
	if p.Leaving() {
		<-ctx.Done() // what would begin now could not end
	}
	popped, err := next(logger)
	if err == nil && popped != nil && popped.PodInfo != nil {
		p.Popped(logger, popped.Pod.UID)
	}
	p.SnapshotTaken()
	return popped, err
}
