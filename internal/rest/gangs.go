package rest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

func (s *Server) registerGangs(api huma.API) {
	tags := []string{"Gangs"}
	register(api, huma.Operation{
		OperationID: "listGangs", Method: http.MethodGet, Path: apiPrefix + "gangs", Tags: tags,
		Summary:     "List the gangs that run or wait, and why",
		Description: "They are read from the pods that the caller may list.",
	}, s.listGangs)
	register(api, huma.Operation{
		OperationID: "getGang", Method: http.MethodGet, Path: apiPrefix + "gangs/{namespace}/{name}", Tags: tags,
		Summary: "Get a gang, with its members", Errors: []int{http.StatusNotFound},
	}, s.getGang)
}

// OfNamespace is what routes have that are about one namespace or all.
type OfNamespace struct {
	Namespace string `query:"namespace" maxLength:"63" doc:"The namespace. Without it, all: the caller has to be allowed to list all pods."`
}

// Resolve refuses a namespace that cannot exist.
func (in *OfNamespace) Resolve(huma.Context) []error {
	if in.Namespace == "" {
		return nil
	}
	return checkNamespace("query.namespace", in.Namespace)
}

func (s *Server) listGangs(ctx context.Context, in *OfNamespace) (*answer[gangread.Gangs], error) {
	pods, err := s.pods(ctx, in.Namespace)
	if err != nil {
		return nil, err
	}
	return &answer[gangread.Gangs]{gangread.Among(pods, s.options.SchedulerNames, time.Now())}, nil
}

// pods lists the pods that the caller may list. Few requests do so at a time, because there can be many pods.
func (s *Server) pods(ctx context.Context, namespace string) ([]*corev1.Pod, error) {
	select {
	case s.limits.lists <- struct{}{}:
		defer func() { <-s.limits.lists }()
	case <-ctx.Done():
		return nil, tooMany("there are too many requests for pods at the moment: try again", "1")
	}
	pods, err := gangread.List(ctx, s.client, namespace)
	return pods, aboutNamespace(namespace, err)
}

// aboutNamespace says to a caller who may not see all namespaces that one has to be named.
func aboutNamespace(namespace string, err error) error {
	if apierrors.IsForbidden(err) && namespace == "" {
		return problem(http.StatusForbidden,
			"you may not list the pods of all namespaces: name one that you may, such as ?namespace=NAME",
			fieldError("query.namespace", "is missing"))
	}
	return err
}

// GangDetails are a gang as its pods show it, and as the scheduler has it.
type GangDetails struct {
	gangread.Gang
	// Now is nil if the scheduler did not answer, or not to this caller.
	Now *answers.Gang `json:"now,omitempty" doc:"The gang as the scheduler has it; missing if it does not answer this caller."`
}

type getGangInput struct {
	InNamespace
	Name string `path:"name" maxLength:"253" example:"training" doc:"The name of the gang."`
}

func (s *Server) getGang(ctx context.Context, in *getGangInput) (*answer[GangDetails], error) {
	pods, err := s.pods(ctx, in.Namespace)
	if err != nil {
		return nil, err
	}
	gangs := gangread.Among(pods, s.options.SchedulerNames, time.Now())
	for i := range gangs.Items {
		if g := &gangs.Items[i]; g.Key.Name == in.Name {
			return &answer[GangDetails]{GangDetails{Gang: *g, Now: s.now(ctx, in)}}, nil
		}
	}
	return nil, problem(http.StatusNotFound, fmt.Sprintf("no gang %s runs or waits in namespace %s", in.Name, in.Namespace))
}

// now asks the scheduler, which knows more than the pods say. The answer is good without it.
func (s *Server) now(ctx context.Context, in *getGangInput) *answers.Gang {
	if s.options.Scheduler == nil {
		return nil
	}
	gang, err := s.options.Scheduler.Gang(ctx, callerOf(ctx).token, in.Namespace, in.Name)
	if err != nil {
		klog.FromContext(ctx).V(2).Info("The scheduler did not say more about a gang", "err", err)
		return nil
	}
	return &gang
}
