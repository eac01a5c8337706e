package gang_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// The cost of creating, starting and deleting a member must not grow with the size of its gang.
func TestCostOfAMemberDoesNotGrowWithTheGang(t *testing.T) {
	kinds := map[string]func(m *gang.Member, i, n int){
		"plain":               func(*gang.Member, int, int) {},
		"half are enough":     func(m *gang.Member, _, n int) { m.Spec.MinAvailable = int32(n / 2) },
		"an owner for each":   func(m *gang.Member, i, _ int) { m.OwnerUID = fmt.Sprint("job-", i); m.Owner = "Job " + m.OwnerUID },
		"whole-gang":          func(m *gang.Member, _, _ int) { m.Spec.RestartPolicy = gang.WholeGang },
		"newest first":        func(m *gang.Member, i, n int) { m.Created = start.Add(time.Duration(n-i) * time.Second) },
		"priorities differ":   func(m *gang.Member, i, _ int) { m.Priority = int32(i) },
		"members disagree":    func(m *gang.Member, i, n int) { m.Spec.MinAvailable = int32(n - i%3) },
		"shares differ":       func(m *gang.Member, i, _ int) { m.Spec.Queue = fmt.Sprint("q", i%3) },
		"a runtime for each":  func(m *gang.Member, i, _ int) { m.Spec.ExpectedRuntime = time.Duration(i) * time.Second },
		"a topology for each": func(m *gang.Member, i, _ int) { m.Spec.Topology.SliceSize = i },
		"a deadline for each": func(m *gang.Member, i, _ int) { m.Deadline = time.Duration(i) * time.Second },
		"gated, then not":     func(m *gang.Member, _, _ int) { m.Gated = true },
		"two roles":           func(m *gang.Member, i, n int) { m.Spec.Role, m.Spec.Roles = twoRoles(i, n) },
		"a creator and more":  func(m *gang.Member, i, n int) { m.Spec.Role, m.Spec.Roles, m.Spec.Creates = created(i, n) },
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) (perMember [3]int) {
				observe := func(i int) gang.Member { m := one(i, n); kind(&m, i, n); return m }
				g := crowded(n, observe)
				perMember[0] = g.Looks() / n
				ready := func(i int) gang.Member { m := observe(i); m.Gated = false; return m }
				for i := range n {
					g.Observe(ready(i), start)
				}
				startAll(g, n, ready)
				perMember[1] = g.Looks() / n
				endAll(g, n, ready)
				perMember[2] = g.Looks() / n
				return perMember
			}
			if small, large := cost(200), cost(2000); large[0] > small[0]+3 || large[1] > small[1]+3 || large[2] > small[2]+3 {
				t.Errorf("visits per member while members are created, start and end: %v in a gang of 2,000, %v in a gang of 200",
					large, small)
			}
		})
	}
}

func twoRoles(i, n int) (string, *gang.Roles) {
	names := []string{"launcher", "worker"}
	return names[min(i, 1)], gang.NewRoles(gang.Role{Name: "launcher", Min: 1}, gang.Role{Name: "worker", Min: int32(n - 1)})
}

func created(i, n int) (role string, roles *gang.Roles, creates bool) {
	names := []string{"driver", "executor"}
	if i > 0 {
		return names[1], nil, false
	}
	return names[0], gang.NewRoles(gang.Role{Name: "driver", Min: 1, Creates: true},
		gang.Role{Name: "executor", Min: int32(n - 1), Requests: map[string]string{"cpu": "1"}}), true
}

// The maintained values must equal those derived from scratch, whatever members come, change or go.
func TestDerivedValuesAreMaintained(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same at each run
	for round := range 300 {
		g, there := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"}), map[string]gang.Member{}
		for step := range 60 {
			now := start.Add(time.Duration(step) * time.Second)
			change(g, there, source.IntN, now)
			if source.IntN(8) == 0 {
				g.Counted([]string{"x", "y"}[source.IntN(2)], source.IntN(4), now)
			}
			if kept, fresh := g.Derived(false), g.Derived(true); kept != fresh {
				t.Fatalf("round %d, step %d: maintained\n%s\nrecomputed\n%s", round, step, kept, fresh)
			}
			if kept, fresh := g.Tally(false), g.Tally(true); kept != fresh {
				t.Fatalf("round %d, step %d: counted\n%s\nrecounted\n%s", round, step, kept, fresh)
			}
		}
	}
}

