package rest_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// replica is another process that serves the same API server.
func (w *world) replica(version string) *world {
	w.Helper()
	server, err := rest.New(rest.Options{APIServer: w.api.config(), Limits: rest.DefaultLimits(), Version: version})
	if err != nil {
		w.Fatal(err)
	}
	return &world{w.TB, w.api, server}
}

// TestIdempotencyKey: the same key gives the same Job, at any replica; for another request it is refused.
func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t, nil)
	other := w.replica("other")
	first := w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(first, 201)
	again := other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k")
	w.wants(again, 201)
	if first.Body.String() != again.Body.String() {
		t.Errorf("first %s, then %s", first.Body, again.Body)
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{}]}"
	for _, body := range []string{strings.Replace(training, "training", "other", 1), strings.Replace(training, "4", "5", 1), pod} {
		w.wants(other.do(ann, "POST", jobsOfA, body, "Idempotency-Key", "k"), 422, "header.Idempotency-Key")
	}
	w.wants(other.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "l"), 409, "already exists")
	w.wants(other.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "other", 1), "Idempotency-Key", "l"), 201)
	w.wants(w.do(ann, "POST", jobsOfA, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\nspec: {containers: [{}]}",
		"Idempotency-Key", "m"), 422, "need names")
}

// TestIdempotencyKeyWithoutAllRights: who may not list pods, in a cluster without JobSets, can use a key for Jobs.
func TestIdempotencyKeyWithoutAllRights(t *testing.T) {
	w := newWorld(t, nil)
	w.api.answer = func(to http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/pods"):
			refuse(to, http.StatusForbidden, "Forbidden", "pods are forbidden")
		case strings.HasSuffix(r.URL.Path, "/jobsets"):
			refuse(to, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
		default:
			return false
		}
		return true
	}
	for range 2 {
		w.wants(w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k"), 201, `"name":"training"`)
	}
}

// TestBothClaimsOfAKey: if replicas ended before they looked, and left objects of two requests, neither is deleted nor confirmed.
func TestBothClaimsOfAKey(t *testing.T) {
	w := newWorld(t, nil)
	second := strings.Replace(training, "training", "second", 1)
	w.wants(w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k"), 201)
	w.wants(w.do(ann, "POST", jobsOfA, second, "Idempotency-Key", "l"), 201)
	claim, key := w.api.objects[storedA+"second"]["metadata"].(map[string]any), map[string]any{}
	maps.Copy(key, w.api.objects[storedA+"training"]["metadata"].(map[string]any)["labels"].(map[string]any))
	claim["labels"] = key
	w.wants(w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k"), 409, "jobs/training and jobs/second")
	w.wants(w.do(ann, "POST", jobsOfA, second, "Idempotency-Key", "k"), 409, "jobs/second and jobs/training")
	w.wants(w.do(ann, "POST", jobsOfA, strings.Replace(training, "training", "third", 1), "Idempotency-Key", "k"), 422)
	w.wants(w.do(ann, "DELETE", jobsOfA+"/second", ""), 200)
	w.wants(w.do(ann, "POST", jobsOfA, training, "Idempotency-Key", "k"), 201)
}

// run is a request with the key, at a replica of its own.
type run struct {
	body   string
	server *world
	// turn lets its next request at the API server go; false ends its replica.
	turn chan bool
	// arrives says that a request waits for its turn, or that there is an answer.
	arrives chan bool
	code    int
}

// race lets requests with one key run at the same time, in an order that the test chooses: of their requests at the API server.
type race struct {
	*world
	mu sync.Mutex
	// runs are by the version of their replicas, and so are those of which the replica ended.
	runs  map[string]*run
	ended map[string]bool
	// over is closed when the test is over, also if it failed in the middle.
	over chan struct{}
}

func newRace(t testing.TB) *race {
	r := &race{world: newWorld(t, nil), runs: map[string]*run{}, ended: map[string]bool{}, over: make(chan struct{})}
	r.api.answer = func(to http.ResponseWriter, q *http.Request) bool {
		_, version, _ := strings.Cut(q.UserAgent(), "/")
		r.mu.Lock()
		of, ended := r.runs[version], r.ended[version]
		r.mu.Unlock()
		if of == nil {
			return false
		}
		if !ended {
			ended = !r.wait(of)
		}
		if ended { // nothing of a replica that ended reaches the API server
			r.mu.Lock()
			r.ended[version] = true
			r.mu.Unlock()
			refuse(to, http.StatusInternalServerError, "InternalError", "ended")
		}
		return ended
	}
	return r
}

// wait waits until a request may go on. It may not if the test is over.
func (r *race) wait(of *run) bool {
	select {
	case of.arrives <- true:
	case <-r.over:
		return false
	}
	select {
	case goes := <-of.turn:
		return goes
	case <-r.over:
		return false
	}
}

// start starts a request, which waits for its first turn.
func (r *race) start(body string) *run {
	version := fmt.Sprintf("replica-%d", len(r.runs))
	of := &run{body: body, server: r.replica(version), turn: make(chan bool), arrives: make(chan bool)}
	r.mu.Lock()
	r.runs[version] = of
	r.mu.Unlock()
	go func() {
		of.code = of.server.do(ann, "POST", jobsOfA, body, "Idempotency-Key", "k").Code
		close(of.arrives)
	}()
	return of
}

// names are those of the objects that exist.
func (r *race) names() []string {
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	return slices.Sorted(maps.Keys(r.api.objects))
}

// contents are requests that differ: in the name, in what they create, and in how many objects.
func contents() map[string][]string {
	return map[string][]string{
		`{"name": "one", "image": "i"}`:                     {storedA + "one"},
		`{"name": "two", "image": "i"}`:                     {storedA + "two"},
		`{"name": "two", "image": "j"}`:                     {storedA + "two"},
		`{"name": "three", "image": "i", "torchrun": true}`: {storedA + "three", "/api/v1/namespaces/team-a/services/three"},
		"apiVersion: v1\nkind: Pod\nmetadata: {name: four}\nspec: {schedulerName: s, containers: [{}]}": {"/api/v1/namespaces/team-a/pods/four"},
	}
}

// TestOneRequestOfAKey shows for requests with one key, in any order of what they ask the API server, and with replicas that end in the middle:
// all that get 201 are the same request, and what it has exists, then and later. If no replica ended, one request is served, and the others
// have left nothing.
func TestOneRequestOfAKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRace(t)
		defer r.api.Close()
		defer close(r.over)
		bodies := slices.Sorted(maps.Keys(contents()))
		var runs []*run
		for _, body := range rapid.SliceOfN(rapid.SampledFrom(bodies), 2, 4).Draw(rt, "bodies") {
			runs = append(runs, r.start(body))
		}
		crashes := rapid.Bool().Draw(rt, "crashes")
		crashed := false
		var waiting []*run
		for _, of := range runs {
			if <-of.arrives {
				waiting = append(waiting, of)
			}
		}
		for len(waiting) > 0 {
			i := rapid.IntRange(0, len(waiting)-1).Draw(rt, "next")
			ends := crashes && rapid.IntRange(0, 9).Draw(rt, "ends") == 0
			crashed = crashed || ends
			waiting[i].turn <- !ends
			if !<-waiting[i].arrives {
				waiting = slices.Delete(waiting, i, i+1)
			}
		}
		served := r.check(rt, runs)
		if !crashed {
			if served == "" {
				rt.Fatalf("no request was served: %v", codes(runs))
			}
			if names, want := r.names(), contents()[served]; !slices.Equal(names, slices.Sorted(slices.Values(want))) {
				rt.Fatalf("there is %v, want %v", names, want)
			}
		}
		// Now each request comes again, one after the other.
		for _, body := range rapid.Permutation(bodies).Draw(rt, "again") {
			code := r.do(ann, "POST", jobsOfA, body, "Idempotency-Key", "k").Code
			runs = append(runs, &run{body: body, code: code})
			if served = r.check(rt, runs); !crashed && (code == 201) != (body == served) {
				rt.Fatalf("%s is answered %d, and %s was served before", body, code, served)
			}
		}
	})
}

func codes(runs []*run) string {
	var all []string
	for _, of := range runs {
		all = append(all, fmt.Sprintf("%d %s", of.code, of.body))
	}
	return strings.Join(all, "; ")
}

// check checks that at most one request was served, and that what it has exists. It returns this request.
func (r *race) check(t *rapid.T, runs []*run) (served string) {
	for _, of := range runs {
		switch {
		case of.code != http.StatusCreated:
			continue
		case served != "" && served != of.body:
			t.Fatalf("two requests were served: %s", codes(runs))
		}
		served = of.body
		for _, path := range contents()[of.body] {
			if !r.api.has(path) {
				t.Fatalf("%s was served, and there is no %s: %s", of.body, path, codes(runs))
			}
		}
	}
	return served
}
