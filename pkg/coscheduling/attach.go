package coscheduling

import (
	"context"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
)

// bindPause is how long the next pod waits at most for pods that wait to be bound.
const bindPause = time.Second

// Attach adds the gang cycle to a scheduler that was built with these plugins: the scheduler then plans, reserves and binds a gang as one.
// Call it once, before the scheduler runs, with the context that ends when the process does.
func (p *Plugins) Attach(ctx context.Context, sched *scheduler.Scheduler) {
	if p.dispatcher == nil {
		return // no profile has a gang plugin
	}
	p.slots.In(sched.Cache)
	p.devices.In(sched.Cache)
	p.watchQueues(ctx)
	parked := cycle.Park(sched.SchedulingQueue, p.ledger, p.dispatcher)
	sched.SchedulingQueue = parked
	sched.FailureHandler = cycle.QuietFailures(p.ledger, sched.FailureHandler)
	parts := cycle.Parts{
		Ledger: p.ledger, Dispatcher: p.dispatcher, Slots: p.slots, Metrics: p.metrics, Planner: p.planner, Gate: QueueName,
	}
	preemption := cycle.NewPreemption(sched, parts, p.budgets)
	gangs, aside := cycle.New(sched, parked, preemption, parts), cycle.NewSetAside(sched, preemption, parts)
	p.preemption.Store(preemption)
	p.questions.Store(&questions{
		between: cycle.NewBetween(time.Now()), whatIf: cycle.NewWhatIf(sched, aside, parts), nodes: cycle.NewNodes(sched, parts),
	})
	between := p.questions.Load().between
	go aside.Run(ctx)
	go preemption.Run(ctx)
	single := false // the scheduler schedules the pod that was returned last
	sched.NextPod = func(logger klog.Logger) (*framework.QueuedPodInfo, error) {
		if single {
			single = false
			between.Ended(time.Now())
		}
		for {
			popped, err := p.nextPod(ctx, logger, parked.Pop)
			if err != nil || popped == nil || popped.PodInfo == nil {
				return popped, err
			}
			between.Begins()
			preemption.Popped()
			aside.Before(klog.NewContext(ctx, logger), popped.Pod)
			if !gangs.Schedule(klog.NewContext(ctx, logger), popped) {
				single = true
				return popped, nil
			}
			between.Ended(time.Now())
		}
	}
	p.attached.Store(true)
}

// nextPod pops the next pod once few enough pods wait to be bound. Only the leader pops pods, so it starts to lead here.
func (p *Plugins) nextPod(ctx context.Context, logger klog.Logger, next func(klog.Logger) (*framework.QueuedPodInfo, error)) (
	*framework.QueuedPodInfo, error,
) {
	p.takeLead()
	p.limiter.AwaitShorter(bindPause)
	if p.leaving.Load() {
		<-ctx.Done() // a pod popped now could not be bound in time
	}
	popped, err := next(logger)
	if err == nil && popped != nil && popped.PodInfo != nil {
		p.dispatcher.Perform(p.ledger.Take(popped.Pod.UID)) // release the slot held for it before the snapshot is taken
		p.slots.Follow(logger)
	}
	return popped, err
}
