package slots

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestMessagesAreDeterministic checks that the message names the first of several resources beyond the share, and the first of
// several gangs with slots on a node.
func TestMessagesAreDeterministic(t *testing.T) {
	h := New(ledger.New(clock.RealClock{}))
	h.Share("s", 0.5)
	role := gang.Role{Name: "executor", Min: 2, Requests: map[string]string{
		"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi", "nvidia.com/gpu": "1",
	}}
	h.nodes["node"] = map[gang.SlotID]*corev1.Pod{}
	for _, name := range []string{"d", "c", "b", "a"} {
		h.nodes["node"][gang.SlotID{Gang: gang.Key{Namespace: "default", Name: name}, Number: 1}] = Placeholder("default", role)
	}
	for range 100 {
		beyond := h.BeyondShare("s", "default", []gang.RoleTask{{Role: role, Declared: 2}}, func(string) int64 { return 1 })
		if !strings.Contains(beyond, "of the cluster's cpu") {
			t.Fatalf("the message is %q, want it to name cpu, the first resource", beyond)
		}
		if pods, example := h.On("node"); len(pods) != 4 || example.Name != "a" {
			t.Fatalf("%d pods, example gang %s; want 4 pods and gang a", len(pods), example)
		}
	}
}
