package docs

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestExamplesOfTopologyAreRead checks that each example is a gang with a topology.
func TestExamplesOfTopologyAreRead(t *testing.T) {
	examples := strings.Split(read(t, "docs/concepts/topology.md"), "```yaml\n")[1:]
	if len(examples) != 5 {
		t.Fatalf("the page has %d examples, want 5", len(examples))
	}
	for _, text := range examples {
		text, _, _ = strings.Cut(text, "```")
		var object struct {
			Kind     string
			Metadata struct{ Annotations map[string]string }
			Spec     struct{ Template corev1.PodTemplateSpec }
		}
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		annotations := object.Metadata.Annotations
		if object.Kind == "Job" {
			annotations = object.Spec.Template.Annotations
		}
		spec, err := conventions.Parse(conventions.Pod{Annotations: annotations})
		if err != nil || spec == nil || !spec.Topology.Topology().Any() {
			t.Errorf("%+v, %v is read of\n%s", spec, err, text)
		}
	}
}
