package queue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestASnapshotStaysAsItIsWhenTheTreeChanges(t *testing.T) {
	w := cluster(t, amounts{"cpu": 8000}, q("team", children(q("a", guarantee(amounts{"cpu": 4000})), q("b"))), q("c"))
	w.uses("a", amounts{"cpu": 1000}).waits("a", "1", amounts{"cpu": 2000}).waits("b", "2", amounts{"cpu": 9000}, notReady)
	want, s := w.Statuses(), w.Snapshot()
	a := want[1]
	if a.Name != "a" || a.Waiting != 1 || a.Ready != 1 || !a.BelowGuarantee || want[0].Waiting != 2 || !want[0].HeadAge.Equal(a.HeadAge) {
		t.Errorf("the statuses are %+v", want)
	}

	w.uses("a", amounts{"cpu": 5000, "nvidia.com/gpu": 1}).waits("a", "0", amounts{"cpu": 1000}, at(0), ofPriority(9))
	w.Remove("1")
	w.SetReady("2", true)
	w.SetTotal(w.vector(amounts{"cpu": 16_000}))
	if diff := cmp.Diff(want, s.Statuses()); diff != "" {
		t.Errorf("the statuses of the snapshot, before (-) and after (+) the tree changed:\n%s", diff)
	}
	if cmp.Equal(want, w.Statuses()) {
		t.Error("the statuses of the tree are as before")
	}
}

// TestCapacityIsByTheNumbersOfResources: also those that no node has.
func TestCapacityIsByTheNumbersOfResources(t *testing.T) {
	w := cluster(t, amounts{}, q("a", limit(amounts{"nvidia.com/gpu": 4})))
	w.SetTotal(w.vector(amounts{"cpu": 8000}))
	want := []queue.Resource{{Name: "nvidia.com/gpu"}, {Name: "cpu", Total: 8000}}
	if diff := cmp.Diff(want, w.Capacity()); diff != "" {
		t.Errorf("the capacity (-want +got):\n%s", diff)
	}
}
