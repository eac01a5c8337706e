package slots

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// TestPlaceholdersAreThoseOfSlotsAndOfWhatIsSetAside, whether lifted or not.
func TestPlaceholdersAreThoseOfSlotsAndOfWhatIsSetAside(t *testing.T) {
	h := New(ledger.New(clock.RealClock{}))
	h.In(fakeCache{})
	key := gang.Key{Namespace: "default", Name: "a"}
	h.hold(klog.Background(), gang.Move{
		ID: gang.SlotID{Gang: key, Number: 1}, Node: "n0", Held: true,
		Role: gang.Role{Name: "executor", Min: 1, Requests: map[string]string{"cpu": "1"}},
	})
	one := requests.From([]gang.Amount{{Resource: "cpu", Quantity: 1500}})
	h.SetAside(klog.Background(), gang.Key{Namespace: "default", Name: "b"}, []Aside{{Node: "n1", Requests: one}, {Node: "n1", Requests: one}})
	for range 2 {
		var nodes []string
		for _, pod := range h.Placeholders() {
			nodes = append(nodes, pod.Spec.NodeName)
			if !IsPlaceholder(pod) {
				t.Errorf("%s is no placeholder", pod.UID)
			}
		}
		if slices.Sort(nodes); !slices.Equal(nodes, []string{"n0", "n1", "n1"}) {
			t.Errorf("the placeholders are on %v", nodes)
		}
		h.Lift(klog.Background(), func(gang.Key) bool { return true })
	}
	if IsPlaceholder(&corev1.Pod{}) {
		t.Error("a pod is taken for a placeholder")
	}
}
