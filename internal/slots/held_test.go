package slots

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// TestASentenceAboutPlacesIsTheSameEachTime: of several resources that would be too much the first is named, and of several gangs that
// hold a node the first is the example.
func TestASentenceAboutPlacesIsTheSameEachTime(t *testing.T) {
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
			t.Fatalf("the sentence is %q, want cpu, which is the first", beyond)
		}
		if pods, example := h.On("node"); len(pods) != 4 || example.Name != "a" {
			t.Fatalf("%d pods, such as of gang %s; want that of the first", len(pods), example)
		}
	}
}