// change adds, changes or removes a member.
func change(g *gang.Gang, there map[string]gang.Member, pick func(int) int, now time.Time) {
	uid := fmt.Sprint(pick(8))
	m, known := there[uid]
	if !known {
		m = drawMember(uid, pick, now)
	}
	switch what := pick(13); {
	case !known:
	case what < 2: // it succeeds or fails
		g.Finish(gang.Finished{UID: uid, Role: m.Spec.Role, OwnerUID: m.OwnerUID, Succeeded: pick(2) == 0, At: now}, now)
		g.Remove(uid, now)
		delete(there, uid)
		return
	case what < 4: // it is deleted
		g.Remove(uid, now)
		g.FinishedGone(uid, now)
		delete(there, uid)
		return
	case what < 6:
		m.Terminating = true
	case what < 9:
		m.Node, m.Gated, m.Scheduled = "node", false, now
	case what < 10:
		m.Priority++
	case what < 11:
		if m.Deadline = time.Duration(pick(3)) * time.Hour; pick(2) == 0 {
			m.Spec.Share = drawShare(pick)
		}
	default:
		m.Gated = false
	}
	there[uid] = m
	g.Observe(m, now)
}

func drawMember(uid string, pick func(int) int, now time.Time) gang.Member {
	m := one(0, 1+pick(2))
	m.UID, m.Name, m.Created = uid, "a-"+uid, now.Add(-time.Duration(pick(30))*time.Second)
	m.Priority, m.OwnerUID, m.Gated = int32(pick(3)), []string{"", "x", "y"}[pick(3)], pick(2) == 0
	m.Spec.Timeout, m.Spec.Placement = time.Duration(pick(3))*time.Minute, []gang.Placement{"", gang.Pack, gang.Spread}[pick(3)]
	m.Spec.RestartPolicy = []gang.RestartPolicy{"", gang.Replace, gang.WholeGang}[pick(3)]
	m.Spec.Role, m.Spec.Roles, m.Spec.Creates = created(pick(2), 3)
	m.Spec.Share, m.Foreign = drawShare(pick), pick(8) == 0
	m.Deadline = time.Duration(pick(3)) * time.Hour
	return m
}

// drawShare is silent about most things.
func drawShare(pick func(int) int) gang.Share {
	return gang.Share{
		Queue:           []string{"", "", "", "q", "q", "r"}[pick(6)],
		Preemptible:     []gang.Preemptible{"", "", "", gang.MayBePreempted, gang.NeverPreempted, gang.NeverPreempted}[pick(6)],
		ExpectedRuntime: []time.Duration{0, 0, 0, time.Hour, time.Hour, 2 * time.Hour}[pick(6)],
		Topology:        gang.StatedTopology{Required: []string{"", "", "", "rack", "rack", "block"}[pick(6)]},
	}
}

// A creator that was gated when it was first seen counts once its gates are removed. A succeeded creator of an earlier run does not
// count as another member that is done.
func TestCreatorThatWasGatedCounts(t *testing.T) {
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	driver := one(0, 3)
	driver.Gated = true
	driver.Spec.Role, driver.Spec.Roles, driver.Spec.Creates = created(0, 3)
	g.Observe(driver, start)
	g.Finish(gang.Finished{UID: "old", Role: "driver", OwnerUID: driver.OwnerUID, Succeeded: true, At: start}, start)
	g.Explain()
	driver.Gated = false
	g.Observe(driver, start)
	if e := g.Explain(); e.Have != 1 {
		t.Errorf("the gang has %d members, want 1, the waiting creator", e.Have)
	}
}
