package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// TestEveryReasonIsInTheReference: once, with what it means, what to do, and events that have it.
func TestEveryReasonIsInTheReference(t *testing.T) {
	listed := map[string]bool{}
	for _, entry := range events.Reference() {
		if listed[entry.Reason] || entry.Meaning == "" || entry.Remedy == "" || len(entry.Examples) == 0 {
			t.Errorf("%s is listed twice, or is not described", entry.Reason)
		}
		listed[entry.Reason] = true
		for _, example := range entry.Examples {
			if got := events.For(example).Reason; got != entry.Reason {
				t.Errorf("an example of %s has the reason %s", entry.Reason, got)
			}
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		reason, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if reasons++; !listed[reason] {
			t.Errorf("%s is not in the reference", reason)
		}
		return true
	})
	if reasons == 0 {
		t.Error("no reasons were found in the source")
	}
}
