package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/explain"
)

func (s *Server) registerStory(api huma.API) {
	register(api, huma.Operation{
		OperationID: "getStory", Method: http.MethodGet, Path: apiPrefix + "gangs/{namespace}/{name}/story", Tags: []string{"Gangs"},
		Summary: "Tell all about a gang: what happened, why it waits, what would help",
		Description: "It is what kubenexus explain gang tells. It is read from pods, nodes, events, the configuration of the queues and " +
			"the scheduler, as far as the caller may read them; leftOut says what is left out.",
		Errors: []int{http.StatusNotFound},
	}, s.getStory)
}

func (s *Server) getStory(ctx context.Context, in *getGangInput) (*answer[explain.Story], error) {
	select {
	case s.limits.lists <- struct{}{}:
		defer func() { <-s.limits.lists }()
	case <-ctx.Done():
		return nil, tooMany("there are too many requests for pods at the moment: try again", "1")
	}
	story, err := explain.Reader{
		Client: s.client, Scheduler: oracle{s.options.Scheduler}, Namespace: in.Namespace, ConfigMap: s.options.Queues,
		Schedulers: s.options.SchedulerNames,
	}.Gang(ctx, in.Name)
	if errors.Is(err, explain.ErrNone) {
		return nil, problem(http.StatusNotFound, err.Error())
	}
	return &answer[explain.Story]{story}, err
}

// oracle asks the scheduler with the token of the caller. It is nil inside if there is none to ask.
type oracle struct{ scheduler Scheduler }

var _ explain.Scheduler = oracle{}

// Gangs asks for the gangs of this name: there is one, or an error.
func (o oracle) Gangs(ctx context.Context, namespace, name string) (answers.Gangs, error) {
	if o.scheduler == nil {
		return answers.Gangs{}, errNoScheduler()
	}
	gang, err := o.scheduler.Gang(ctx, callerOf(ctx).token, namespace, name)
	if err != nil {
		return answers.Gangs{}, err
	}
	return answers.Gangs{Items: []answers.Gang{gang}}, nil
}

// Queues asks for the queues.
func (o oracle) Queues(ctx context.Context) (answers.Queues, error) {
	if o.scheduler == nil {
		return answers.Queues{}, errNoScheduler()
	}
	return o.scheduler.Queues(ctx, callerOf(ctx).token)
}

// WhatIf asks what would happen.
func (o oracle) WhatIf(ctx context.Context, question answers.WhatIf) (answers.Forecast, error) {
	if o.scheduler == nil {
		return answers.Forecast{}, errNoScheduler()
	}
	return o.scheduler.WhatIf(ctx, callerOf(ctx).token, question)
}
