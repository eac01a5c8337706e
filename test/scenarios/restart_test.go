package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestKilledSchedulerLosesNothing kills the scheduler with -9 while one gang runs, one is being bound, and two wait. The
// next one finishes what was begun and starts the rest when their time comes.
func TestKilledSchedulerLosesNothing(t *testing.T) {
	s := newScenario(t, "killed")
	if err := suite.plane.AddNodes(s.ctx, "killed", 2, smallNode); err != nil {
		t.Fatal(err)
	}
	first := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false")
	s.gang("runs", 4, 4)
	s.allBound(t, 4)
	s.gang("incomplete", 2, 3)
	s.waitsWith(t, "incomplete-0", "has 2 of the 3 pods it needs")
	s.gang("large", 12, 12)
	first.Kill()

	s.gang("fits", 4, 4)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s.boundIs(t, "fits", 4)
	s.waitsWith(t, "large-0", "of the 12 pods it needs")
	s.boundIs(t, "large", 0)
	if err := create(s, podSpec{namespace: "killed", name: "incomplete-2", cpu: "0", scheduler: ours, annotations: gangAnnotations("incomplete", 3)}.pod()); err != nil {
		t.Fatal(err)
	}
	s.boundIs(t, "incomplete", 0) // it does not fit yet
	s.remove("runs")
	s.remove("fits")
	s.boundIs(t, "incomplete", 3)
}

// TestStandbyWritesNothing runs two schedulers with leader election: one bad pod gets one event, counted once, and a gang
// that lacks members gets its event once.
func TestStandbyWritesNothing(t *testing.T) {
	args := []string{"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=true", "--leader-elect-resource-name=standby-test"}
	leader := startScheduler(t, args...)
	process.Within(t, patience, "the first scheduler to lead", func() (bool, string) {
		lease, err := suite.client.CoordinationV1().Leases("kube-system").Get(t.Context(), "standby-test", metav1.GetOptions{})
		return err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "", fmt.Sprint(err)
	})
	standby := startScheduler(t, args...)
	s := newScenario(t, "standby")
	bad := podSpec{namespace: "standby", name: "bad-0", cpu: "1", scheduler: ours, annotations: map[string]string{nameAnnotation: "bad"}}
	if err := create(s, bad.pod()); err != nil {
		t.Fatal(err)
	}
	if err := suite.plane.AddNodes(s.ctx, "standby", 1, smallNode); err != nil {
		t.Fatal(err)
	}
	s.gang("lost", 1, 1)
	s.boundIs(t, "lost", 1)
	s.end(t, "lost-0", "Failed", "OutOfcpu")
	s.gang("few", 1, 2)
	s.waitsWith(t, "few-0", "has 1 of the 2 pods it needs")
	s.waitsWith(t, "bad-0", "min-available is missing")
	var said map[string]int
	once := map[string]int{
		"bad-0 InvalidGangAnnotation": 1, "few-0 GangIncomplete": 1, "lost-0 GangReleased": 1, "lost-0 Scheduled": 1, "lost-0 GangMemberLost": 1,
	}
	process.Within(t, patience, "every event to come", func() (bool, string) {
		said = s.said()
		return len(said) >= len(once), fmt.Sprint(said)
	})
	process.Poll(2*time.Second, func() bool { // a second event would come by then
		said = s.said()
		return len(said) > len(once)
	})
	if diff := cmp.Diff(once, said); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// The lease is handed over at once when the leader is asked to stop.
	leader.End()
	more := podSpec{namespace: "standby", name: "few-1", cpu: "1", scheduler: ours, annotations: gangAnnotations("few", 2)}
	if err := create(s, more.pod()); err != nil {
		t.Fatal(err)
	}
	s.boundIs(t, "few", 2)
	if n := s.said()["lost-0 GangMemberLost"]; n != 1 {
		t.Errorf("a lost member was reported %d times, by the standby too when it took over", n)
	}
	if log := standby.Log.String(); strings.Contains(log, "panic") {
		t.Errorf("the standby panicked:\n%s", log)
	}
}

// said counts the events in the scenario's namespace, by pod and reason, repetitions included.
func (s *scenario) said() map[string]int {
	s.t.Helper()
	events, err := suite.client.EventsV1().Events(s.namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	said := map[string]int{}
	for _, e := range events.Items {
		said[e.Regarding.Name+" "+e.Reason]++
		if e.Series != nil {
			said[e.Regarding.Name+" "+e.Reason] += int(e.Series.Count)
		}
	}
	return said
}
