package gang_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

var start = time.Unix(1_000_000, 0).UTC() //nolint:gochecknoglobals // a moment

// creatorsGang is a gang whose creator runs on a node, or is pending, and declares executors. The function that it returns observes
// an executor.
func creatorsGang(t *testing.T, node string, executors int) (g *gang.Gang, executor func(name, node string)) {
	t.Helper()
	g = gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	observe := func(name, node string, spec gang.Spec) {
		spec.Convention, spec.Name, spec.MinAvailable = "Coscheduling", "a", int32(executors+1)
		g.Observe(gang.Member{
			UID: name, Name: name, Node: node, Spec: spec, Created: start, DefaultReservationTimeout: time.Minute,
		}, start)
	}
	observe("driver", node, driving(executors))
	return g, func(name, node string) { observe(name, node, gang.Spec{Role: "executor"}) }
}

// driving is the specification of a driver that declares executors.
func driving(executors int) gang.Spec {
	return gang.Spec{Role: "driver", Creates: true, Roles: gang.NewRoles(
		gang.Role{Name: "driver", Min: 1, Creates: true},
		gang.Role{Name: "executor", Min: int32(executors), Requests: map[string]string{"cpu": "1"}},
	)}
}

// reserve commits a plan of the creator's gang with an executor on each of the nodes, and lets the creator through Permit.
func reserve(t *testing.T, nodes ...string) *gang.Gang {
	t.Helper()
	g, _ := creatorsGang(t, "", len(nodes))
	g.Enter("driver", start)
	if v := g.Begin("driver", true, start); v != gang.Plan {
		t.Fatalf("Begin returned %d", v)
	}
	plan := gang.Planned{Pins: []gang.Pin{{UID: "driver", Node: "d"}}}
	for _, node := range nodes {
		plan.Slots = append(plan.Slots, gang.Slot{Role: "executor", Node: node})
	}
	g.Commit("driver", plan, start)
	if v := g.Permit("driver", "d", start); v != gang.Go {
		t.Fatalf("Permit returned %d", v)
	}
	return g
}

// heldOn returns the number of slots on each node after the gang's moves so far.
func heldOn(g *gang.Gang) map[string]int {
	held := map[string]int{}
	for _, m := range g.Moves() {
		if m.Held {
			held[m.Node]++
		} else if held[m.Node]--; held[m.Node] == 0 {
			delete(held, m.Node)
		}
	}
	return held
}

func TestReservationOutlivesTheProcess(t *testing.T) {
	text, err := reserve(t, "n1", "n1", "n2").Reservation("driver", start)
	if err != nil {
		t.Fatal(err)
	}
	var r gang.Reservation
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	until := start.Add(time.Minute)
	for _, tc := range []struct {
		name      string
		executors []string // the nodes of existing executors
		now       time.Time
		want      map[string]int
	}{
		{"no executor exists", nil, start, map[string]int{"n1": 2, "n2": 1}},
		{"one executor exists", []string{"n1"}, start, map[string]int{"n1": 1, "n2": 1}},
		{"one executor is on another node", []string{"n3"}, start, map[string]int{"n1": 2}},
		{"one executor is pending", []string{""}, start, map[string]int{"n1": 2, "n2": 1}},
		{"all executors exist", []string{"n1", "n1", "n2"}, start, map[string]int{}},
		{"just in time", nil, until.Add(-time.Nanosecond), map[string]int{"n1": 2, "n2": 1}},
		{"too late", nil, until, map[string]int{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, executor := creatorsGang(t, "d", 3)
			for i, node := range tc.executors {
				executor(fmt.Sprint("executor", i), node)
			}
			g.Restore("driver", r, tc.now)
			g.Restore("driver", r, tc.now) // a second time changes nothing
			if diff := cmp.Diff(tc.want, heldOn(g)); diff != "" {
				t.Errorf("slots (-want +got):\n%s", diff)
			}
			g.Tick(until)
			if g.Slots() != 0 {
				t.Errorf("%d slots are held after the reservation expired", g.Slots())
			}
		})
	}
}

