package conventions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestQueueThatCannotBeUsedIsAProblem checks the sentence, the kind of the explanation and what counts as the same problem.
func TestQueueThatCannotBeUsedIsAProblem(t *testing.T) {
	annotated := conventions.Pod{Annotations: keys{queue: "x"}}
	labelled := conventions.Pod{Labels: keys{queue: "x"}}
	declared := conventions.Pod{Annotations: keys{roles: `[{"name":"w","min":1,"queue":"x"}]`}}
	many := make([]string, 12)
	for i := range many {
		many[len(many)-1-i] = fmt.Sprintf("q%02d", i)
	}
	for _, tc := range []struct {
		problem *conventions.Problem
		kind    gang.Kind
		want    string
	}{
		{
			conventions.QueueNotFound(annotated, "x", []string{"b", "a"}), gang.KindQueueNotFound,
			`annotation kubenexus.io/queue has the value "x": there is no such queue; name one of these: a, b`,
		},
		{
			conventions.QueueNotFound(labelled, "x", many), gang.KindQueueNotFound,
			`label kubenexus.io/queue has the value "x": there is no such queue; name one of these: q00, q01, q02, q03, q04, q05, q06, q07 and 4 more`,
		},
		{
			conventions.QueueNotFound(annotated, "x", nil), gang.KindQueueNotFound,
			`annotation kubenexus.io/queue has the value "x": there is no such queue; ask an administrator`,
		},
		{
			conventions.QueueNotFound(declared, "x", many[:1]), gang.KindQueueNotFound,
			`annotation kubenexus.io/roles has the value "[{\"name\":\"w\",\"min\":1,\"queue\":\"x\"}]": it names queue "x": there is no such ` +
				`queue; name one of these: q11`,
		},
		{
			conventions.QueueNotALeaf(annotated, "x", []string{"b", "a"}), gang.KindQueueNotFound,
			`annotation kubenexus.io/queue has the value "x": queue x has queues below it; name one of them: a, b`,
		},
		{
			conventions.QueueNotAllowed(annotated, "x", "ml"), gang.KindQueueNotAllowed,
			`annotation kubenexus.io/queue has the value "x": namespace ml may not use queue x; ask an administrator`,
		},
	} {
		if tc.problem.Error() != tc.want {
			t.Errorf("got  %s\nwant %s", tc.problem, tc.want)
		}
		if kind := conventions.KindOf(tc.problem); kind != tc.kind {
			t.Errorf("%s: the explanation is of kind %s, want %s", tc.want, kind, tc.kind)
		}
	}
	if !conventions.QueueNotFound(annotated, "x", many).Same(conventions.QueueNotFound(annotated, "x", nil)) {
		t.Error("another list of queues is another problem")
	}
	if conventions.QueueNotFound(annotated, "x", many).Same(conventions.QueueNotAllowed(annotated, "x", "ml")) {
		t.Error("a queue that does not exist, and one that may not be used, are the same problem")
	}
	if fmt.Sprint(many[0]) != "q11" {
		t.Error("the list of queues was sorted in place")
	}
	for i := range many {
		many[i] = strings.Repeat("x", 63)
	}
	long := conventions.Pod{Annotations: keys{roles: strings.Repeat(`"`, 9999)}}
	if text := conventions.QueueNotFound(long, many[0], many).Error(); len(text) > 900 {
		t.Errorf("%d bytes do not fit into an event: %s", len(text), text)
	}
}

// TestKindOfAnError checks the problems that are not about queues.
func TestKindOfAnError(t *testing.T) {
	_, invalid := conventions.Parse(conventions.Pod{Annotations: keys{group: "a", size: "no"}})
	for want, err := range map[gang.Kind]error{
		gang.KindInvalid: invalid, gang.KindUnknown: &conventions.Unknown{},
	} {
		if kind := conventions.KindOf(err); kind != want {
			t.Errorf("%v is of kind %s, want %s", err, kind, want)
		}
	}
	if kind := conventions.KindOf(errors.New("unknown convention")); kind != gang.KindInvalid {
		t.Errorf("an error that is no problem is of kind %s", kind)
	}
}
