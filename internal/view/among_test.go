package view

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/placement"
)

func preferApart(p *st.PodWrapper) {
	p.PodAntiAffinity(hostKey, apps(p.GetLabels()["app"]), st.PodAntiAffinityWithPreferredReq)
}

func preferEvenly(p *st.PodWrapper) {
	p.SpreadConstraint(1, zoneKey, corev1.ScheduleAnyway, apps(p.GetLabels()["app"]), nil, nil, nil, nil)
}

// viewOfGang returns the view that the world's gang is planned on.
func (h *harness) viewOfGang(t *testing.T, w *world) *view {
	t.Helper()
	classes, err := classify(h.ctx, team{pods: w.members, required: w.need}, h.snapshot.NodeInfos(), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := newView(h.ctx, h.framework, classes, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// contents returns copies of the snapshot's nodes.
func (h *harness) contents(t *testing.T) []fwk.NodeInfo {
	t.Helper()
	nodes, err := h.snapshot.NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	contents := make([]fwk.NodeInfo, len(nodes))
	for i, node := range nodes {
		held := *node.(*framework.NodeInfo)
		contents[i] = &held
	}
	return contents
}

func sameContents(a, b []fwk.NodeInfo) string {
	describe := func(nodes []fwk.NodeInfo) []string {
		var all []string
		for _, node := range nodes {
			n := node.(*framework.NodeInfo)
			// Compare addresses too: the original must be restored, not a copy.
			all = append(all, fmt.Sprintf("%s at %d: %p %p %d %p %d %p %+v %+v %v %v", n.Node().Name, n.Generation, n.Requested,
				n.Pods, len(n.Pods), n.PodsWithAffinity, len(n.PodsWithAffinity), n.UsedPorts, n.Requested, n.NonZeroRequested,
				n.UsedPorts, n.PVCRefCounts))
		}
		return all
	}
	return cmp.Diff(describe(a), describe(b))
}

// Members are on the snapshot's nodes only while the Score plugins run. The snapshot must be unchanged after each ranking, after a reset,
// and after the plan, whether the gang fits or a plugin fails.
func TestRankingLeavesTheSnapshotAlone(t *testing.T) {
	h := newHarness(t)
	w := benchWorld(6, false)
	w.join("a", 12, "1", preferApart)
	h.set(t, w)
	before := h.contents(t)
	unchanged := func(when string) {
		t.Helper()
		if diff := sameContents(before, h.contents(t)); diff != "" {
			t.Errorf("the snapshot changed %s (-before +after):\n%s", when, diff)
		}
	}
	v := h.viewOfGang(t, w)
	sized := v.sized()
	if sized[0].Renew == 0 {
		t.Fatal("placed members that prefer to be apart do not change the tiers")
	}
	for _, node := range []int{0, 1, 1} {
		if !v.Fits(0, node) {
			t.Fatalf("the member does not fit on node %d", node)
		}
		v.Place(0, node)
		if tiers := v.Tiers(0); tiers[node] == 0 {
			t.Errorf("node %d is still in the first tier with a member on it: %v", node, tiers)
		}
		unchanged("after a ranking")
	}
	held := len(v.nodes[1].GetPods()) - len(before[1].GetPods())
	if held != 2 {
		t.Errorf("the view has %d members on a node, want 2", held)
	}
	v.Reset()
	if tiers := v.Tiers(0); tiers != nil {
		t.Errorf("without members the tiers are %v", tiers)
	}
	unchanged("after a reset")
	for _, least := range []int{12, 13} {
		placement.Find(v, placement.Gang{Classes: sized, Min: least})
		unchanged("after a plan")
	}
	v.release()
	unchanged("after the release")
	h.plan(t, w.task())
	unchanged("after a plan of the planner")

	// Make a plugin fail: remove the state that its PreScore wrote.
	v = h.viewOfGang(t, w)
	v.Place(0, 0)
	func() {
		defer func() { _ = recover() }()
		v.classes[0].base = nil
		v.Tiers(0)
	}()
	unchanged("after a plugin failed")
}

// A class is ranked again only if a Score plugin takes members of the gang into account for it.
func TestOnlyPreferencesAmongMembersAreRenewed(t *testing.T) {
	to := func(app string) func(*st.PodWrapper) {
		return func(p *st.PodWrapper) { p.PodAffinity(hostKey, apps(app), st.PodAffinityWithPreferredReq) }
	}
	for _, test := range []struct {
		name             string
		gang             func(w *world)
		renewed, follows int // classes
	}{
		{"no preference", func(w *world) { w.join("a", 3, "1", nil) }, 0, 0},
		{"required anti-affinity", func(w *world) { w.join("a", 3, "1", apart) }, 0, 0},
		{"required spread", func(w *world) { w.join("a", 3, "1", evenly) }, 0, 0},
		{"near running pods", func(w *world) { w.join("a", 3, "1", to("x")) }, 0, 0},
		{"apart", func(w *world) { w.join("a", 3, "1", preferApart) }, 1, 0},
		{"evenly", func(w *world) { w.join("a", 3, "1", preferEvenly) }, 1, 0},
		{"one class near the other", func(w *world) { w.join("a", 3, "1", to("b")); w.join("b", 1, "1", nil) }, 2, 1},
		{"one class only", func(w *world) { w.join("a", 3, "1", preferApart); w.join("b", 1, "1", nil) }, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			w := benchWorld(6, false)
			test.gang(w)
			h.set(t, w)
			renewed, follows := 0, 0
			for _, c := range h.viewOfGang(t, w).sized() {
				if c.Renew > 0 {
					renewed++
				}
				if c.Follows {
					follows++
				}
			}
			if renewed != test.renewed || follows != test.follows {
				t.Errorf("%d classes are ranked again and %d follow others", renewed, follows)
			}
		})
	}
}

// Members that prefer a member without preferences count for its ranking, even if no running pod has affinity.
func TestAMemberIsPreferredByOthers(t *testing.T) {
	h := newHarness(t)
	w := benchWorld(4, false)
	w.join("a", 1, "1", func(p *st.PodWrapper) { p.PodAffinity(hostKey, apps("b"), st.PodAffinityWithPreferredReq) })
	w.join("b", 1, "1", nil)
	h.set(t, w)
	v := h.viewOfGang(t, w)
	v.sized()
	for i, c := range v.classes {
		if c.pods[0].Labels["app"] == "a" {
			v.Place(i, 2)
		}
	}
	for i, c := range v.classes {
		if c.pods[0].Labels["app"] != "b" {
			continue
		}
		if tiers := v.Tiers(i); len(tiers) != 4 || tiers[2] != 0 || tiers[0] == 0 {
			t.Errorf("the tiers are %v; want the third node first, which has the member that prefers the pod", tiers)
		}
	}
}

// Preferences count pods as hypotheses assume them: members on nodes that a hypothesis changed, pods of slots, and not pods that are gone.
func TestPreferencesUnderHypotheses(t *testing.T) {
	near := func(app string) func(*st.PodWrapper) {
		return func(p *st.PodWrapper) { p.PodAffinity(hostKey, apps(app), st.PodAffinityWithPreferredReq) }
	}
	slot := func(change func(*st.PodWrapper)) []slot {
		pod := testPod("s").Node("n2").Label("app", "s")
		change(pod)
		return slotsOf([]*corev1.Pod{pod.Obj()})
	}
	for _, test := range []struct {
		name   string
		member func(*st.PodWrapper)
		assume func(v *view, w *world) error
		place  []int
		want   []uint16
	}{
		{"as it is", near("x"), nil, nil, []uint16{0, 200, 200}},
		{"without the pod that attracts", near("x"), func(v *view, w *world) error { return v.without(w.running[0]) }, nil, nil},
		{
			"a slot that attracts", near("s"), func(v *view, _ *world) error { return v.with(slot(func(*st.PodWrapper) {})...) }, nil,
			[]uint16{200, 200, 0},
		},
		{
			"a slot that prefers the member", nil, func(v *view, _ *world) error { return v.with(slot(near("a"))...) }, nil,
			[]uint16{200, 200, 0},
		},
		{
			"a member on a changed node", near("a"), func(v *view, w *world) error { return v.without(w.running[0]) },
			[]int{0},
			[]uint16{0, 200, 200},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			w := &world{}
			for _, name := range []string{"n0", "n1", "n2"} {
				w.nodes = append(w.nodes, testNode(name, "z0", map[corev1.ResourceName]string{
					corev1.ResourceCPU: "8", corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "10",
				}).Obj())
			}
			w.running = []*corev1.Pod{testPod("r").Node("n0").Label("app", "x").Obj()}
			w.join("a", 2, "1", test.member)
			v := h.view(t, w)
			before := h.contents(t)
			if test.assume != nil {
				v.begin()
				must(t, test.assume(v, w))
			}
			got := v.sized()[0].Tiers
			for _, node := range test.place {
				if !v.Fits(0, node) {
					t.Fatalf("the member does not fit on node %d", node)
				}
				v.Place(0, node)
				got = v.Tiers(0)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("the tiers are %v, want %v", got, test.want)
			}
			if diff := sameContents(before, h.contents(t)); diff != "" {
				t.Errorf("the snapshot changed (-before +after):\n%s", diff)
			}
		})
	}
}
