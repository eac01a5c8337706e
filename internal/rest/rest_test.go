package rest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

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
		{"GET", "/api/v1/order?namespace=team-a"},
		{"GET", "/api/v1/nodes"},
		{"POST", "/api/v1/what-if?namespace=team-a"},
		{"GET", "/api/v1/gangs/team-a/training/what-if"},
		{"GET", "/api/v1/gangs/team-a/training/story"},
		{"GET", "/api/v1/watch?namespace=team-a"},
		{"GET", "/api/v1/about"},
		{"GET", historyPath},
	}
}

// TestEveryRouteNeedsAToken: without one the API server is not asked, and with a forged one nothing happens.
func TestEveryRouteNeedsAToken(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Scheduler, o.Prometheus.URL = &scheduler{}, newPrometheus(t).URL })
	ofAll := func(path string) bool { return strings.Contains(path, "queues") || strings.Contains(path, "about") }
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
		w.wants(w.do(bob, route[0], route[1], training), map[bool]int{true: 200, false: 403}[ofAll(route[1])])
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
