package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

func (s *Server) registerNodes(api huma.API) {
	tags := []string{"Scheduler"}
	register(api, huma.Operation{
		OperationID: "listOrder", Method: http.MethodGet, Path: apiPrefix + "order", Tags: tags,
		Summary: "List the gangs that wait, in the order in which the scheduler would take them",
		Description: "Gangs of which members are missing are not among them. With queues, it is the order in which they would start if " +
			"each started when its turn has come, and nothing ended meanwhile.",
	}, s.listOrder)
	register(api, huma.Operation{
		OperationID: "listNodes", Method: http.MethodGet, Path: apiPrefix + "nodes", Tags: tags,
		Summary: "List the nodes, with what they have, and which gangs use it",
		Description: "What the gangs of namespaces use whose pods the caller may not list counts as used, but they are not named. " +
			"Devices of dynamic resource allocation are left out.",
	}, s.listNodes)
}

func (s *Server) listOrder(ctx context.Context, in *OfNamespace) (*answer[answers.Order], error) {
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	order, err := s.options.Scheduler.Order(ctx, callerOf(ctx).token, in.Namespace)
	return &answer[answers.Order]{order}, err
}

type listNodesInput struct {
	Namespace string `query:"namespace" maxLength:"63" doc:"Name only gangs of this namespace. Without it, those of up to 32."`
}

// Resolve refuses a namespace that cannot exist.
func (in *listNodesInput) Resolve(c huma.Context) []error {
	of := OfNamespace{Namespace: in.Namespace}
	return of.Resolve(c)
}

func (s *Server) listNodes(ctx context.Context, in *listNodesInput) (*answer[answers.Nodes], error) {
	if s.options.Scheduler == nil {
		return nil, errNoScheduler()
	}
	nodes, err := s.options.Scheduler.Nodes(ctx, callerOf(ctx).token, in.Namespace)
	return &answer[answers.Nodes]{nodes}, err
}
