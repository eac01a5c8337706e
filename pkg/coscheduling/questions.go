package coscheduling

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// questions answers what users ask.
type questions struct {
	between *cycle.Between
	whatIf  *cycle.WhatIf
}

// errNotAttached is for a process that schedules no gangs.
var errNotAttached = errors.New("this scheduler schedules no gangs: no profile has a gang plugin")

// WhatIf returns what would happen if these pods were created now, as one gang, or as a pod without one. It writes nothing. Their names and
// UIDs must be those of no pod. It waits until no scheduling cycle runs, until the context ends at the latest.
func (p *Plugins) WhatIf(ctx context.Context, pods []*corev1.Pod) (answers.Forecast, error) {
	return p.ask(ctx, func(w *cycle.WhatIf) (answers.Forecast, error) { return w.Ask(ctx, pods) })
}

// WhatIfTried returns what would happen to a gang that exists, and of which no pod has a node, if it were tried now. It writes nothing, and
// waits as WhatIf does. The error wraps ledger.ErrNoGang if there is no such gang.
func (p *Plugins) WhatIfTried(ctx context.Context, namespace, name string) (answers.Forecast, error) {
	return p.ask(ctx, func(w *cycle.WhatIf) (answers.Forecast, error) { return w.AskWaiting(ctx, namespace, name) })
}

// ask asks a question while no scheduling cycle runs.
func (p *Plugins) ask(ctx context.Context, question func(*cycle.WhatIf) (answers.Forecast, error)) (answer answers.Forecast, err error) {
	q := p.questions.Load()
	if q == nil {
		return answers.Forecast{}, errNotAttached
	}
	if waited := q.between.Do(ctx, time.Now, func() { answer, err = question(q.whatIf) }); waited != nil {
		return answers.Forecast{}, waited
	}
	return answer, err
}

// Leads reports whether this process schedules pods.
func (p *Plugins) Leads() bool { return p.leads.Load() }

// Gangs returns the statuses of the gangs of a namespace, or of all if it is empty, in the scheduling order.
func (p *Plugins) Gangs(namespace string) []gang.Status { return p.ledger.StatusesIn(namespace) }

// Queues returns the queues with what they use.
func (p *Plugins) Queues() answers.Queues {
	statuses := p.ledger.QueueStatuses()
	return answers.QueuesOf(statuses, p.ledger.QueueResources())
}
