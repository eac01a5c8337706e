package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

const (
	jobsOfA  = "/api/v1/namespaces/team-a/jobs"
	training = `{"name": "training", "image": "busybox:1.37", "replicas": 4, "cpu": "2"}`
	storedA  = "/apis/batch/v1/namespaces/team-a/jobs/"
)

// routes are those that need a caller.
func routes() [][2]string {
	return [][2]string{
		{"POST", jobsOfA},
		{"GET", jobsOfA},
		{"GET", jobsOfA + "/training"},
		{"DELETE", jobsOfA + "/training"},
		{"GET", jobsOfA + "/training/logs"},
		{"GET", jobsOfA + "/training/events"},
		{"GET", "/api/v1/gangs?namespace=team-a"},
		{"GET", "/api/v1/gangs/team-a/training"},
		{"GET", "/api/v1/queues"},
		{"POST", "/api/v1/what-if?namespace=team-a"},
		{"GET", "/api/v1/gangs/team-a/training/what-if"},
		{"GET", "/api/v1/watch?namespace=team-a"},
	}
}

// TestEveryRouteNeedsAToken: without one the API server is not asked, and with a forged one nothing happens.
func TestEveryRouteNeedsAToken(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Scheduler = &scheduler{} })
	for _, route := range routes() {
		for _, header := range []string{"", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a\x01", "bearer " + strings.Repeat("x", 20_000)} {
			answer := w.do("", route[0], route[1], training, "Authorization", header)
			w.wants(answer, http.StatusUnauthorized, "bearer token")
			if answer.Header().Get("Www-Authenticate") != "Bearer" {
				t.Errorf("%v says not how to authenticate: %v", route, answer.Header())
			}
		}
		if asked := w.api.requests(); len(asked) > 0 {
			t.Errorf("%v without a token asked the API server for %v", route, asked)
		}
		w.wants(w.do(forged, route[0], route[1], training), http.StatusUnauthorized, "bearer token")
		w.wants(w.do(bob, route[0], route[1], training), map[bool]int{true: 200, false: 403}[strings.Contains(route[1], "queues")])
		w.api.requests()
	}
}

func TestOpenRoutes(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do("", "GET", "/healthz", ""), 200, "ok")
	w.wants(w.do("", "GET", "/openapi.json", ""), 200, `"openapi": "3.1.0"`, jobsPath)
	w.do(ann, "GET", jobsOfA, "")
	w.wants(w.do("", "GET", "/metrics", ""), 200,
		`kubenexus_serve_requests_total{code="200",route="GET /api/v1/namespaces/{namespace}/jobs"} 1`)
	w.wants(w.do("", "GET", "/nothing", ""), 404, "/openapi.json")
	w.wants(w.do("", "GET", "/api/v1/nothing", ""), 404)
	answer := w.do("", "PUT", jobsOfA, "")
	w.wants(answer, 405, "GET")
	if got := answer.Header().Get("Allow"); !strings.Contains(got, "POST") {
		t.Errorf("allowed is %q", got)
	}
}

const jobsPath = "/api/v1/namespaces/{namespace}/jobs"

func TestSubmitAndCancel(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do(ann, "POST", jobsOfA, training), 201, `"name":"training"`, `"gang":"training"`, `"namespace":"team-a"`)
	if !w.api.has(storedA + "training") {
		t.Error("the Job does not exist")
	}
	w.wants(w.do(ann, "GET", jobsOfA, ""), 200, `"state":"Pending"`, `"pods":4`)
	w.wants(w.do(ann, "GET", jobsOfA+"/training", ""), 200, `"gang":"training"`)
	w.wants(w.do(ann, "GET", jobsOfA+"/training/events", ""), 200, `"items":[]`)
	w.wants(w.do(ann, "GET", jobsOfA+"/training/logs", ""), 404, "Job team-a/training has no pods")
	w.wants(w.do(ann, "POST", jobsOfA, training), 409, "already exists")
	w.wants(w.do(bob, "DELETE", jobsOfA+"/training", ""), 403, "you may not do that in team-a")
	w.wants(w.do(ann, "DELETE", jobsOfA+"/training", ""), 200, `"name":"training"`)
	w.wants(w.do(ann, "DELETE", jobsOfA+"/training", ""), 404, "training not found")
	for _, asked := range w.api.requests() {
		if !strings.HasPrefix(asked, ann+" ") && !strings.HasPrefix(asked, bob+" DELETE") {
			t.Errorf("the API server was asked: %s", asked)
		}
	}
}

func TestDryRunCreatesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do(ann, "POST", jobsOfA+"?dryRun=true", training), 201, `"name":"training"`)
	if w.api.has(storedA + "training") {
		t.Error("the Job exists")
	}
}

func TestManifests(t *testing.T) {
	job := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s}\nspec: {template: {spec: {containers: [{name: c}]}}}\n---\n"
	set := "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: s}\nspec: {replicatedJobs: []}\n---\n"
	pods := "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: p}\n  spec: {containers: [{name: c}]}\n"
	w := newWorld(t, nil)
	w.wants(w.do(ann, "POST", jobsOfA, fmt.Sprintf(job, "j")+set+pods), 201, `"name":"j"`, `"kind":"JobSet"`, `"kind":"Pod"`)
	for _, path := range []string{
		storedA + "j", "/apis/jobset.x-k8s.io/v1alpha2/namespaces/team-a/jobsets/s", "/api/v1/namespaces/team-a/pods/p",
	} {
		if !w.api.has(path) {
			t.Errorf("there is no %s", path)
		}
	}
	w.wants(w.do(ann, "POST", jobsOfA, fmt.Sprintf(job, "other")+fmt.Sprintf(job, "j")), 409, "document 2")
	if w.api.has(storedA + "other") {
		t.Error("a part of a manifest was created")
	}
	for body, want := range map[string]string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}":                                           "Secret of v1 is not submitted here",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: team-b}\nspec: {containers: [{}]}": "is not the namespace of the path",
		fmt.Sprintf(job, "a") + "kind: Job":                                                           "body: document 2, Job, apiVersion",
		"# nothing":                                                                                   "the manifest is empty",
		`{"name": "x", "imag": "y"}`:                                                                  `"location":"body.imag"`,
		`{"name": "x", "replicas": "y"}`:                                                              `"location":"body.replicas"`,
		`{"name": "x"}`:                                                                               `"location":"body.image"`,
	} {
		w.wants(w.do(ann, "POST", jobsOfA, body), 422, want)
	}
	for _, body := range []string{"", "  ", "{", `{"name": }`} {
		w.wants(w.do(ann, "POST", jobsOfA, body), 400)
	}
}

// TestWhatWasCreatedIsUndone if the rest of a submission cannot be created.
func TestWhatWasCreatedIsUndone(t *testing.T) {
	w := newWorld(t, nil)
	w.api.answer = func(to http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/services") && r.URL.Query().Get("dryRun") == "" {
			refuse(to, http.StatusForbidden, "Forbidden", "services are forbidden")
			return true
		}
		return false
	}
	w.wants(w.do(ann, "POST", jobsOfA, `{"name": "t", "image": "i", "torchrun": true}`), 403, "services are forbidden")
	if w.api.has(storedA + "t") {
		t.Error("the Job was left")
	}
	w.api.answer = nil
	w.wants(w.do(ann, "POST", jobsOfA, `{"name": "t", "image": "i", "torchrun": true}`), 201)
	if !w.api.has(storedA+"t") || !w.api.has("/api/v1/namespaces/team-a/services/t") {
		t.Error("the Job or its Service is missing")
	}
}

// TestIdempotencyKey: the same key gives the same Job, at any replica; for another request it is refused.
func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t, nil)
	replica, err := rest.New(rest.Options{APIServer: w.api.config(), Limits: rest.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	other := &world{t, w.api, replica}
	first := w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(first, 201)
	again := other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(again, 201)
	if first.Body.String() != again.Body.String() {
		t.Errorf("first %s, then %s", first.Body, again.Body)
	}
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "other", 1), "Idempotency-Key", "k"), 422, "header.Idempotency-Key")
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "4", "5", 1), "Idempotency-Key", "k"), 422, "header.Idempotency-Key")
	w.wants(other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "l"), 409, "already exists")
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "other", 1), "Idempotency-Key", "l"), 201)
	w.wants(w.do(ann, "POST", jobsOfA, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\nspec: {containers: [{}]}",
		"Idempotency-Key", "m"), 422, "need names")
}

