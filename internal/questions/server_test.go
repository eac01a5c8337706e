package questions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// fake is a scheduler that gives fixed answers.
type fake struct {
	standby  bool
	gangs    []gang.Status
	order    answers.Order
	nodes    answers.Nodes
	forecast answers.Forecast
	err      error
	asked    []*corev1.Pod
	// tried is the gang that was asked about.
	tried string
}

func (f *fake) Leads() bool                { return !f.standby }
func (f *fake) Gangs(string) []gang.Status { return f.gangs }
func (f *fake) Queues() answers.Queues     { return answers.Queues{} }
func (f *fake) Order(string) answers.Order { return f.order }
func (f *fake) Nodes(context.Context) (answers.Nodes, error) {
	return f.nodes, f.err
}

func (f *fake) WhatIf(_ context.Context, pods []*corev1.Pod) (answers.Forecast, error) {
	f.asked = pods
	return f.forecast, f.err
}

func (f *fake) WhatIfTried(_ context.Context, namespace, name string) (answers.Forecast, error) {
	f.tried = namespace + "/" + name
	return f.forecast, f.err
}

// may allows a user to list and create pods in the namespace of the same name. The user admin may do so in all.
func may(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if who := a.GetUser().GetName(); who == "admin" || a.GetNamespace() != "" && who == a.GetNamespace() {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// ask sends a question of a user, and returns the answer.
func ask(s http.Handler, who, method, path, body string) (status int, text string) {
	return askIn(context.Background(), s, who, method, path, body)
}

func askIn(ctx context.Context, s http.Handler, who, method, path, body string) (status int, text string) {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if who != "" {
		r = r.WithContext(request.WithUser(r.Context(), &user.DefaultInfo{Name: who}))
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func serverOf(f *fake) *Server {
	return NewServer(f, authorizer.AuthorizerFunc(may), func() string { return "the-leader" })
}

// question asks about so many pods in a namespace.
func question(namespace string, count int, spec string) string {
	return fmt.Sprintf(`{"pods": [{"count": %d, "pod": {"metadata": {"namespace": %q}, "spec": {%s "containers": [{"name": "main", "image": "i"}]}}}]}`,
		count, namespace, spec)
}

// TestRefusals: each wrong question has the status that says what is wrong, and does not reach the scheduler.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, who, method, path, body string
		status                        int
		says                          string
	}{
		{"nobody asks", "", "GET", answers.GangsPath, "", 401, "not known"},
		{"gangs of all namespaces", "a", "GET", answers.GangsPath, "", 403, "name one"},
		{"gangs of another namespace", "a", "GET", answers.GangsPath + "?namespace=b", "", 403, "namespace b"},
		{"another method", "a", "DELETE", answers.GangsPath, "", 405, ""},
		{"another path", "a", "GET", answers.Root + "/secrets", "", 404, ""},
		{"no JSON", "a", "POST", answers.WhatIfPath, "pods", 400, "not the JSON"},
		{"JSON of something else", "a", "POST", answers.WhatIfPath, `{"pods": 3}`, 400, "not the JSON"},
		{"no pods", "a", "POST", answers.WhatIfPath, `{}`, 422, "there is no pod to ask about"},
		{"a negative count", "a", "POST", answers.WhatIfPath, question("a", -1, ""), 422, "pods[0].count"},
		{"a huge count", "a", "POST", answers.WhatIfPath, question("a", 1<<40, ""), 422, "5000 pods"},
		{"huge", "a", "POST", answers.WhatIfPath, `{"pods": "` + strings.Repeat("x", maxBody) + `"}`, 413, "bytes"},
		{"no namespace", "a", "POST", answers.WhatIfPath, question("", 1, ""), 422, "pods[0].pod.metadata.namespace"},
		{"a pod with a node", "a", "POST", answers.WhatIfPath, question("a", 1, `"nodeName": "n1",`), 422, "spec.nodeName"},
		{"a class without its priority", "a", "POST", answers.WhatIfPath, question("a", 1, `"priorityClassName": "x",`), 422, "spec.priority"},
		{"no containers", "a", "POST", answers.WhatIfPath, `{"pods": [{"pod": {"metadata": {"namespace": "a"}}}]}`, 422, "spec.containers"},
		{
			"an empty term", "a", "POST", answers.WhatIfPath,
			question("a", 1, `"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}},`), 422, "topologyKey",
		},
		{"another namespace", "a", "POST", answers.WhatIfPath, question("b", 1, ""), 403, "may not create pods in namespace b"},
		{"a gang of another namespace", "a", "POST", answers.WhatIfPath, `{"gang": "b/train"}`, 403, "may not list pods in namespace b"},
		{"a gang without a namespace", "a", "POST", answers.WhatIfPath, `{"gang": "train"}`, 422, "namespace/name"},
		{"a gang without a name", "a", "POST", answers.WhatIfPath, `{"gang": "a/"}`, 422, "namespace/name"},
		{"a gang and pods", "a", "POST", answers.WhatIfPath, `{"gang": "a/train", "pods": [{}]}`, 422, "pods, or about a gang"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{}
			status, text := ask(serverOf(f), tc.who, tc.method, tc.path, tc.body)
			if status != tc.status || !strings.Contains(text, tc.says) {
				t.Errorf("status %d, want %d, and %q in the answer:\n%.500s", status, tc.status, tc.says, text)
			}
			if f.asked != nil || f.tried != "" {
				t.Error("the scheduler was asked")
			}
		})
	}
}

// TestWhatTheSchedulerCannotAnswer is told with its sentence.
func TestWhatTheSchedulerCannotAnswer(t *testing.T) {
	status, text := ask(serverOf(&fake{err: errors.New("the pods belong to several gangs")}), "a", "POST", answers.WhatIfPath, question("a", 1, ""))
	if status != http.StatusUnprocessableEntity || !strings.Contains(text, "several gangs") {
		t.Errorf("status %d: %s", status, text)
	}
	status, text = ask(serverOf(&fake{err: fmt.Errorf("planning: %w", answers.ErrTooLong)}), "a", "POST", answers.WhatIfPath, question("a", 1, ""))
	if status != http.StatusGatewayTimeout || !strings.Contains(text, "about fewer pods") {
		t.Errorf("of a question that takes too long it says status %d: %s", status, text)
	}
	status, text = ask(serverOf(&fake{standby: true}), "a", "GET", answers.QueuesPath, "")
	var problem answers.Problem
	if err := json.Unmarshal([]byte(text), &problem); err != nil || status != http.StatusServiceUnavailable || problem.Leader != "the-leader" {
		t.Errorf("a standby answers with status %d, error %v: %s", status, err, text)
	}
}

// TestAGangThatExists is asked about by those who may list the pods of its namespace.
func TestAGangThatExists(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		says   string
	}{
		{nil, 200, `"outcome":"Waits"`},
		{fmt.Errorf("%w: a/train", ledger.ErrNoGang), 404, "no such gang: a/train"},
		{errors.New("gang a/train is Running"), 422, "is Running"},
	} {
		f := &fake{forecast: answers.Forecast{Outcome: answers.Waits}, err: tc.err}
		status, text := ask(serverOf(f), "a", "POST", answers.WhatIfPath, `{"gang": "a/train"}`)
		if status != tc.status || !strings.Contains(text, tc.says) || f.tried != "a/train" {
			t.Errorf("with the error %v: status %d about %q, want %d and %q: %s", tc.err, status, f.tried, tc.status, tc.says, text)
		}
	}
}

