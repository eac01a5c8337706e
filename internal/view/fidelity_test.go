package view

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// cases is the number of random gangs to plan: PLAN_CASES, or 2,000, or fewer with -short.
func cases(t *testing.T) int {
	if given, err := strconv.Atoi(os.Getenv("PLAN_CASES")); err == nil {
		return given
	}
	if testing.Short() {
		return 200
	}
	return 2000
}

// checkPlan checks what must hold for every plan, and replays the plan through the framework.
func checkPlan(t fataler, h *harness, w *world) Plan {
	t.Helper()
	h.set(t, w)
	p := h.plan(t, w.task())
	switch {
	case p.Finding != nil:
		if p.Finding.Fit >= w.need || p.Finding.Shortage.Missing < 1 || p.Finding.Shortage.Missing > w.need-p.Finding.Fit {
			t.Fatalf("no plan, yet %d of %d fit and %d are missing\n%s", p.Finding.Fit, w.need, p.Finding.Shortage.Missing, w)
		}
		return p
	case len(p.Pins) < w.need:
		t.Fatalf("the plan has %d members, %d are needed\n%s", len(p.Pins), w.need, w)
	}
	replay(t, h, w, p)
	return p
}

// replay schedules the members one by one in the order of the plan, each on a snapshot with those before it.
//
// This is the order in which the plan ran the filters and in which members are reserved. If filters depend on other members (topology
// spread must hold after each step; affinity needs the other member first), the same pins in another order may be rejected.
func replay(t fataler, h *harness, w *world, p Plan) {
	t.Helper()
	h.set(t, w)
	for i, pin := range p.Pins {
		pod := w.byUID(pin.UID)
		if status := h.place(t, w, pod, pin.Node); !status.IsSuccess() {
			t.Fatalf("member %d of the plan, %s, is rejected on %s: %v\nplan %v\n%s", i, pod.Name, pin.Node, status, p.Pins, w)
		}
	}
}

// TestPlansAreConfirmed: the scheduler's filters accept each member of a plan on its node.
func TestPlansAreConfirmed(t *testing.T) {
	h := newHarness(t)
	yes, members := 0, 0
	n := cases(t)
	for i := range n {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		w := drawWorld(r.IntN, false)
		p := checkPlan(t, h, w)
		if p.Finding == nil {
			yes++
			members += len(p.Pins)
		}
	}
	t.Logf("%d gangs, %d planned with %d members, 0 rejected", n, yes, members)
	if yes < n/5 || yes > 4*n/5 {
		t.Errorf("%d of %d gangs have a plan: the cases are too one-sided", yes, n)
	}
}

// TestPlansAreConfirmedShrunk is the same test with cases that rapid shrinks if they fail.
func TestPlansAreConfirmedShrunk(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		checkPlan(t, h, drawWorld(rolled(t), rapid.Bool().Draw(t, "plain")))
	})
}

func rolled(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") }
}

// TestPlainGangsExactly: for equal members whose filters look at one node only, there is a plan if and only if the nodes take enough of
// them when they are added one by one.
func TestPlainGangsExactly(t *testing.T) {
	h := newHarness(t)
	yes := 0
	n := cases(t) / 2
	for i := range n {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		w := drawWorld(r.IntN, true)
		if classes(t, h, w) > 1 {
			continue // a running pod repels some of the members by their index
		}
		p := checkPlan(t, h, w)
		fit := min(len(w.members), count(t, h, w))
		if (p.Finding == nil) != (fit >= w.need) {
			t.Fatalf("case %d: planned %v, but %d fit one by one\n%s", i, p.Finding == nil, fit, w)
		}
		if p.Finding == nil {
			yes++
			if len(p.Pins) != fit {
				t.Fatalf("case %d: planned %d, but %d fit one by one\n%s", i, len(p.Pins), fit, w)
			}
		} else if p.Finding.Fit != fit {
			t.Fatalf("case %d: found that %d fit, but %d do one by one\n%s", i, p.Finding.Fit, fit, w)
		}
	}
	t.Logf("%d gangs, %d planned", n, yes)
	if yes < n/5 || yes > 4*n/5 {
		t.Errorf("%d of %d gangs have a plan: the cases are too one-sided", yes, n)
	}
}

// classes returns the number of classes of the members.
func classes(t fataler, h *harness, w *world) int {
	t.Helper()
	h.set(t, w)
	promised, err := promises(h.framework, w.members)
	if err != nil {
		t.Fatalf("%v", err)
	}
	found, err := classify(h.ctx, team{pods: w.members}, h.snapshot.NodeInfos(), promised)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return len(found)
}

// count adds members to each node until the filters reject one, and returns how many fit.
func count(t fataler, h *harness, w *world) int {
	t.Helper()
	h.set(t, w)
	fit := 0
	for _, node := range w.nodes {
		for fit < len(w.members) && h.place(t, w, w.members[fit], node.Name).IsSuccess() {
			fit++
		}
	}
	return fit
}

// TestPlansAreRepeatable: the same cluster and gang give the same pins, and the order of the members does not decide whether it fits.
func TestPlansAreRepeatable(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(rolled(t), false)
		h.set(t, w)
		first := h.plan(t, w.task())
		if second := h.plan(t, w.task()); !slices.Equal(first.Pins, second.Pins) {
			t.Fatalf("first %v, then %v\n%s", first.Pins, second.Pins, w)
		}
		other := *w
		other.members = rapid.Permutation(w.members).Draw(t, "members")
		if p := h.plan(t, other.task()); (p.Finding == nil) != (first.Finding == nil) {
			t.Fatalf("Plan %v, but %v if the members come as %v\n%s", first.Finding == nil, p.Finding == nil, other.task().Members, w)
		}
	})
}

// TestAnEmptyNodeDoesNoHarm: if a gang of equal members has a plan, it still has one after an empty node is added.
func TestAnEmptyNodeDoesNoHarm(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(rolled(t), true)
		if classes(t, h, w) > 1 || h.plan(t, w.task()).Finding != nil {
			return
		}
		w.nodes = append(w.nodes, drawNode(rolled(t), "empty", "z0"))
		h.set(t, w)
		if p := h.plan(t, w.task()); p.Finding != nil {
			t.Fatalf("no plan with one more node: %+v\n%s", p.Finding, w)
		}
	})
}
