package coscheduling

import (
	"testing"

	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// TestOnePluginPlansAPodWithoutAGang: a profile has a plugin for each convention, and only the first one plans the pod.
func TestOnePluginPlansAPodWithoutAGang(t *testing.T) {
	h := newHarness(t)
	pod := testPod("a").Annotations(map[string]string{conventions.TopologyRequiredAnnotation: "example.com/rack"}).Obj()
	for _, first := range []bool{true, false} {
		h.plugin.preempts = first
		_, status := h.plugin.PreFilter(h.ctx, framework.NewCycleState(), pod, nil)
		if status.IsSkip() == first {
			t.Errorf("first plugin: %t, PreFilter returned %v", first, status)
		}
	}
}
