package docs

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestExamplesOfGPUsAreRead checks that each example has known fields only, and that each Job is a gang with devices whose size is how
// many pods run at a time.
func TestExamplesOfGPUsAreRead(t *testing.T) {
	jobs, templates := 0, map[string]bool{}
	for _, block := range strings.Split(read(t, "docs/workloads/gpu.md"), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for text := range strings.SplitSeq(block, "---\n") {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
				t.Fatal(err)
			}
			switch kind.Kind {
			case "ResourceClaimTemplate":
				var template resourcev1.ResourceClaimTemplate
				if err := yaml.UnmarshalStrict([]byte(text), &template); err != nil {
					t.Error(err)
				}
				templates[template.Name] = true
			case "Job":
				jobs++
				checkGPUJob(t, text, templates)
			default:
				t.Errorf("an example is a %q:\n%s", kind.Kind, text)
			}
		}
	}
	if jobs != 8 || len(templates) != 3 {
		t.Errorf("the page has %d Jobs and %d templates of claims, want 8 and 3", jobs, len(templates))
	}
}

func checkGPUJob(t *testing.T, text string, templates map[string]bool) {
	t.Helper()
	var job batchv1.Job
	if err := yaml.UnmarshalStrict([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	pods := int32(1)
	if job.Spec.Parallelism != nil {
		pods = *job.Spec.Parallelism
	}
	spec, err := conventions.Parse(conventions.Pod{Annotations: job.Spec.Template.Annotations})
	if err != nil || spec == nil || spec.MinAvailable != pods || spec.Name != job.Name {
		t.Errorf("%+v, %v is read of %s, want a gang of %d with its name", spec, err, job.Name, pods)
	}
	pod := job.Spec.Template.Spec
	devices := len(pod.ResourceClaims)
	for _, claim := range pod.ResourceClaims {
		if claim.ResourceClaimTemplateName == nil || !templates[*claim.ResourceClaimTemplateName] {
			t.Errorf("%s has a claim %s of a template that the page does not have", job.Name, claim.Name)
		}
	}
	for name := range pod.Containers[0].Resources.Limits {
		if strings.HasPrefix(string(name), "nvidia.com/") {
			devices++
		}
	}
	if pod.SchedulerName != "kubenexus-scheduler" || devices != 1 {
		t.Errorf("%s is for the scheduler %q and asks for %d kinds of devices", job.Name, pod.SchedulerName, devices)
	}
}