// TestCallersAreKeptApart sends many requests of two callers at a time over the shared connections.
func TestCallersAreKeptApart(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Limits.StrangersBurst, o.Limits.Burst = 1000, 1000 })
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			token, own := ann, "team-a"
			if i%2 == 1 {
				token, own = bob, "team-b"
			}
			w.wants(w.do(token, "GET", "/api/v1/namespaces/"+own+"/jobs", ""), 200)
			w.wants(w.do(token, "GET", "/api/v1/namespaces/team-c/jobs", ""), 403)
		})
	}
	all.Wait()
	for _, asked := range w.api.requests() {
		token, rest, _ := strings.Cut(asked, " ")
		if !strings.Contains(rest, "team-c") && !strings.Contains(rest, mayUse(token)) {
			t.Errorf("the API server was asked with another's token: %s", asked)
		}
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Limits.StrangersPerSecond, o.Limits.StrangersBurst = 0.001, 5 })
	w.wants(w.do(ann, "GET", jobsOfA, ""), 200)
	flooded := false
	for range 10 {
		answer := w.do(forged, "GET", jobsOfA, "")
		if flooded = answer.Code == http.StatusTooManyRequests; flooded {
			w.wants(answer, 429, "too many requests")
			if answer.Header().Get("Retry-After") == "" {
				t.Error("it does not say when to come again")
			}
		}
	}
	if !flooded {
		t.Error("forged tokens are not limited")
	}
	w.api.requests()
	w.do("another", "GET", jobsOfA, "")
	if asked := w.api.requests(); len(asked) > 0 {
		t.Errorf("a flood costs the API server %v", asked)
	}
	w.wants(w.do(ann, "GET", jobsOfA, ""), 200) // a caller who is known is not held back

	w = newWorld(t, func(o *rest.Options) { o.Limits.RequestsPerSecond, o.Limits.Burst = 0.001, 2 })
	for _, status := range []int{200, 200, 200, 429} { // the first is a stranger's
		w.wants(w.do(ann, "GET", jobsOfA, ""), status)
	}
	w.wants(w.do(admin, "GET", jobsOfA, ""), 200)
}

func TestHugeBodies(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do(ann, "POST", jobsOfA, strings.Repeat(" ", 2<<20)), 413, "1048576")
	if asked := w.api.requests(); len(asked) > 0 {
		t.Errorf("the API server was asked for %v", asked)
	}
}

// TestErrorsOfTheAPIServer are for the caller, if they are about the request; others say nothing of the API server.
func TestErrorsOfTheAPIServer(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		code, want int
		says       string
	}{
		{400, 400, "at 10.0.0.1"},
		{403, 403, "at 10.0.0.1"},
		{409, 409, "at 10.0.0.1"},
		{422, 422, "at 10.0.0.1"},
		{429, 429, "try again later"},
		{500, 502, "went wrong"},
		{503, 503, "cannot be reached"},
		{504, 503, "cannot be reached"},
	} {
		w.api.answer = func(to http.ResponseWriter, _ *http.Request) bool {
			refuse(to, test.code, "", "at 10.0.0.1")
			return true
		}
		answer := w.do(ann, "POST", jobsOfA, training)
		w.wants(answer, test.want, test.says)
		if test.code >= 429 && strings.Contains(answer.Body.String(), "10.0.0.1") {
			t.Errorf("it leaks: %s", answer.Body)
		}
	}
	w.api.Close()
	w.wants(w.do(ann, "GET", jobsOfA, ""), 503, "cannot be reached")
}

func TestTimeouts(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Limits.Timeout = 50 * time.Millisecond })
	w.api.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	w.wants(w.do(ann, "GET", jobsOfA, ""), 504, "in time")
}

// scheduler is one that answers.
type scheduler struct {
	token    string
	question answers.WhatIf
	err      error
}

