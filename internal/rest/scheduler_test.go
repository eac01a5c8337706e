package rest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// scheduler is one that answers.
type scheduler struct {
	token    string
	question answers.WhatIf
	// queues are those that it names; without any, research.
	queues []answers.Queue
	err    error
}

func (s *scheduler) Queues(_ context.Context, token string) (answers.Queues, error) {
	s.token = token
	if mayUse(token) == "" {
		return answers.Queues{}, &answers.Problem{Title: "Unauthorized", Status: 401, Detail: "use a bearer token of the cluster"}
	}
	if s.queues != nil {
		return answers.Queues{Items: s.queues}, s.err
	}
	return answers.Queues{Items: []answers.Queue{{Name: "research"}}}, s.err
}

func (s *scheduler) WhatIf(_ context.Context, token string, question answers.WhatIf) (answers.Forecast, error) {
	s.token, s.question = token, question
	if mayUse(token) == "" {
		return answers.Forecast{}, &answers.Problem{Title: "Unauthorized", Status: 401, Detail: "use a bearer token of the cluster"}
	}
	if question.Gang != "" && token == bob {
		return answers.Forecast{}, &answers.Problem{Title: "Forbidden", Status: 403, Detail: "you may not list pods"}
	}
	return answers.Forecast{Outcome: answers.Waits, Why: "the cluster is full"}, s.err
}

func (s *scheduler) Gang(_ context.Context, token, _, _ string) (answers.Gang, error) {
	s.token = token
	return answers.Gang{Reason: "set aside for it"}, s.err
}

func TestTheScheduler(t *testing.T) {
	of := &scheduler{}
	w := newWorld(t, func(o *rest.Options) { o.Scheduler = of })
	w.wants(w.do(ann, "GET", "/api/v1/queues", ""), 200, "research")
	const path = "/api/v1/what-if?namespace=team-a"
	w.wants(w.do(ann, "POST", path, training), 200, `"outcome":"Waits"`, "the cluster is full")
	if len(of.question.Pods) != 1 || of.token != ann {
		t.Fatalf("the scheduler was asked %v with the token %s", of.question, of.token)
	}
	pod := of.question.Pods[0]
	if pod.Count != 4 || !pod.Indexed || pod.Pod.UID == "" {
		t.Errorf("it was asked about %v, want what the API server makes of the pod", pod)
	}
	for _, asked := range w.api.requests() {
		if strings.Contains(asked, "POST /api/v1/namespaces/team-a/pods") && !strings.Contains(asked, "dryRun=All") {
			t.Errorf("what-if creates: %s", asked)
		}
	}
	of.token = ""
	w.wants(w.do(bob, "POST", path, training), 403, "you may not do that in team-a")
	if of.token != "" {
		t.Error("the scheduler was asked by one who may not create pods")
	}
	w.wants(w.do(ann, "POST", path, "{}"), 422, "body.image")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/first/what-if", ""), 200, `"outcome":"Waits"`)
	if of.question.Gang != "team-a/first" || of.token != ann {
		t.Errorf("the scheduler was asked %v with the token %s", of.question, of.token)
	}
	w.wants(w.do(ann, "POST", "/api/v1/what-if", training), 422, "query.namespace")

	of.err = &answers.Problem{Status: 403, Title: "Forbidden", Detail: "you may not ask", Errors: []answers.FieldError{{Location: "a", Message: "b"}}}
	w.wants(w.do(ann, "GET", "/api/v1/queues", ""), 403, "you may not ask", `"location":"a"`)
	of.err = errors.New("dial tcp 10.0.0.1: refused")
	w.wants(w.do(ann, "GET", "/api/v1/queues", ""), 503)

	w = newWorld(t, nil)
	w.wants(w.do(ann, "GET", "/api/v1/queues", ""), 503, "no scheduler answers")
	w.wants(w.do(ann, "POST", path, training), 503, "no scheduler answers")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/first/what-if", ""), 503, "no scheduler answers")
}
