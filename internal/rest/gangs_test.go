package rest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

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
	w.wants(w.do(ann, "GET", "/api/v1/gangs", ""), 403, "name one that you may, such as ?namespace=NAME")
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

func TestTheStoryOfAGang(t *testing.T) {
	of := &scheduler{}
	w := newWorld(t, func(o *rest.Options) { o.Scheduler = of })
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "1"))
	w.api.put("/api/v1/namespaces/team-b/pods/q", member("team-b", "q", "secret", "1"))
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/g/story", ""), 200, `"kind":"Explanation"`, "1 more pod of the gang",
		"you may not list the pods of all namespaces")
	if of.token != ann {
		t.Errorf("the scheduler was asked with the token %q", of.token)
	}
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/h/story", ""), 404, "no gang h runs or waits in namespace team-a")
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-b/secret/story", ""), 403)
	w = newWorld(t, nil)
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "1"))
	w.wants(w.do(ann, "GET", "/api/v1/gangs/team-a/g/story", ""), 200, "no scheduler answers")
}
