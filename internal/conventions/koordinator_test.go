package conventions_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	koordinatorName   = "gang.scheduling.koordinator.sh/name"
	koordinatorSize   = "gang.scheduling.koordinator.sh/min-available"
	koordinatorGroups = "gang.scheduling.koordinator.sh/groups"
)

func TestReadKoordinator(t *testing.T) {
	for name, pod := range map[string]conventions.Pod{
		"annotations": {Annotations: keys{koordinatorName: "a", koordinatorSize: "3"}},
		"labels":      {Labels: keys{koordinatorName: "a", koordinatorSize: "3"}},
	} {
		t.Run(name, func(t *testing.T) { reads(t, pod, &gang.Spec{Name: "a", MinAvailable: 3}) })
	}
}

func TestKoordinatorsSizeIsCheckedLikeOurs(t *testing.T) {
	refuses(t, conventions.Pod{Annotations: keys{koordinatorName: "a", koordinatorSize: "0"}},
		`annotation `+koordinatorSize+` has the value "0": it is less than 1`)
}

// TestKoordinatorsGroupsOfGangsAreNotRead: our keys cannot express them.
func TestKoordinatorsGroupsOfGangsAreNotRead(t *testing.T) {
	pod := conventions.Pod{Annotations: keys{koordinatorName: "a", koordinatorSize: "3", koordinatorGroups: `["x/a","x/b"]`}}
	spec, err := conventions.Parse(pod)
	if spec != nil || err != nil {
		t.Fatalf("Parse read %+v, %v", spec, err)
	}
	if u := conventions.FindUnknown(pod, spec); u == nil || u.Key != koordinatorGroups {
		t.Errorf("found %v, want %s", u, koordinatorGroups)
	}
}
