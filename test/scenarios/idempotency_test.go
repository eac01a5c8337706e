package scenarios

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/pkg/client"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

// TestIdempotencyKeyAtTwoReplicas: of requests with one key and different names that two replicas get at the same moment, one is served, and the
// others leave nothing. The API server is a real one, and the caller has the rights of a submitter only.
func TestIdempotencyKeyAtTwoReplicas(t *testing.T) {
	s := newScenario(t, "idempotency")
	deleteJobs(t, s.namespace)
	token := s.account(t, "submitter")
	s.grant(t, "submitter", s.namespace, rbacv1.PolicyRule{
		APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "get", "list", "delete"},
	})
	page := &page{dir: t.TempDir()}
	certificate := page.certificate(t, "serve.crt")
	ca, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	var replicas []*client.ClientWithResponses
	for range 2 {
		address := serving.Serve(t, suite.plane.Kubeconfig(), "--tls-cert-file", certificate, "--tls-private-key-file", page.dir+"/serve.key")
		api, err := client.New("https://"+address, client.Options{Token: token, CA: ca})
		if err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, api)
	}
	const keys, requests = 10, 8
	for key := range keys {
		params := &client.SubmitParams{IdempotencyKey: new(fmt.Sprintf("key-%d", key))}
		submit := func(i int) error {
			request := client.Request{Name: fmt.Sprintf("job-%d-%d", key, i), Image: "busybox:1.37", SchedulerName: "none"}
			_, err := client.Check(replicas[i%len(replicas)].SubmitWithResponse(s.ctx, s.namespace, params, request))
			return err
		}
		answers := make([]error, requests)
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() { answers[i] = submit(i) })
		}
		all.Wait()
		served := servedOf(t, answers)
		if len(served) != 1 {
			t.Fatalf("key %d: the requests %v were served, want one: %v", key, served, answers)
		}
		if again := servedOf(t, []error{submit((served[0] + 1) % requests)}); len(again) > 0 {
			t.Errorf("key %d: a request that was refused is served later", key)
		}
		if err := submit(served[0]); err != nil {
			t.Errorf("key %d: the request that was served is refused later: %v", key, err)
		}
		jobs, err := suite.client.BatchV1().Jobs(s.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs.Items) != key+1 {
			t.Fatalf("after key %d there are %d Jobs, want one for each key", key, len(jobs.Items))
		}
	}
}

// servedOf returns which of the requests were served. The others have to be refused because of the key.
func servedOf(t *testing.T, answers []error) []int {
	t.Helper()
	var served []int
	for i, err := range answers {
		if err == nil {
			served = append(served, i)
			continue
		}
		problem, ok := errors.AsType[*client.ErrorModel](err)
		if !ok || problem.Status != http.StatusUnprocessableEntity || len(problem.Errors) != 1 ||
			problem.Errors[0].Location != "header.Idempotency-Key" {
			t.Errorf("request %d: %v, want 422 for the key", i, err)
		}
	}
	return served
}
