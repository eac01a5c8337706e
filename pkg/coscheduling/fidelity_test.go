package coscheduling

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
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
func checkPlan(t fataler, h *harness, w *world) planned {
	t.Helper()
	h.set(t, w)
	p := h.plan(t, w.task())
	switch {
	case p.finding != nil:
		if p.finding.Fit >= w.need || p.finding.Shortage.Missing < 1 || p.finding.Shortage.Missing > w.need-p.finding.Fit {
			t.Fatalf("no plan, yet %d of %d fit and %d are missing\n%s", p.finding.Fit, w.need, p.finding.Shortage.Missing, w)
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
// same pins may be refused: see TestPlansInAnyOrder.
func replay(t fataler, h *harness, w *world, p planned) {
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
		if p.finding == nil {
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
		if (p.finding == nil) != (fit >= w.need) {
			t.Fatalf("case %d: planned %v, but %d fit one by one\n%s", i, p.finding == nil, fit, w)
		}
		if p.finding == nil {
			yes++
			if len(p.Pins) != fit {
				t.Fatalf("case %d: planned %d, but %d fit one by one\n%s", i, len(p.Pins), fit, w)
			}
		} else if p.finding.Fit != fit {
			t.Fatalf("case %d: found that %d fit, but %d do one by one\n%s", i, p.finding.Fit, fit, w)
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

// TestPlansInAnyOrder: few members that come in another order than the plan's are refused, by constraints between pods only, and fewer
// gangs fail if the rest is planned once more, as the gang does. The shares are those of this kind of clusters, and some more.
func TestPlansInAnyOrder(t *testing.T) {
	h := newHarness(t)
	plans, lost := 0, 0
	refused := map[string]int{}
	for i := range cases(t) / 2 {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		w := drawWorld(r.IntN, false)
		h.set(t, w)
		p := h.plan(t, w.task())
		if p.finding != nil {
			continue
		}
		plans++
		by := shuffled(t, h, w, p, r, map[string]bool{})
		if by == "" {
			continue
		}
		refused[by]++
		if by != names.PodTopologySpread && by != names.InterPodAffinity {
			t.Errorf("case %d: in another order, %s refuses\n%s", i, by, w)
		}
		if !again(t, h, w, r) {
			lost++
		}
	}
	all := 0
	for _, plugin := range slices.Sorted(maps.Keys(refused)) {
		all += refused[plugin]
	}
	said := fmt.Sprintf("of %d plans, %d (%.1f%%) are refused in a random order: %v; %d (%.1f%%) also when the rest is planned once more",
		plans, all, 100*float64(all)/float64(max(plans, 1)), refused, lost, 100*float64(lost)/float64(max(plans, 1)))
	t.Log(said)
	if most, mostLost := 15, 7; 100*all > most*plans || 100*lost > mostLost*plans || plans < cases(t)/10 {
		t.Errorf("%s; want at most %d%% and %d%%, of at least %d plans", said, most, mostLost, cases(t)/10)
	}
}

// shuffled places the members that are not held yet in a random order. It returns the plugin that refuses one, or "".
func shuffled(t fataler, h *harness, w *world, p planned, r *rand.Rand, held map[string]bool) string {
	t.Helper()
	order := slices.Clone(p.Pins)
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, pin := range order {
		if status := h.place(t, w, w.byUID(pin.UID), pin.Node); !status.IsSuccess() {
			return status.Plugin()
		}
		held[pin.UID] = true
	}
	return ""
}

// again plans the members that hold no room yet, and places them in a random order.
func again(t fataler, h *harness, w *world, r *rand.Rand) bool {
	t.Helper()
	task := w.task()
	rest := *w
	rest.members = slices.DeleteFunc(slices.Clone(w.members), func(m *corev1.Pod) bool {
		assumed, err := h.cache.IsAssumedPod(m)
		return err == nil && assumed
	})
	task.Members = rest.task().Members
	task.Need -= len(w.members) - len(rest.members)
	if task.Need <= 0 {
		return true
	}
	p := h.plan(t, task)
	return p.finding == nil && shuffled(t, h, &rest, p, r, map[string]bool{}) == ""
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
		if p := h.plan(t, other.task()); (p.finding == nil) != (first.finding == nil) {
			t.Fatalf("planned %v, but %v if the members come as %v\n%s", first.finding == nil, p.finding == nil, other.task().Members, w)
		}
	})
}

// TestAnEmptyNodeDoesNoHarm: a gang of equal members that has a plan has one too when a node joins.
func TestAnEmptyNodeDoesNoHarm(t *testing.T) {
	h := newHarness(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(rolled(t), true)
		if classes(t, h, w) > 1 || h.plan(t, w.task()).finding != nil {
			return
		}
		w.nodes = append(w.nodes, drawNode(rolled(t), "empty", "z0"))
		h.set(t, w)
		if p := h.plan(t, w.task()); p.finding != nil {
			t.Fatalf("no plan with one more node: %+v\n%s", p.finding, w)
		}
	})
}
