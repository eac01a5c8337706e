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
	nodes   *cycle.Nodes
}

// errNotAttached is for a process that schedules no gangs.
var errNotAttached = errors.New("this scheduler schedules no gangs: no profile has a gang plugin")

// WhatIf returns what would happen if these pods were created now, as one gang, or as a pod without one. It writes nothing. Their names and
// UIDs must be those of no pod. It waits until no scheduling cycle runs, until the context ends at the latest, and gives up with
// answers.ErrTooLong when it has held up the next cycle for too long.
func (p *Plugins) WhatIf(ctx context.Context, pods []*corev1.Pod) (answers.Forecast, error) {
	return p.ask(ctx, func(ctx context.Context, w *cycle.WhatIf) (answers.Forecast, error) { return w.Ask(ctx, pods) })
}

// WhatIfTried returns what would happen to a gang that exists, and of which no pod has a node, if it were tried now. It writes nothing, and
// waits as WhatIf does. The error wraps ledger.ErrNoGang if there is no such gang.
func (p *Plugins) WhatIfTried(ctx context.Context, namespace, name string) (answers.Forecast, error) {
	return p.ask(ctx, func(ctx context.Context, w *cycle.WhatIf) (answers.Forecast, error) {
		return w.AskWaiting(ctx, namespace, name)
	})
}

// question is one that is answered while no scheduling cycle runs.
type question func(context.Context, *cycle.WhatIf) (answers.Forecast, error)

func (p *Plugins) ask(ctx context.Context, ask question) (answer answers.Forecast, err error) {
	q := p.questions.Load()
	if q == nil {
		return answers.Forecast{}, errNotAttached
	}
	waited := q.between.Do(ctx, time.Now, func(ctx context.Context) {
		if answer, err = ask(ctx, q.whatIf); ctx.Err() != nil {
			answer, err = answers.Forecast{}, context.Cause(ctx) // a search that was ended may have found less than there is
		}
	})
	if waited != nil {
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
