package questions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// watcher lists nodes, and does else what may allows. It counts the rights that were looked up.
type watcher struct{ asked int }

func (w *watcher) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	w.asked++
	if a.GetResource() == "nodes" && a.GetVerb() == "list" && a.GetNamespace() == "" && a.GetUser().GetName() != "blind" {
		return authorizer.DecisionAllow, "", nil
	}
	return may(ctx, a)
}

// answered asks, and reads the answer, which must not be a refusal.
func answered[T any](t *testing.T, s http.Handler, who, path string) (answer T) {
	t.Helper()
	status, text := ask(s, who, "GET", path, "")
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%s gets status %d, error %v: %s", path, status, err, text)
	}
	return answer
}

// asideFor is a turn of a gang that something is set aside for, and that starts after another one.
func asideFor(namespace, after string) answers.Turn {
	key := gang.Key{Namespace: namespace, Name: "training"}
	return answers.Turn{
		Key: key, SetAside: &gang.SetAsideStatus{Held: 1, Of: 2, After: after},
		Why: &gang.Explanation{
			Kind: gang.KindUnplaced, Gang: key, Have: 2, Need: 2,
			SetAside: &gang.SetAsideWhy{Held: 1, Of: 2, In: time.Minute, After: after},
		},
	}
}

// TestTheOrderNamesNoOtherNamespace: what a gang waits for is in the field and in the sentence, and in neither if it may not be seen.
func TestTheOrderNamesNoOtherNamespace(t *testing.T) {
	for _, tc := range []struct {
		who, query, after string
		says              bool
	}{
		{"a", "?namespace=a", "gang a/other", true},
		{"a", "?namespace=a", "gang b/secret", false},
		{"admin", "?namespace=a", "pod b/secret", true},
		{"admin", "", "pod b/secret", true},
	} {
		f := &fake{order: answers.Order{Items: []answers.Turn{asideFor("a", tc.after), {Key: gang.Key{Namespace: "a"}, Why: &gang.Explanation{}}}}}
		turns := answered[answers.Order](t, serverOf(f), tc.who, answers.OrderPath+tc.query).Items
		if says := turns[0].SetAside.After == tc.after; says != tc.says || strings.Contains(turns[0].Reason, tc.after) != tc.says {
			t.Errorf("the answer for %s names %s: %+v, %s", tc.who, tc.after, turns[0].SetAside, turns[0].Reason)
		}
		if !strings.Contains(turns[0].Reason, "starts in about 1m") || turns[1].Reason != "" {
			t.Errorf("the reasons are %q and %q", turns[0].Reason, turns[1].Reason)
		}
	}
}

// spread returns nodes on which gangs of these namespaces each use a core.
func spread(namespaces ...string) answers.Nodes {
	n := answers.Nodes{Resources: []string{"cpu"}, Items: []answers.Node{{Name: "n1"}, {Name: "n2"}}}
	for i, namespace := range namespaces {
		n.Gangs = append(n.Gangs, answers.GangOnNodes{Namespace: namespace, Name: "training"})
		node := &n.Items[i%2]
		node.Used = []float64{float64(len(node.Gangs) + 1)}
		node.Gangs = append(node.Gangs, answers.GangOnNode{Gang: i, Pods: 1, Uses: []float64{1}})
	}
	return n
}

// TestNodesNameOnlyGangsThatTheAskerMaySee, and what the others use counts.
func TestNodesNameOnlyGangsThatTheAskerMaySee(t *testing.T) {
	for _, tc := range []struct {
		who, query string
		want       []string
	}{
		{"admin", "", []string{"n1: 0 2 of 2", "n2: 1 of 1", "b", "a", "c"}},
		{"admin", "?namespace=a", []string{"n1: of 2", "n2: 0 of 1", "a"}},
		{"a", "", []string{"n1: of 2", "n2: 0 of 1", "a"}},
		{"c", "", []string{"n1: 0 of 2", "n2: of 1", "c"}},
		{"nobody", "", []string{"n1: of 2", "n2: of 1"}},
	} {
		f := &fake{nodes: spread("b", "a", "c")}
		nodes := answered[answers.Nodes](t, NewServer(f, &watcher{}, nil), tc.who, answers.NodesPath+tc.query)
		var got []string
		for _, node := range nodes.Items {
			text := node.Name + ":"
			for _, g := range node.Gangs {
				text += fmt.Sprint(" ", g.Gang)
			}
			got = append(got, fmt.Sprint(text, " of ", node.Used[0]))
		}
		for _, g := range nodes.Gangs {
			got = append(got, g.Namespace)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s%s (-want +got):\n%s", tc.who, tc.query, diff)
		}
	}
}

// TestRightsAreLookedUpInFewNamespaces, however many gangs there are.
func TestRightsAreLookedUpInFewNamespaces(t *testing.T) {
	many := make([]string, 10*namespacesMost)
	for i := range many {
		many[i] = fmt.Sprint("team-", i%(2*namespacesMost))
	}
	w := &watcher{}
	s := NewServer(&fake{nodes: spread(many...)}, w, nil)
	nodes := answered[answers.Nodes](t, s, "team-1", answers.NodesPath)
	if want := namespacesMost + 2; w.asked != want || len(nodes.Gangs) != 5 {
		t.Errorf("%d rights were looked up, want %d; %d gangs are named", w.asked, want, len(nodes.Gangs))
	}
	last := fmt.Sprint("team-", 2*namespacesMost-1)
	if nodes := answered[answers.Nodes](t, s, last, answers.NodesPath); len(nodes.Gangs) != 0 {
		t.Errorf("beyond what is looked up, %d gangs are named", len(nodes.Gangs))
	}
	if nodes := answered[answers.Nodes](t, s, last, answers.NodesPath+"?namespace="+last); len(nodes.Gangs) != 5 {
		t.Errorf("in the namespace that was asked about, %d gangs are named", len(nodes.Gangs))
	}
}

func TestWhoMayNotAskAboutNodesAndTheOrder(t *testing.T) {
	for _, tc := range []struct {
		who, path string
		err       error
		status    int
		says      string
	}{
		{who: "blind", path: answers.NodesPath, status: 403, says: "you may not list nodes"},
		{who: "a", path: answers.NodesPath + "?namespace=b", status: 403, says: "namespace b"},
		{who: "a", path: answers.NodesPath, err: errors.New("it starts"), status: 503, says: "it starts"},
		{who: "a", path: answers.OrderPath, status: 403, says: "name one"},
		{who: "a", path: answers.OrderPath + "?namespace=b", status: 403, says: "namespace b"},
		{path: answers.NodesPath, status: 401, says: "not known"},
	} {
		f := &fake{nodes: spread("b"), order: answers.Order{Items: []answers.Turn{asideFor("b", "")}}, err: tc.err}
		status, text := ask(NewServer(f, &watcher{}, nil), tc.who, "GET", tc.path, "")
		if status != tc.status || !strings.Contains(text, tc.says) || strings.Contains(text, "training") {
			t.Errorf("%q asks %s: status %d, want %d and %q: %s", tc.who, tc.path, status, tc.status, tc.says, text)
		}
	}
}

// TestLargeAnswersAreMadeFewAtATime: one that finds no place before its time is over is refused with Retry-After.
func TestLargeAnswersAreMadeFewAtATime(t *testing.T) {
	s := serverOf(&fake{})
	for range largeAtOnce {
		s.large <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, text := askIn(ctx, s, "admin", "GET", answers.OrderPath, "")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "such large answers") {
		t.Errorf("status %d: %s", status, text)
	}
	<-s.large
	answered[answers.Order](t, s, "admin", answers.OrderPath)
}