// TestWhatAGangAwaits: the answer has the numbers of pods and nodes.
func TestWhatAGangAwaits(t *testing.T) {
	f := &fake{gangs: []gang.Status{{
		Key: gang.Key{Namespace: "a", Name: "train"}, Phase: gang.Ready,
		Why: gang.Explanation{Kind: gang.KindPreempting, Awaits: &gang.AwaitsWhy{Pods: 3, Nodes: 2}},
	}}}
	if _, text := ask(serverOf(f), "a", "GET", answers.GangsPath+"?namespace=a", ""); !strings.Contains(text, `"awaits":{"pods":3,"nodes":2}`) {
		t.Errorf("the answer is %s", text)
	}
}

// TestPodsAreCompleted: the scheduler gets what the API server would have made of the pods, each with a name and UID of its own.
func TestPodsAreCompleted(t *testing.T) {
	f := &fake{}
	body := `{"pods": [
	  {"count": 2, "indexed": true, "pod": {"metadata": {"namespace": "a", "generateName": "x-", "uid": "real"},
	    "spec": {"containers": [{"name": "main", "image": "i", "resources": {"limits": {"cpu": "2"}}}]}}},
	  {"pod": {"metadata": {"namespace": "a"}, "spec": {"containers": [{"name": "main", "image": "i"}]}, "status": {"phase": "Running"}}}]}`
	if status, text := ask(serverOf(f), "a", "POST", answers.WhatIfPath, body); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	var got []string
	for _, pod := range f.asked {
		got = append(got, fmt.Sprintf("%s %s cpu=%s index=%s %s %s", pod.Name, pod.UID, pod.Spec.Containers[0].Resources.Requests.Cpu(),
			pod.Annotations["batch.kubernetes.io/job-completion-index"], pod.Spec.RestartPolicy, pod.Status.Phase))
	}
	want := []string{
		"what-if/0 kubenexus.io/what-if/0 cpu=2 index=0 Always Pending",
		"what-if/1 kubenexus.io/what-if/1 cpu=2 index=1 Always Pending",
		"what-if/2 kubenexus.io/what-if/2 cpu=0 index= Always Pending",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOthersAreHidden: a user sees the victims in namespaces of which they may list the pods, and the number of the others.
func TestOthersAreHidden(t *testing.T) {
	forecast := answers.Forecast{
		Victims: []answers.Victim{{Namespace: "a", Name: "mine"}, {Namespace: "b", Name: "secret-1"}, {Namespace: "b", Name: "secret-2"}},
		After:   "gang b/secret",
	}
	for who, want := range map[string]int{"a": 1, "admin": 3} {
		_, text := ask(serverOf(&fake{forecast: forecast}), who, "POST", answers.WhatIfPath, question("a", 1, ""))
		var got answers.Forecast
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Victims) != want || len(got.Victims)+got.HiddenVictims != 3 || (who == "a") == strings.Contains(text, "secret") {
			t.Errorf("%s sees %s", who, text)
		}
	}
}

// TestWhoAsksTooOftenIsToldToWait, and others are not.
func TestWhoAsksTooOftenIsToldToWait(t *testing.T) {
	s := serverOf(&fake{})
	refused := 0
	for range 2 * burst {
		if status, _ := ask(s, "a", "GET", answers.QueuesPath, ""); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a user may ask as often as they like")
	}
	if status, _ := ask(s, "b", "GET", answers.QueuesPath, ""); status != http.StatusOK {
		t.Errorf("another user gets status %d", status)
	}
}

// TestAUserHasFewQuestionsAtATime, so that those of one user do not take all places.
func TestAUserHasFewQuestionsAtATime(t *testing.T) {
	r := newRates()
	var done func()
	for range runningMost {
		var ok bool
		if done, ok = r.begin("a"); !ok {
			t.Fatal("a question was refused")
		}
	}
	if _, ok := r.begin("a"); ok {
		t.Error("a user may have any number of questions at a time")
	}
	if _, ok := r.begin("b"); !ok {
		t.Error("another user may not ask")
	}
	done()
	if _, ok := r.begin("a"); !ok {
		t.Error("a user may not ask although a question was answered")
	}
}

// FuzzWhatIf: whatever is sent gets an answer, and only valid pods reach the scheduler.
func FuzzWhatIf(f *testing.F) {
	f.Add(question("a", 3, ""))
	f.Add(question("a", 1, `"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": null, "topologyKey": "x"}]}},`))
	f.Add(question("a", 1, `"topologySpreadConstraints": [{}], "tolerations": [{}], "volumes": [{"name": "x"}], "resourceClaims": [{}],`))
	f.Add(question("a", 1, `"overhead": {"cpu": "-1"}, "initContainers": [{"resources": {"requests": {"cpu": "1e400"}}}],`))
	f.Add(`{"pods": [{"pod": null}, null]}`)
	f.Add(`{"gang": "a/train"}`)
	f.Fuzz(func(t *testing.T, body string) {
		scheduler := &fake{}
		status, text := ask(serverOf(scheduler), "a", "POST", answers.WhatIfPath, body)
		if status == http.StatusOK != (scheduler.asked != nil || strings.HasPrefix(scheduler.tried, "a/")) {
			t.Errorf("status %d, and the scheduler was asked about %d pods: %s", status, len(scheduler.asked), text)
		}
		for _, pod := range scheduler.asked {
			if len(pod.Spec.Containers) == 0 || pod.Spec.NodeName != "" || pod.Namespace != "a" {
				t.Errorf("the scheduler was asked about %v", pod)
			}
		}
	})
}
