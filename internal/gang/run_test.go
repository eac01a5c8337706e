package gang_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// runsOf is a gang whose drivers each declare and create a number of executors.
type runsOf struct {
	*gang.Gang

	t         *testing.T
	executors int
}

func newRunsOf(t *testing.T, executors int) runsOf {
	return runsOf{Gang: gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}), t: t, executors: executors}
}

// driver observes a driver that was created at this second after the start.
func (r runsOf) driver(name, node string, second int) gang.Member {
	r.t.Helper()
	spec := driving(r.executors)
	spec.MinAvailable = int32(r.executors + 1)
	return r.observe(name, node, "", second, spec)
}

// executor observes a pod that the driver created.
func (r runsOf) executor(name, node, driver string, second int) gang.Member {
	r.t.Helper()
	return r.observe(name, node, driver, second, gang.Spec{Role: "executor"})
}

func (r runsOf) observe(name, node, owner string, second int, spec gang.Spec) gang.Member {
	r.t.Helper()
	spec.Convention, spec.Name = "Coscheduling", "a"
	m := gang.Member{
		UID: name, Name: name, Node: node, Spec: spec, Created: start.Add(time.Duration(second) * time.Second),
		OwnerUID: owner, OwnedByPod: owner != "", DefaultReservationTimeout: time.Minute,
	}
	r.Observe(m, start)
	return m
}

// firstRun is a gang whose first driver runs with all of its executors.
func firstRun(t *testing.T, executors int) runsOf {
	t.Helper()
	g := newRunsOf(t, executors)
	g.driver("d1", "n", 0)
	for i := range executors {
		g.executor(fmt.Sprint("e", i), "n", "d1", 1)
	}
	return g
}

// plansAll checks that the member plans its gang alone, with this number of declared members.
func (r runsOf) plansAll(member string, declared int) {
	r.t.Helper()
	if v := r.Enter(member, start); v != gang.Go {
		r.t.Fatalf("Enter returned %[2]d for %[1]s in phase %[3]s, want Go", member, v, r.Phase())
	}
	if v := r.Begin(member, true, start); v != gang.Plan {
		r.t.Fatalf("Begin returned %[2]d for %[1]s in phase %[3]s, want Plan", member, v, r.Phase())
	}
	if n := r.Task(start).DeclaredMembers(); n != declared {
		r.t.Errorf("%s plans %d declared members, want %d", member, n, declared)
	}
	if n := len(r.Task(start).Members); n != 1 {
		r.t.Errorf("%s plans with %d members, want only itself", member, n)
	}
}

func TestFormerExecutorsDoNotCountForTheNextDriver(t *testing.T) {
	for name, ends := range map[string]func(runsOf){
		"failed": func(g runsOf) {
			g.Finish(gang.Finished{UID: "d1", Name: "d1", Role: "driver", At: start}, start)
			g.Remove("d1", start)
		},
		"succeeded": func(g runsOf) {
			g.Finish(gang.Finished{UID: "d1", Name: "d1", Role: "driver", Succeeded: true, At: start}, start)
			g.Remove("d1", start)
		},
		"deleted": func(g runsOf) { g.Remove("d1", start) },
		"being deleted": func(g runsOf) {
			m := g.driver("d1", "n", 0)
			m.Terminating = true
			g.Observe(m, start)
		},
		"still running": func(runsOf) {},
	} {
		t.Run(name, func(t *testing.T) {
			g := firstRun(t, 6)
			ends(g)
			g.driver("d2", "", 5)
			g.plansAll("d2", 6)
		})
	}
}

// TestNextDriverIsSeenBeforeFormerExecutors checks that the order in which a new process sees the pods does not matter.
func TestNextDriverIsSeenBeforeFormerExecutors(t *testing.T) {
	g := newRunsOf(t, 2)
	g.driver("d2", "", 5)
	g.executor("e0", "n", "d1", 1)
	g.executor("e1", "", "d1", 1)
	g.plansAll("d2", 2)
}

func TestSuccessesOfFormerExecutorsDoNotCount(t *testing.T) {
	g := firstRun(t, 2)
	g.Finish(gang.Finished{UID: "e0", Role: "executor", OwnerUID: "d1", OwnedByPod: true, Succeeded: true, At: start.Add(time.Hour)}, start)
	g.Remove("e0", start)
	g.Remove("d1", start)
	g.driver("d2", "", 5)
	g.plansAll("d2", 2)
}

func TestPendingFormerExecutorDoesNotStart(t *testing.T) {
	g := newRunsOf(t, 2)
	g.executor("e0", "", "d1", 1)
	g.driver("d2", "n", 5)
	if v := g.Enter("e0", start); v != gang.Refuse {
		t.Errorf("Enter returned %d", v)
	}
	g.executor("f0", "", "d2", 6)
	if v := g.Enter("f0", start); v != gang.Go {
		t.Errorf("Enter returned %d for an executor of the running driver in phase %s, want Go", v, g.Phase())
	}
}

func TestExecutorOfARunningFormerDriverStarts(t *testing.T) {
	g := firstRun(t, 2)
	g.driver("d2", "", 5)
	g.executor("e9", "", "d1", 6)
	if v := g.Enter("e9", start); v != gang.Go {
		t.Errorf("Enter returned %d", v)
	}
	g.plansAll("d2", 2)
}

// TestNextDriverWaitsForTheFirstDriversSlots checks this in a process that started after both drivers were created.
func TestNextDriverWaitsForTheFirstDriversSlots(t *testing.T) {
	g := newRunsOf(t, 2)
	g.driver("d1", "n", 0)
	g.executor("e0", "n", "d1", 1)
	g.driver("d2", "", 5)
	g.Restore("d1", gang.Reservation{
		Until: start.Add(time.Hour), Roles: []gang.ReservedRole{{Name: "executor", Nodes: map[string]int{"n": 2}}},
	}, start)
	if g.Slots() != 1 {
		t.Fatalf("%d slots are held, want 1", g.Slots())
	}
	if v := g.Enter("d2", start); v != gang.Refuse {
		t.Errorf("Enter returned %d for the second driver during the first run, want Refuse", v)
	}
	g.executor("e1", "", "d1", 6)
	g.Enter("e1", start)
	g.Take("e1")
	g.executor("e1", "n", "d1", 6)
	g.plansAll("d2", 2)
}

func TestNextDriverIsPlannedWhenTheFirstReservationExpires(t *testing.T) {
	g := newRunsOf(t, 2)
	g.driver("d1", "n", 0)
	g.executor("e0", "n", "d1", 1)
	g.driver("d2", "", 5)
	until := start.Add(time.Minute)
	g.Restore("d1", gang.Reservation{
		Until: until, Roles: []gang.ReservedRole{{Name: "executor", Nodes: map[string]int{"n": 2}}},
	}, start)
	g.Enter("d2", start)
	g.Tick(until)
	if g.Phase() != gang.Ready {
		t.Fatalf("the gang is in phase %s", g.Phase())
	}
	g.plansAll("d2", 2)
}

func TestMembersNotCreatedByAPodCountForEveryDriver(t *testing.T) {
	g := newRunsOf(t, 2)
	g.executor("w0", "n", "", 1)
	g.driver("d2", "", 5)
	g.plansAll("d2", 1)
}
