package queueconfig_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// header is what a configuration begins with.
const header = "apiVersion: kubenexus.io/v1alpha1\nkind: QueueConfiguration\n"

// with returns a configuration with these queues.
func with(queues string) string { return header + "queues:\n" + queues }

// problems returns what is said about a bad configuration.
func problems(t *testing.T, text string) []string {
	t.Helper()
	config, err := queueconfig.Parse([]byte(text))
	if err == nil || len(config.Queues) > 0 {
		t.Fatalf("no error, or a configuration besides: %v, %v", config, err)
	}
	list, ok := errors.AsType[queueconfig.Problems](err)
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	if err.Error() != strings.Join(list.Lines(), "; ") {
		t.Errorf("the error says %q, and lists %q", err, list)
	}
	return list.Lines()
}

// TestBadConfigurations runs the files in testdata/bad: a mistake, and what is said about it. text is a whole configuration, header is
// what follows its first two lines, and queues is the list of queues. -rewrite updates what is said.
func TestBadConfigurations(t *testing.T) {
	datadriven.Walk(t, "testdata/bad", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			text := d.Input
			switch d.Cmd {
			case "text":
			case "header":
				text = header + text
			case "queues":
				text = with(text)
			default:
				t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
			}
			return strings.Join(problems(t, text), "\n")
		})
	})
}
