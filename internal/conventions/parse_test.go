package conventions_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

type keys = map[string]string

// reads checks the result of Parse for a valid pod, and that no key of the pod is left unknown.
func reads(t *testing.T, pod conventions.Pod, want *gang.Spec) {
	t.Helper()
	spec, err := conventions.Parse(pod)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if u := conventions.FindUnknown(pod, spec); u != nil {
		t.Errorf("the pod has an unknown key: %v", u)
	}
}

// refuses checks the beginning of the error of Parse for an invalid pod.
func refuses(t *testing.T, pod conventions.Pod, want string) {
	t.Helper()
	spec, err := conventions.Parse(pod)
	var p *conventions.Problem
	if !errors.As(err, &p) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Parse returned %+v, %v, want %q", spec, err, want)
	}
}

// TestEquivalentKeysAreRead checks our keys as labels, as in the first coscheduling plugin, and the equivalent keys of other
// products. The convention is empty if the pod has none of our keys: the profile decides.
func TestEquivalentKeysAreRead(t *testing.T) {
	ours := &gang.Spec{Convention: "Coscheduling", Name: "a", MinAvailable: 3}
	theirs := &gang.Spec{Name: "a", MinAvailable: 3}
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		want                *gang.Spec
	}{
		{"our keys as labels", keys{group: "a", size: "3"}, nil, ours},
		{"the batch keys as labels", keys{batchGroup: "a", batchSize: "3"}, nil, &gang.Spec{Convention: "BatchPermit", Name: "a", MinAvailable: 3}},
		{"the name as a label, the size as an annotation", keys{group: "a"}, keys{size: "3"}, ours},
		{"both as both", keys{group: "a", size: "3"}, keys{group: "a", size: "3"}, ours},
		{
			"two products that agree", nil,
			keys{koordinatorName: "a", koordinatorSize: "3", "scheduling.k8s.io/group-name": "a", volcanoSize: "3"},
			theirs,
		},
		{"ours take precedence", nil, keys{group: "a", size: "3", koordinatorName: "b", koordinatorSize: "5"}, ours},
		{"ours as labels take precedence", keys{group: "a", size: "3"}, keys{koordinatorName: "b", koordinatorSize: "5"}, ours},
	} {
		t.Run(tc.name, func(t *testing.T) { reads(t, conventions.Pod{Labels: tc.labels, Annotations: tc.annotations}, tc.want) })
	}
}

func TestParseErrorNamesLabelOrAnnotation(t *testing.T) {
	for _, tc := range []struct {
		name                string
		labels, annotations keys
		want                string
	}{
		{"a size in words", keys{group: "a", size: "three"}, nil, `label ` + size + ` has the value "three": it is not a whole number`},
		{"an empty name", keys{group: "", size: "3"}, nil, `label ` + group + ` has the value "": it is empty`},
		{"a name alone", keys{group: "a"}, nil, `annotation ` + size + ` is missing: ` + group + ` names gang "a"`},
		{
			"a label and an annotation that differ",
			keys{group: "a", size: "2"},
			keys{group: "a", size: "3"},
			`annotation ` + size + ` has the value "3": the label of the same name has the value "2"; make both say the same`,
		},
		{"one convention as labels, one as annotations", keys{group: "a", size: "3"}, keys{batchGroup: "b"}, `annotation ` + batchGroup + ` has the value "b": this pod also`},
		{"the same the other way round", keys{batchGroup: "b"}, keys{group: "a", size: "3"}, `label ` + batchGroup + ` has the value "b": this pod also`},
		{
			"two products that differ", nil,
			keys{koordinatorName: "a", koordinatorSize: "3", "scheduling.k8s.io/group-name": "a", volcanoSize: "4"},
			`annotation ` + volcanoSize + ` has the value "4": ` + koordinatorSize + ` has the value "3"; make both say the same`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refuses(t, conventions.Pod{Labels: tc.labels, Annotations: tc.annotations}, tc.want)
		})
	}
}
