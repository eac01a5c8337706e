package answers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestQueuesOf(t *testing.T) {
	since := time.Unix(1_000, 0)
	resources := []queue.Resource{{Name: "cpu", Total: 16_000}, {Name: "memory", Total: 64 << 30}, {Name: "nvidia.com/gpu", Total: 8}, {Name: "gone"}}
	got := answers.QueuesOf([]queue.Status{
		{
			Name: "team", Weight: 2, Limit: queue.Amounts{"nvidia.com/gpu": 0}, Used: queue.Vector{1500, 8 << 30}, Fair: queue.Vector{16_000},
			Share: .125, Waiting: 3, HeadAge: since,
		},
		{Name: "research", Parent: "team", Weight: 1, Guarantee: queue.Amounts{"cpu": 500}, Used: queue.Vector{0, 0, 3}},
		{Name: "vision", Parent: "research"},
		{Name: "default", Weight: 1},
	}, resources)
	want := answers.Queues{
		Items: []answers.Queue{
			{
				Name: "team", Weight: 2, Limit: map[string]string{"nvidia.com/gpu": "0"}, Uses: map[string]string{"cpu": "1500m", "memory": "8Gi"},
				FairShare: map[string]string{"cpu": "16"}, Share: .125, Waiting: 3, OldestAt: since,
			},
			{
				Name: "research", Parent: "team", Depth: 1, Weight: 1, Guarantee: map[string]string{"cpu": "500m"},
				Uses: map[string]string{"nvidia.com/gpu": "3"},
			},
			{Name: "vision", Parent: "research", Depth: 2},
			{Name: "default", Weight: 1},
		},
		Capacity: map[string]string{"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "8"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none := answers.QueuesOf(nil, nil); len(none.Items)+len(none.Capacity) != 0 || none.Items == nil {
		t.Errorf("without queues, got %+v, want an empty list", none)
	}
}
