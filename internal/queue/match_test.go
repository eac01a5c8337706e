package queue_test

import (
	"path"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestTheQueueOfAGang(t *testing.T) {
	queues := []queue.Queue{
		q("any-ml", namespaces("ml-*")),
		q("vision", namespaces("ml-vision*", "images")),
		q("first", namespaces("*-x")), q("second", namespaces("y-*")),
		q("exact", namespaces("ml-vision-prod")),
		q("open"),
		q("team", children(q("inner", namespaces("team*")))),
	}
	for _, tc := range []struct {
		name, namespace, stated string
		want                    string
		refusal                 queue.Refusal
	}{
		{name: "goes to the one that names its namespace", namespace: "images", want: "vision", refusal: queue.Allowed},
		{name: "an exact name before a pattern", namespace: "ml-vision-prod", want: "exact", refusal: queue.Allowed},
		{name: "the pattern with the most literal characters", namespace: "ml-vision-dev", want: "vision", refusal: queue.Allowed},
		{name: "a shorter pattern if no longer one matches", namespace: "ml-text", want: "any-ml", refusal: queue.Allowed},
		{name: "of equals the first in the configuration", namespace: "y-x", want: "first", refusal: queue.Allowed},
		{name: "a queue below another", namespace: "team-a", want: "inner", refusal: queue.Allowed},
		{name: "default if none names the namespace", namespace: "web", want: queue.Default, refusal: queue.Allowed},
		{name: "goes to the one that it names", namespace: "images", stated: "open", want: "open", refusal: queue.Allowed},
		{name: "which its namespace may use", namespace: "ml-text", stated: "any-ml", want: "any-ml", refusal: queue.Allowed},
		{name: "is refused where its namespace is not among those named", namespace: "web", stated: "vision", want: "vision", refusal: queue.NotAllowed},
		{name: "is refused by a queue that has children", namespace: "web", stated: "team", want: "team", refusal: queue.NotALeaf},
		{name: "is refused if there is no such queue", namespace: "web", stated: "nothing", refusal: queue.NotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := cluster(t, nil, queues...)
			l, refusal := w.For(tc.namespace, tc.stated)
			if refusal != tc.refusal || refusal != queue.NotFound && l.Name() != tc.want || refusal == queue.NotFound && l != (queue.Leaf{}) {
				t.Errorf("For returned %v and %v", l, refusal)
			}
			if refusal == queue.NotALeaf && !slices.Equal(l.Children(), []string{"inner"}) {
				t.Errorf("the children are %v", l.Children())
			}
		})
	}
}

func TestADefaultQueueThatNamesNamespacesRefusesOthers(t *testing.T) {
	w := cluster(t, nil, q(queue.Default, namespaces("web")))
	if _, refusal := w.For("other", ""); refusal != queue.NotAllowed {
		t.Errorf("For returned %v", refusal)
	}
}

func TestALeafTellsItsConfiguration(t *testing.T) {
	inner := q("inner", strict())
	inner.MaxWait = time.Hour
	w := cluster(t, nil, q("team", children(inner)))
	l := w.leaf("inner")
	if !slices.Equal(l.Path(), []string{"team", "inner"}) || l.Order() != queue.Strict || l.MaxWait() != time.Hour || l.Config().Name != "inner" ||
		len(l.Children()) != 0 {
		t.Errorf("the leaf is %+v", l.Config())
	}
	d := w.leaf(queue.Default)
	if d.Order() != queue.BestEffort || d.MaxWait() != queue.DefaultMaxWait || d.Config().Weight != 1 {
		t.Errorf("the default queue is %+v", d.Config())
	}
}

// TestPatternsMatchAsInPath compares with the standard library's patterns, which mean the same for names without its other special characters.
func TestPatternsMatchAsInPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{1,8}`).Draw(t, "pattern")
		namespace := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "namespace")
		want, err := path.Match(pattern, namespace)
		if err != nil {
			t.Fatal(err)
		}
		_, refusal := cluster(t, nil, q("x", namespaces(pattern))).For(namespace, "x")
		if got := refusal == queue.Allowed; got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, namespace, got, want)
		}
	})
}
