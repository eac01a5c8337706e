package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

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
