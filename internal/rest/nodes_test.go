package rest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// refusal is what the scheduler says to callers who may not ask.
func refusal(token, detail string) error {
	if mayUse(token) == "" {
		return &answers.Problem{Title: "Unauthorized", Status: http.StatusUnauthorized, Detail: "use a bearer token of the cluster"}
	}
	return &answers.Problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: detail}
}

func (s *scheduler) Order(_ context.Context, token, namespace string) (answers.Order, error) {
	s.token = token
	if allowed := mayUse(token); allowed == "" || allowed != "*" && allowed != namespace {
		return answers.Order{}, refusal(token, "you may not list pods in namespace "+namespace)
	}
	return answers.Order{Items: []answers.Turn{{Key: gang.Key{Namespace: namespace, Name: "training"}, Queue: "research", Position: 3}}}, s.err
}

// Nodes may be asked about by all but bob.
func (s *scheduler) Nodes(_ context.Context, token, namespace string) (answers.Nodes, error) {
	s.token = token
	if mayUse(token) == "" || token == bob {
		return answers.Nodes{}, refusal(token, "you may not list nodes")
	}
	return answers.Nodes{
		Resources: []string{"cpu"}, TopologyKeys: []string{}, Gangs: []answers.GangOnNodes{{Namespace: namespace, Name: "training"}},
		Items: []answers.Node{{Name: "n1", Domains: []string{}, Allocatable: []float64{4}, Used: []float64{0.3}}},
	}, s.err
}

func TestTheOrderAndTheNodes(t *testing.T) {
	of := &scheduler{}
	w := newWorld(t, func(o *rest.Options) { o.Scheduler = of })
	w.wants(w.do(ann, "GET", "/api/v1/order?namespace=team-a", ""), 200,
		`"items":[{"key":{"namespace":"team-a","name":"training","convention":""},"queue":"research","position":3}]`)
	if of.token != ann {
		t.Errorf("the scheduler was asked with the token %s", of.token)
	}
	w.wants(w.do(ann, "GET", "/api/v1/order?namespace=team-b", ""), 403, "you may not list pods in namespace team-b")
	w.wants(w.do(ann, "GET", "/api/v1/order?namespace=A_B", ""), 422, "query.namespace")
	w.wants(w.do(ann, "GET", "/api/v1/nodes?namespace=team-a", ""), 200,
		`{"resources":["cpu"],"topologyKeys":[],"gangs":[{"namespace":"team-a","name":"training"}],"items":[{"name":"n1","domains":[],`+
			`"ready":false,"allocatable":[4],"used":[0.3]}],"at":`)
	w.wants(w.do(bob, "GET", "/api/v1/nodes", ""), 403, "you may not list nodes")
	w.wants(w.do(ann, "GET", "/api/v1/nodes?namespace=../x", ""), 422, "query.namespace")
	w.wants(w.do(ann, "GET", "/api/v1/nodes?name=n1", ""), 422)
	if asked := w.api.requests(); len(asked) > 0 {
		t.Errorf("the API server was asked %v", asked)
	}
}

func TestNoSchedulerForTheOrderAndTheNodes(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/api/v1/order", "/api/v1/nodes"} {
		w.wants(w.do(admin, "GET", path, ""), 503, "no scheduler answers")
	}
}
