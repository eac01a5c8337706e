package rest_test

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatASubmissionAsksTheAPIServer: a Job is one request, so that many can be submitted. A key is looked up
// before and after, in all that can have it. Several objects are first checked all.
func TestWhatASubmissionAsksTheAPIServer(t *testing.T) {
	looks := []string{"GET /api/v1/namespaces/team-a/pods", "GET " + jobsAt, "GET /apis/jobset.x-k8s.io/v1alpha2/namespaces/team-a/jobsets"}
	const create, service = "POST " + jobsAt, "POST /api/v1/namespaces/team-a/services"
	for name, test := range map[string]struct {
		body, path, key string
		want            []string
	}{
		"a Job":                 {training, jobsOfA, "", []string{create}},
		"a Job, only checked":   {training, jobsOfA + "?dryRun=true", "", []string{create + " dry"}},
		"a Job with a key":      {training, jobsOfA, "nightly-1", slices.Concat(looks, []string{create}, looks)},
		"a Job and its Service": {`{"name": "t", "image": "i", "torchrun": true}`, jobsOfA, "", []string{create + " dry", service + " dry", create, service}},
		"a wrong one":           {`{"name": "t"}`, jobsOfA, "nightly-1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.do(ann, "POST", test.path, test.body, "Idempotency-Key", test.key)
			var got []string
			for _, asked := range w.api.requests() {
				_, request, _ := strings.Cut(asked, " ")
				path, query, _ := strings.Cut(request, "?")
				if strings.Contains(query, "dryRun=All") {
					path += " dry"
				}
				got = append(got, path)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("it asked for %q, want %q", got, test.want)
			}
		})
	}
}

const jobsAt = "/apis/batch/v1/namespaces/team-a/jobs"
