package queues

import (
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// tree is research with vision below it, and default.
func tree(now time.Time) answers.Queues {
	return answers.Queues{
		Items: []answers.Queue{
			{
				Name: "research", Weight: 3, Uses: map[string]string{"cpu": "8", "memory": "1Gi"}, FairShare: map[string]string{"cpu": "12"},
				Limit: map[string]string{"nvidia.com/gpu": "4"}, Share: .5, Waiting: 2, OldestAt: now.Add(-3 * time.Minute),
			},
			{
				Name: "vision", Parent: "research", Depth: 1, Weight: 1, Uses: map[string]string{"cpu": "8", "ephemeral-storage": "1Gi"},
				Guarantee: map[string]string{"nvidia.com/gpu": "2"}, Share: .5,
			},
			{Name: "default", Weight: 1},
		},
		Capacity: map[string]string{"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "8", "ephemeral-storage": "2Ti"},
	}
}

func TestTheTreeOfQueues(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for output, want := range map[string]string{
		"": `QUEUE SHARE WAITING HEAD USES GUARANTEE LIMIT
research ██████████░░░░░│░░░░ 50% 2 3m cpu=8 memory=1Gi - nvidia.com/gpu=4
vision ██████████░░░░░░░░░░ 50% 0 - cpu=8 nvidia.com/gpu=2 -
default ░░░░░░░░░░░░░░░░░░░░ 0% 0 - - - -
`,
		"wide": `QUEUE SHARE WAITING HEAD USES GUARANTEE LIMIT FAIR SHARE WEIGHT
research ██████████░░░░░│░░░░ 50% 2 3m cpu=8 memory=1Gi - nvidia.com/gpu=4 cpu=12 3
vision ██████████░░░░░░░░░░ 50% 0 - cpu=8 ephemeral-storage=1Gi nvidia.com/gpu=2 - - 1
default ░░░░░░░░░░░░░░░░░░░░ 0% 0 - - - - - 1
`,
		"name": "queue/research\nqueue/vision\nqueue/default\n",
	} {
		var out strings.Builder
		if err := printers[output](&out, tree(now), now); err != nil {
			t.Fatal(err)
		}
		sameWords(t, want, out.String())
		if output == "" && !strings.Contains(out.String(), "\n  vision ") {
			t.Errorf("vision is not indented:\n%s", &out)
		}
	}
}

func TestQueuesForScripts(t *testing.T) {
	var out strings.Builder
	if err := printers["yaml"](&out, tree(time.Unix(0, 0)), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: QueueList\n", "- depth: 1\n", "parent: research\n", "capacity:\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
