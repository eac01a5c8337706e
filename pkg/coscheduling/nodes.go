package coscheduling

import (
	"context"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
)

// Order returns the gangs of a namespace, or of all if it is empty, that are complete and wait, in the order in which they would start.
func (p *Plugins) Order(namespace string) answers.Order {
	turns := p.ledger.Turns(namespace)
	order := answers.Order{Items: make([]answers.Turn, len(turns)), At: time.Now()}
	for i := range turns {
		t := &turns[i]
		order.Items[i] = answers.Turn{
			Key: t.Key, Queue: t.Queue, Position: t.Position, SetAside: t.SetAside, NextTry: t.NextTry, Shortage: t.Shortage,
			Why: &t.Why,
		}
	}
	return order
}

// Nodes returns what the nodes have, and which gangs use it. It waits until no scheduling cycle runs, until the context ends at the latest.
func (p *Plugins) Nodes(ctx context.Context) (answers.Nodes, error) {
	q := p.questions.Load()
	if q == nil {
		return answers.Nodes{}, errNotAttached
	}
	var seen *cycle.Seen
	var err error
	if waited := q.between.Do(ctx, time.Now, func(ctx context.Context) { seen, err = q.nodes.Look(ctx) }); waited != nil {
		return answers.Nodes{}, waited
	}
	if err != nil {
		return answers.Nodes{}, err
	}
	return seen.Answer(), nil
}