func TestRestoreValidatesReservations(t *testing.T) {
	role := func(nodes map[string]int) []gang.ReservedRole {
		return []gang.ReservedRole{{Name: "executor", Nodes: nodes}}
	}
	later := start.Add(time.Hour)
	for _, tc := range []struct {
		name        string
		member      string
		reservation gang.Reservation
		most        int
	}{
		{"nothing", "driver", gang.Reservation{}, 0},
		{"no end", "driver", gang.Reservation{Roles: role(map[string]int{"n": 1})}, 0},
		{"below 0", "driver", gang.Reservation{Until: later, Roles: role(map[string]int{"n": -5})}, 0},
		{"far too many", "driver", gang.Reservation{Until: later, Roles: role(map[string]int{"n": 1 << 40, "m": 1 << 40})}, 2000},
		{"on a member that creates nothing", "executor", gang.Reservation{Until: later, Roles: role(map[string]int{"n": 1})}, 0},
		{"on an unknown member", "x", gang.Reservation{Until: later, Roles: role(map[string]int{"n": 1})}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, executor := creatorsGang(t, "d", 3)
			executor("executor", "n9")
			g.Restore(tc.member, tc.reservation, start)
			if g.Slots() > tc.most {
				t.Errorf("%d slots are held, want at most %d", g.Slots(), tc.most)
			}
		})
	}
}

func TestReservationFitsIntoAnAnnotation(t *testing.T) {
	nodes := make([]string, 1999)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("node-%04d.%s", i, strings.Repeat("x", 200))
	}
	g := reserve(t, nodes...)
	if text, err := g.Reservation("driver", start); err == nil || text != "" {
		t.Errorf("a reservation of %d bytes was written, error %v", len(text), err)
	}
	if g.Slots() != len(nodes) {
		t.Errorf("%d slots are held, want %d", g.Slots(), len(nodes))
	}
}

// TestReservationThatTheSchedulerDidNotWrite checks that Restore never holds too many slots: a user may find a way to write a
// reservation, and the next process reads it.
func TestReservationThatTheSchedulerDidNotWrite(t *testing.T) {
	for _, text := range []string{
		`{"until":"2100-01-01T00:00:00Z"}`,
		`{"until":"2100-01-01T00:00:00Z","roles":[{"name":"executor"}]}`,
		`{"until":"2100-01-01T00:00:00Z","roles":[{"name":"executor","nodes":{"n1":9223372036854775807,"n2":-1}}]}`,
		`{"until":"2100-01-01T00:00:00Z","roles":[{"name":"executor","nodes":{"n1":3}},{"name":"executor","nodes":{"n2":3}}]}`,
		`{"until":"2100-01-01T00:00:00Z","roles":[{"name":"driver","nodes":{"n1":3}},{"name":"nobody","nodes":{"n1":3}}]}`,
	} {
		var r gang.Reservation
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		g, executor := creatorsGang(t, "d", 3)
		executor("one", "n1")
		g.Restore("driver", r, start)
		if g.Slots() > 2 {
			t.Errorf("%s: %d slots are held for the 2 executors that do not exist", text, g.Slots())
		}
	}
}

func TestSlotsAreReleasedWithTheirCreator(t *testing.T) {
	g := reserve(t, "n1", "n2")
	if diff := cmp.Diff(map[string]int{"n1": 1, "n2": 1}, heldOn(g)); diff != "" {
		t.Fatalf("slots (-want +got):\n%s", diff)
	}
	g.NodeGone("n2", start)
	g.Remove("driver", start)
	left := map[string]bool{}
	for _, m := range g.Moves() {
		if m.Held || !m.Free {
			t.Errorf("%+v, want a move that frees the slot", m)
		}
		left[m.Node] = true
	}
	if len(left) != 2 || g.Slots() != 0 || !g.Empty() {
		t.Errorf("%v became free, %d slots are held", left, g.Slots())
	}
}
