package view

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// cases is how many random gangs are planned: PLAN_CASES, or 2,000, or few in short tests.
func cases(t *testing.T) int {
	if given, err := strconv.Atoi(os.Getenv("PLAN_CASES")); err == nil {
		return given
	}
	if testing.Short() {
		return 200
	}
	return 2000
}

// checkPlan checks what must be true of every plan, and replays it through the framework.
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

// replay places the members one after the other in the order of the plan, each with a snapshot that has those before it.
//
// That order is the one that upstream's filters confirmed, and in which members are popped. Where a member looks at others
// (topology spread, whose skew must never be exceeded on the way; affinity to a member that comes first) another order of the
// same pins may be refused.
func replay(t fataler, h *harness, w *world, p Plan) {
	t.Helper()
	h.set(t, w)
	for i, pin := range p.Pins {
		pod := w.byUID(pin.UID)
		if status := h.place(t, w, pod, pin.Node); !status.IsSuccess() {
			t.Fatalf("member %d of the plan, %s, is refused on %s: %v\nplan %v\n%s", i, pod.Name, pin.Node, status, p.Pins, w)
		}
	}
}

// TestPlansAreConfirmed: what a plan says is what the scheduler's filters say, member by member.
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
	t.Logf("%d gangs, %d planned with %d members, 0 refused", n, yes, members)
	if yes < n/5 || yes > 4*n/5 {
		t.Errorf("%d of %d gangs have a plan: too one-sided to tell much", yes, n)
	}
}

// TestPlansAreConfirmedShrunk is the same with cases that rapid makes small if they fail.
func TestPlansAreConfirmedShrunk(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		checkPlan(t, h, drawWorld(rolled(t), rapid.Bool().Draw(t, "plain")))
	})
}

func rolled(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") }
}

// TestPlainGangsExactly: for members that are equal and look at their node only, there is a plan if and only if the nodes
// take enough of them one by one.
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
		t.Errorf("%d of %d gangs have a plan: too one-sided to tell much", yes, n)
	}
}

// classes is how many classes the members are.
func classes(t fataler, h *harness, w *world) int {
	t.Helper()
	h.set(t, w)
	promised, err := promises(h.framework, w.members)
	if err != nil {
		t.Fatalf("%v", err)
	}
	found, err := classify(w.members, 0, h.snapshot.NodeInfos(), promised)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return len(found)
}

// count fills each node with members until the filters refuse.
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

// TestPlansAreRepeatable: the same cluster and gang give the same pins, and the order of the members no other answer.
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

// TestAnEmptyNodeDoesNoHarm: a gang of equal members that has a plan has one too when a node joins.
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