func (s *scheduler) Queues(_ context.Context, token string) (answers.Queues, error) {
	s.token = token
	if mayUse(token) == "" {
		return answers.Queues{}, &answers.Problem{Title: "Unauthorized", Status: 401, Detail: "use a bearer token of the cluster"}
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

// member is a pod of a gang of two.
func member(namespace, name, gang, version string) map[string]any {
	return map[string]any{
		"metadata": map[string]any{
			"namespace": namespace, "name": name, "uid": namespace + "/" + name, "resourceVersion": version,
			"creationTimestamp": "2026-01-02T03:04:05Z",
			"annotations": map[string]any{
				"pod-group.scheduling.sigs.k8s.io/name": gang, "pod-group.scheduling.sigs.k8s.io/min-available": "2",
			},
		},
		"spec": map[string]any{"schedulerName": "kubenexus-scheduler", "containers": []any{map[string]any{"name": "c"}}},
	}
}

func TestGangs(t *testing.T) {
	of := &scheduler{}
	w := newWorld(t, func(o *rest.Options) { o.Scheduler = of })
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "1"))
	w.api.put("/api/v1/namespaces/team-b/pods/q", member("team-b", "q", "secret", "1"))
	w.wants(w.do(ann, "GET", "/api/v1/gangs?namespace=team-a", ""), 200, `"name":"g"`, `"phase":"Incomplete"`)
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/g", ""), 200, `"name":"p"`, "set aside for it")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/h", ""), 404, "no gang h runs or waits in namespace team-a")
	w.wants(w.do(ann, "GET", "/api/v1/gangs", ""), 403, "name one that you may")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-b/secret", ""), 403)
	w.wants(w.do(admin, "GET", "/api/v1/gangs", ""), 200, `"name":"g"`, `"name":"secret"`)
	answer := w.do(ann, "GET", "/api/v1/gangs?namespace=../x", "")
	w.wants(answer, 422, "query.namespace")
	if n := strings.Count(answer.Body.String(), "query.namespace"); n != 1 {
		t.Errorf("it says %d times what is wrong: %s", n, answer.Body)
	}
	w.wants(w.do(ann, "GET", "/api/v1/gangs?names=x", ""), 422, "unknown query parameter")
	of.err = errors.New("no answer")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/g", ""), 200, `"name":"p"`)
}

func TestLogs(t *testing.T) {
	w := newWorld(t, nil)
	w.wants(w.do(ann, "POST", jobsOfA, training), 201)
	for i := range 2 {
		pod := member("team-a", fmt.Sprintf("training-%d-x", i), "training", "1")
		metadata := pod["metadata"].(map[string]any)
		metadata["labels"] = map[string]any{"batch.kubernetes.io/controller-uid": "uid-1"}
		metadata["annotations"].(map[string]any)["batch.kubernetes.io/job-completion-index"] = fmt.Sprint(i)
		w.api.put("/api/v1/namespaces/team-a/pods/"+metadata["name"].(string), pod)
	}
	w.wants(w.do(ann, "GET", jobsOfA+"/training/logs", ""), 200, "a line of training-0-x")
	w.wants(w.do(ann, "GET", jobsOfA+"/training/logs?index=1", ""), 200, "a line of training-1-x")
	w.wants(w.do(ann, "GET", jobsOfA+"/training/logs?pod=training-1-x", ""), 200, "a line of training-1-x")
	w.wants(w.do(ann, "GET", jobsOfA+"/training/logs?pod=other", ""), 404, "no such pod")
	w.wants(w.do(bob, "GET", jobsOfA+"/training/logs", ""), 403)
}

// BenchmarkSubmit is the cost of a submission, with that of the API server of these tests. It takes less than a millisecond, so that 1,000 a
// second leave an API server the limit.
func BenchmarkSubmit(b *testing.B) {
	w := newWorld(b, func(o *rest.Options) { o.Limits.StrangersBurst, o.Limits.Burst = 1<<40, 1<<40 })
	var number atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			name := fmt.Sprintf("job-%d", number.Add(1))
			w.wants(w.do(ann, "POST", jobsOfA, strings.Replace(training, "training", name, 1)), 201)
		}
	})
}
