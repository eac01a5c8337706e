package gang_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// ofJob is a member of a gang of three whose controller is a Kubernetes Job.
func ofJob(uid string) gang.Member {
	m := worker(uid, "w-"+uid, "job", uid)
	m.Job = "j"
	return m
}

func jobsGang() *gang.Gang {
	return gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
}

// TestJobCountsUnseenSuccesses checks that pods which were garbage-collected before this process saw them count once the Job
// reports them, and never twice.
func TestJobCountsUnseenSuccesses(t *testing.T) {
	now := time.Unix(200, 0)
	success := gang.Finished{UID: "0", Name: "w-0", OwnerUID: "job", Index: "0", Succeeded: true, At: now}
	for _, tc := range []struct {
		name string
		job  string
		says int
		seen bool
		want gang.Phase
	}{
		{"one unseen success", "job", 1, false, gang.Ready},
		{"none", "job", 0, false, gang.Incomplete},
		{"a success of another Job", "retry", 1, false, gang.Incomplete},
		{"one success that was seen, too", "job", 1, true, gang.Incomplete},
		{"one more success than was seen", "job", 2, true, gang.Ready},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := jobsGang()
			g.Observe(ofJob("1"), now)
			if tc.seen { // it counts as one of the two existing members
				g.Finish(success, now)
			} else {
				g.Observe(ofJob("2"), now)
			}
			g.Counted(tc.job, tc.says, now)
			if g.Phase() != tc.want {
				t.Errorf("phase %s, want %s", g.Phase(), tc.want)
			}
		})
	}
}

// TestSuccessReportedByJobCountsOnce checks that a success which the Job reported first and the informer shows later counts once.
func TestSuccessReportedByJobCountsOnce(t *testing.T) {
	now := time.Unix(200, 0)
	g := jobsGang()
	g.Observe(ofJob("1"), now)
	g.Counted("job", 1, now)
	g.Finish(gang.Finished{UID: "0", Name: "w-0", OwnerUID: "job", Index: "0", Succeeded: true, At: now}, now)
	if g.Phase() != gang.Incomplete {
		t.Errorf("two of three members exist or are done: phase %s, want Incomplete", g.Phase())
	}
}

// TestJobsAreAskedWhileMembersAreMissing checks that the gang asks Jobs while it has too few members, less and less often, and not
// while its pods are still being created.
func TestJobsAreAskedWhileMembersAreMissing(t *testing.T) {
	start := time.Unix(200, 0)
	g := jobsGang()
	g.Observe(ofJob("1"), start)
	alone := worker("2", "w-2", "set", "") // no Job created it
	g.Observe(alone, start)
	var asked []int
	for s := range 300 {
		for _, d := range g.Tick(start.Add(time.Duration(s) * time.Second)) {
			if count, ok := d.(gang.Count); ok {
				if count.Job != (gang.Ref{Namespace: "default", Name: "j", UID: "job"}) {
					t.Fatalf("the gang asks for %+v", count.Job)
				}
				asked = append(asked, s)
			}
		}
	}
	if want := []int{1, 3, 7, 15, 31, 63, 127, 247}; !slices.Equal(asked, want) {
		t.Errorf("the gang asked after %v seconds, want %v", asked, want)
	}
	g.Observe(ofJob("3"), start.Add(400*time.Second))
	for s := 400; s < 800; s++ {
		for _, d := range g.Tick(start.Add(time.Duration(s) * time.Second)) {
			if _, ok := d.(gang.Count); ok {
				t.Fatal("the gang asks although it has enough members")
			}
		}
	}
}

// TestSuccessReportedByJobCountsForItsRole checks that succeeded launchers do not count as workers.
func TestSuccessReportedByJobCountsForItsRole(t *testing.T) {
	now := time.Unix(200, 0)
	declared := gang.NewRoles(gang.Role{Name: "launcher", Min: 1}, gang.Role{Name: "worker", Min: 2})
	inRole := func(uid, owner, role string) gang.Member {
		m := worker(uid, role, owner, "")
		m.Spec.Role, m.Spec.Roles = role, declared
		return m
	}
	g := jobsGang()
	g.Observe(inRole("1", "launchers", "launcher"), now)
	g.Observe(inRole("2", "workers", "worker"), now)
	g.Counted("launchers", 5, now)
	if g.Phase() != gang.Incomplete {
		t.Errorf("launchers count as workers: phase %s, want Incomplete", g.Phase())
	}
	g.Counted("workers", 1, now)
	if g.Phase() != gang.Ready {
		t.Errorf("phase %s, want Ready", g.Phase())
	}
}
