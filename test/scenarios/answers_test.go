package scenarios

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

// caller asks the REST API with a token.
type caller struct {
	address, token string
}

func (c caller) get(t *testing.T, path string) (status int, text string) {
	t.Helper()
	client, err := rest.HTTPClientFor(&rest.Config{BearerToken: c.token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.address+"/api/v1/"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// seen is what an answer to a caller has.
type seen struct {
	nodes answers.Nodes
	order answers.Order
	text  string
}

// sees waits for the answers about the nodes and the order that done accepts.
func (c caller) sees(t *testing.T, namespace, what string, done func(*seen) bool) (s seen) {
	t.Helper()
	process.Within(t, patience, what, func() (bool, string) {
		s = seen{}
		for path, into := range map[string]any{"nodes": &s.nodes, "order?namespace=" + namespace: &s.order} {
			status, text := c.get(t, path)
			s.text += text
			if status != http.StatusOK {
				return false, text // the scheduler may not lead yet
			}
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		return done(&s), s.text
	})
	return s
}

// TestNodesAndOrderOverREST asks the API, which asks the real scheduler, who uses the nodes and who goes next. One user may see all
// namespaces. Another one may see one of them, and learns no names in the other, only that capacity is used and that somebody goes before.
func TestNodesAndOrderOverREST(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=true")
	other, s := newScenario(t, "answers-other"), newScenario(t, "answers-own")
	for _, node := range []string{"n1", "n2"} {
		s.node(node, controlplane.NodeShape{CPU: "4", Memory: "8Gi", Pods: 110})
	}
	other.gang("secret", 3, 3)
	s.gang("runs", 3, 3)
	other.boundIs(t, "secret", 3)
	s.boundIs(t, "runs", 3)
	other.gang("secret-waits", 4, 4)
	other.waitsWith(t, "secret-waits-0", "2 of the 4 pods it needs fit")
	s.gang("waits", 4, 4)
	s.waitsWith(t, "waits-0", "2 of the 4 pods it needs fit")

	address := serving.Serve(t, suite.plane.Kubeconfig())
	core := func(resource string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"list"}}
	}
	lease := rbacv1.PolicyRule{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get"}}
	questions := rbacv1.PolicyRule{NonResourceURLs: []string{answers.Root + "/*"}, Verbs: []string{"get"}}
	as := func(name string, rules ...rbacv1.PolicyRule) caller {
		c := caller{address, s.account(t, name)}
		s.grant(t, name, "", append(rules, questions, lease)...)
		return c
	}
	all, some, blind := as("all", core("nodes"), core("pods")), as("some", core("nodes")), as("blind")
	s.grant(t, "some", s.namespace, core("pods"))
	s.grant(t, "blind", s.namespace, core("pods"))

	both := all.sees(t, "", "both gangs on the nodes, and both in the order", func(s *seen) bool {
		return len(s.nodes.Gangs) == 2 && len(s.order.Items) == 2
	})
	if first, second := both.order.Items[0], both.order.Items[1]; first.Key.Name != "secret-waits" || second.Key.Name != "waits" ||
		first.Position != 0 || second.Position != 1 || !strings.Contains(second.Reason, "2 of the 4 pods it needs fit") {
		t.Errorf("the order is %+v", both.order.Items)
	}
	own := some.sees(t, s.namespace, "the gangs of one namespace", func(s *seen) bool {
		return len(s.nodes.Gangs) == 1 && len(s.order.Items) == 1
	})
	if strings.Contains(own.text, "secret") || strings.Contains(own.text, other.namespace) {
		t.Errorf("names that the user may not see: %s", own.text)
	}
	if turn := own.order.Items[0]; turn.Key.Name != "waits" || turn.Position != 1 {
		t.Errorf("the turn is %+v", turn)
	}
	for name, answer := range map[string]answers.Nodes{"all": both.nodes, "some": own.nodes} {
		used, ofGangs := 0., 0.
		for _, node := range answer.Items {
			used += node.Used[0]
			for _, g := range node.Gangs {
				ofGangs += g.Uses[0]
			}
			if !node.Ready || node.Allocatable[0] != 4 {
				t.Errorf("the answer to %s has the node %+v", name, node)
			}
		}
		if want := 3 * float64(len(answer.Gangs)); used != 6 || ofGangs != want || len(answer.Items) != 2 {
			t.Errorf("the answer to %s says that %v CPUs are used, want 6, of them %v by gangs that are named, want %v", name, used, ofGangs, want)
		}
	}
	for _, tc := range []struct {
		what   string
		caller caller
		path   string
		want   int
	}{
		{"nodes, of a user who may not list them", blind, "nodes", http.StatusForbidden},
		{"nodes with the gangs of another namespace", some, "nodes?namespace=" + other.namespace, http.StatusForbidden},
		{"the order of another namespace", some, "order?namespace=" + other.namespace, http.StatusForbidden},
		{"the order of all namespaces", some, "order", http.StatusForbidden},
		{"nodes, with a forged token", caller{address, "forged"}, "nodes", http.StatusUnauthorized},
	} {
		if status, text := tc.caller.get(t, tc.path); status != tc.want || strings.Contains(text, "secret") {
			t.Errorf("%s: status %d, want %d: %s", tc.what, status, tc.want, text)
		}
	}
}
