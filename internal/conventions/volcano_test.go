package conventions_test

import (
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	volcanoName  = "scheduling.k8s.io/group-name"
	volcanoNewer = "scheduling.volcano.sh/group-name"
	volcanoSize  = "scheduling.volcano.sh/group-min-member"
)

func TestReadVolcano(t *testing.T) {
	for name, pod := range map[string]conventions.Pod{
		"annotations":    {Annotations: keys{volcanoName: "a", volcanoSize: "3"}},
		"the newer name": {Annotations: keys{volcanoNewer: "a", volcanoSize: "3"}},
		"both names":     {Annotations: keys{volcanoName: "a", volcanoNewer: "b", volcanoSize: "3"}},
	} {
		t.Run(name, func(t *testing.T) { reads(t, pod, &gang.Spec{Name: "a", MinAvailable: 3}) })
	}
}
