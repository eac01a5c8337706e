package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (s *Server) registerAbout(api huma.API) {
	register(api, huma.Operation{
		OperationID: "getAbout", Method: http.MethodGet, Path: apiPrefix + "about", Tags: []string{"Caller"},
		Summary: "Get who the caller is, as the API server of Kubernetes says, and what this serves",
	}, s.getAbout)
}

// About is who asks, and who answers.
type About struct {
	Version    string `json:"version" doc:"The version of kubenexus serve."`
	User       string `json:"user" example:"system:serviceaccount:team-a:ann" doc:"Who the caller is to Kubernetes."`
	Prometheus bool   `json:"prometheus" doc:"Whether there is a Prometheus, so that the queues have a history."`
}

func (s *Server) getAbout(ctx context.Context, _ *struct{}) (*answer[About], error) {
	reviews, ask := s.client.AuthenticationV1().SelfSubjectReviews(), &authenticationv1.SelfSubjectReview{}
	review, err := reviews.Create(ctx, ask, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return &answer[About]{About{
		Version: s.options.Version, User: review.Status.UserInfo.Username, Prometheus: s.history != nil,
	}}, nil
}
