package rest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/ask"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// maxPodSets is how many different pods a question can be about.
const maxPodSets = 32

func (s *Server) registerScheduler(api huma.API) {
	tags := []string{"Scheduler"}
	register(api, huma.Operation{
		OperationID: "listQueues", Method: http.MethodGet, Path: apiPrefix + "queues", Tags: tags,
		Summary: "List the queues, with what they use and may use",
	}, s.listQueues)
	register(api, huma.Operation{
		OperationID: "whatIf", Method: http.MethodPost, Path: apiPrefix + "what-if", Tags: tags,
		Summary: "Ask what would happen if a gang were submitted now",
		Description: "The body is that of a submission. Nothing is created. The API server says first what it would make of the pods, so " +
			"the caller needs the right to create pods.",
		Errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge},
	}, s.whatIf)
	register(api, huma.Operation{
		OperationID: "whatIfTried", Method: http.MethodGet, Path: apiPrefix + "gangs/{namespace}/{name}/what-if", Tags: tags,
		Summary: "Ask what would happen if a gang that waits were tried now",
		Description: "The gang exists, and none of its pods has a node. Nothing is changed. The caller needs the right to list the pods " +
			"of the namespace.",
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.whatIfTried)
}

// errNoScheduler is the problem if there is no scheduler that answers.
func errNoScheduler() error {
	return problem(http.StatusServiceUnavailable, "no scheduler answers: ask who runs the cluster whether it is configured to")
}

func (s *Server) listQueues(ctx context.Context, _ *struct{}) (*answer[answers.Queues], error) {
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	queues, err := s.options.Scheduler.Queues(ctx, callerOf(ctx).token)
	return &answer[answers.Queues]{queues}, err
}

type whatIfInput struct {
	Namespace string `query:"namespace" required:"true" maxLength:"63" example:"team-a" doc:"The namespace of the gang."`
	RawBody   []byte
}

// Resolve refuses a namespace that cannot exist.
func (in *whatIfInput) Resolve(huma.Context) []error {
	return checkNamespace("query.namespace", in.Namespace)
}

func (s *Server) whatIf(ctx context.Context, in *whatIfInput) (*answer[answers.Forecast], error) {
	wanted, err := read(in.Namespace, in.RawBody)
	if err != nil {
		return nil, err
	}
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	sets := workload.PodSets(workload.Sets(wanted.objects))
	if len(sets) == 0 || len(sets) > maxPodSets {
		return nil, problem(http.StatusUnprocessableEntity,
			fmt.Sprintf("the objects make %d different pods: ask about 1 to %d", len(sets), maxPodSets))
	}
	question := answers.WhatIf{Pods: sets}
	// Defaults, priorities and admission count, and a pod that the API server would refuse never starts.
	if err := ask.Complete(ctx, s.client, &question); err != nil {
		return nil, err
	}
	forecast, err := s.options.Scheduler.WhatIf(ctx, callerOf(ctx).token, question)
	return &answer[answers.Forecast]{forecast}, err
}

func (s *Server) whatIfTried(ctx context.Context, in *getGangInput) (*answer[answers.Forecast], error) {
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	forecast, err := s.options.Scheduler.WhatIf(ctx, callerOf(ctx).token, answers.WhatIf{Gang: in.Namespace + "/" + in.Name})
	return &answer[answers.Forecast]{forecast}, err
}
