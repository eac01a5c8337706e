// Package docs checks the documentation against the repository.
package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// root is the repository.
const root = "../.."

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(root + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTheFirstGangIsTheExample: README.md shows the Job that its commands apply, and that other tests run.
func TestTheFirstGangIsTheExample(t *testing.T) {
	_, text, _ := strings.Cut(read(t, "README.md"), "\n## A first gang\n")
	_, text, _ = strings.Cut(text, "```yaml\n")
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatal("README.md has no first gang to copy")
	}
	example := strings.ReplaceAll(read(t, "examples/training-job.yaml"), "        demo.kubenexus.io/run-for: 3s\n", "") // for the demo only
	var shown, applied map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(example), &applied); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(applied, shown); diff != "" {
		t.Errorf("README.md does not show examples/training-job.yaml (-example +README):\n%s", diff)
	}
}

// TestTheCommandsToTry: everybody begins with these two.
func TestTheCommandsToTry(t *testing.T) {
	for _, command := range []string{"\nmake demo ", "\nmake test "} {
		if !strings.Contains(read(t, "README.md"), command) {
			t.Errorf("README.md does not have %q", strings.TrimSpace(command))
		}
	}
}
