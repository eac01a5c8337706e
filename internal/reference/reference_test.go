package reference_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/reference"
)

var update = flag.Bool("update", false, "write docs/reference")

// TestReference: the pages are those that the code makes. test/demo does the same for the command line.
func TestReference(t *testing.T) {
	source, err := os.ReadFile("../../pkg/coscheduling/args.go")
	if err != nil {
		t.Fatal(err)
	}
	arguments, err := reference.Arguments(source)
	if err != nil {
		t.Fatal(err)
	}
	for page, text := range map[string]string{
		"annotations": reference.Annotations(),
		"arguments":   arguments,
		"events":      reference.Events(),
		"metrics":     reference.Metrics(),
	} {
		if err := reference.Keep("../../docs/reference/"+page+".md", text, *update); err != nil {
			t.Error(err)
		}
	}
}

// TestTheREADMEQuotesAnEvent: the sentence below "Why does it wait?" is one that users see.
func TestTheREADMEQuotesAnEvent(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := strings.Join(strings.Fields(string(data)), " ")
	for _, entry := range events.Reference() {
		if entry.Reason != events.ReasonUnplaced {
			continue
		}
		if note := events.For(entry.Examples[0]).Note; !strings.Contains(readme, entry.Reason+" "+note) {
			t.Errorf("README.md does not quote %q", note)
		}
	}
}

func TestAPageThatIsStaleIsAnError(t *testing.T) {
	page := t.TempDir() + "/page.md"
	if reference.Keep(page, "new", false) == nil {
		t.Error("a page that is missing is no error")
	}
	if err := reference.Keep(page, "new", true); err != nil {
		t.Fatal(err)
	}
	if err := reference.Keep(page, "new", false); err != nil {
		t.Error(err)
	}
	if reference.Keep(page, "newer", false) == nil {
		t.Error("a page that is stale is no error")
	}
}

func TestAnArgumentWithoutADescriptionIsAnError(t *testing.T) {
	const source = "package p\ntype Args struct {\n// Other text.\nA string `json:\"a\"`\n}\n"
	if _, err := reference.Arguments([]byte(source)); err == nil || !strings.Contains(err.Error(), "comment of A") {
		t.Errorf("error %v", err)
	}
}
