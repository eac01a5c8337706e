package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	// keptWait is longer than a scheduler takes to start, so that a gang that comes while none runs is not due at once.
	keptWait = 15 * time.Second
	// waitedBefore is how long one gang waits before the other comes.
	waitedBefore = 6 * time.Second
)

// TestARestartKeepsHowLongAGangHasWaited: a gang waits, the scheduler is killed with -9, and another gang comes, which needs other nodes,
// before the next scheduler starts. Capacity is set aside for the first, which has waited for longer, while it is not yet for the second. If the
// time began again with the process, both would be due at once.
func TestARestartKeepsHowLongAGangHasWaited(t *testing.T) {
	skipIfShort(t)
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2"}
	first := startScheduler(t, args...)
	s := newScenario(t, "kept-wait")
	for _, pool := range []string{"earlier", "later"} {
		s.addPool(pool)
	}
	s.awaitNodes(ours)
	s.configureQueues(fmt.Sprintf("- {name: team, maxWait: %s, preemption: {withinQueue: Never, reclaim: Never}}", keptWait))
	s.inPool("earlier", 2)
	s.waitsWith(t, "earlier-0", "of the 2 pods it needs fit")
	goesOn(t, waitedBefore)
	first.Kill()

	s.inPool("later", 2)
	startScheduler(t, args...)
	s.waitsWith(t, "later-0", "of the 2 pods it needs fit")
	s.waitsWith(t, "earlier-0", "set aside for it")
	process.Poll(time.Second, func() bool { // that nothing happens cannot be waited for
		why, _ := s.scheduledCondition("later-0")
		if strings.Contains(why, "set aside for it") {
			t.Errorf("both gangs are due at once: %s", why)
		}
		return t.Failed()
	})
	s.waitsWith(t, "later-0", "set aside for it")
}

// addPool adds a node of a pool, which is full.
func (s *scenario) addPool(pool string) {
	s.t.Helper()
	shape := controlplane.NodeShape{
		CPU: "2", Memory: "16Gi", Pods: 110, Labels: map[string]string{"pool": pool},
		Taints: []corev1.Taint{{Key: "pool", Value: pool, Effect: corev1.TaintEffectNoSchedule}},
	}
	if err := suite.plane.AddNodes(s.ctx, pool, 1, shape); err != nil {
		s.t.Fatal(err)
	}
	runs := podSpec{namespace: s.namespace, name: "runs-" + pool, cpu: "2", scheduler: ours, node: pool + "-0"}
	if err := create(s, runs.pod()); err != nil {
		s.t.Fatal(err)
	}
}

// inPool creates a gang of the queue team that needs the nodes of the pool of its name.
func (s *scenario) inPool(name string, members int) {
	s.t.Helper()
	spec := podSpec{namespace: s.namespace, cpu: "1", scheduler: ours, pool: name, annotations: gangAnnotations(name, members)}
	spec.annotations[queueKey] = "team"
	for i := range members {
		spec.name = fmt.Sprintf("%s-%d", name, i)
		if err := create(s, spec.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}
