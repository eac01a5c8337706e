package view

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	fwk "k8s.io/kube-scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
)

// twoNodes returns a cluster of two nodes with 2 CPUs each. A running pod takes all of n0 and half of n1.
func twoNodes() *world {
	w := &world{}
	for i, cpu := range []string{"2", "1"} {
		name := fmt.Sprintf("n%d", i)
		w.nodes = append(w.nodes, testNode(name, "z0", map[corev1.ResourceName]string{
			corev1.ResourceCPU: "2", corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "10",
		}).Obj())
		w.running = append(w.running, testPod("r"+fmt.Sprint(i)).Node(name).Label("app", "x").
			Req(map[corev1.ResourceName]string{corev1.ResourceCPU: cpu}).Obj())
	}
	w.join("a", 2, "1", nil)
	return w
}

// fits checks the names of the nodes that a member fits on.
func fits(t *testing.T, v *view, want ...string) {
	t.Helper()
	var got []string
	for n, node := range v.nodes {
		if v.Fits(0, n) {
			got = append(got, node.Node().Name)
		}
		if v.Fits(0, n) && v.Room(0, n) == 0 {
			t.Errorf("no room on %s, where a member fits", node.Node().Name)
		}
	}
	slices.Sort(got)
	if v.err != nil || !slices.Equal(got, want) {
		t.Errorf("fits on %v, want %v (%v)", got, want, v.err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWithoutPods(t *testing.T) {
	w := twoNodes()
	v := newHarness(t).view(t, w)
	fits(t, v, "n1")
	v.begin()
	must(t, v.without(w.running[0]))
	fits(t, v, "n0", "n1")
	if _, ok := find(v, w); !ok {
		t.Error("the gang does not fit without the pod")
	}
	v.rollBack()
	fits(t, v, "n1")
	if v.without(testPod("no").Node("n0").Obj()) == nil || v.without(testPod("r0").Node("no").Obj()) == nil ||
		v.without(w.running[0], w.running[0]) == nil {
		t.Error("no error for a pod that is not there")
	}
}

func TestWithSlots(t *testing.T) {
	w := twoNodes()
	v := newHarness(t).view(t, w)
	v.begin()
	must(t, v.with(slotsOf([]*corev1.Pod{testPod("s").Node("n1").Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1"}).Obj()})...))
	fits(t, v)
	v.rollBack()
	fits(t, v, "n1")
}

// TestSlotsRepel: a slot repels members as its pod will, even if no running pod has anti-affinity.
func TestSlotsRepel(t *testing.T) {
	w := twoNodes()
	w.running = nil
	v := newHarness(t).view(t, w)
	fits(t, v, "n0", "n1")
	repelling := testPod("s").Node("n1").PodAntiAffinity(hostKey, index("1"), st.PodAntiAffinityWithRequiredReq)
	must(t, v.with(slotsOf([]*corev1.Pod{repelling.Obj()})...))
	fits(t, v, "n0") // a1 is repelled, and classify put it into one class with a0
}

func TestOnlyNodes(t *testing.T) {
	w := twoNodes()
	w.members = nil
	w.join("a", 3, "1", nil)
	w.nodes = append(w.nodes, testNode("n2", "z1", map[corev1.ResourceName]string{
		corev1.ResourceCPU: "8", corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "10",
	}).Obj())
	v := newHarness(t).view(t, w)
	fits(t, v, "n1", "n2")
	v.begin()
	must(t, v.only(sets.New("n0", "n1")))
	fits(t, v, "n1")
	found, ok := find(v, w)
	if ok {
		t.Fatal("the gang fits on two nodes")
	}
	if f := v.explain(found, w.task()); f.Detail != "2 of 2 nodes: Insufficient cpu" || f.Short == nil || f.Short.Largest != "0" {
		t.Errorf("explained as %q, %+v", f.Detail, f.Short)
	}
	v.rollBack()
	if _, ok := find(v, w); !ok {
		t.Error("the gang does not fit on three nodes")
	}
}

// TestNestedHypotheses: an inner hypothesis is rolled back alone, or becomes part of the outer one.
func TestNestedHypotheses(t *testing.T) {
	w := twoNodes()
	v := newHarness(t).view(t, w)
	v.begin()
	must(t, v.without(w.running[0]))
	{
		v.begin()
		must(t, v.only(sets.New("n1")))
		fits(t, v, "n1")
		v.rollBack()
		fits(t, v, "n0", "n1")
	}
	{
		v.begin()
		must(t, v.with(slotsOf([]*corev1.Pod{testPod("s").Node("n1").Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1"}).Obj()})...))
		v.commit()
		fits(t, v, "n0")
	}
	v.rollBack()
	fits(t, v, "n1")
}

// TestExclusiveClaims: a ReadWriteOncePod claim is free once the pod that uses it is gone, and a slot can hold it. Claims of the same name
// in another namespace are other claims.
func TestExclusiveClaims(t *testing.T) {
	w := twoNodes()
	w.running = []*corev1.Pod{
		testPod("r0").Node("n0").PVC("data").Obj(),
		testPod("r1").Node("n1").Namespace("other").PVC("data").Obj(),
	}
	w.members = nil
	w.join("a", 1, "1", func(p *st.PodWrapper) { p.PVC("data") })
	for _, tc := range []struct {
		name    string
		without int
		slot    *corev1.Pod
		want    []string
	}{
		{name: "nobody is gone", without: -1},
		{name: "the pod that uses it is gone", without: 0, want: []string{"n0", "n1"}},
		{name: "a pod of another namespace is gone", without: 1},
		{name: "a slot holds it instead", without: 0, slot: testPod("s").Node("n1").PVC("data").Obj()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(t)
			bindExclusively(t, h, "data")
			h.set(t, w)
			known := func(context.Context) (bool, error) { // wait until the plugins see the claim, its volume and the pod that uses it
				return h.filter(t, w.members[0], "n0").Code() == fwk.Unschedulable, nil
			}
			must(t, wait.PollUntilContextTimeout(h.ctx, time.Millisecond, time.Minute, true, known))
			v := h.view(t, w)
			if got := v.classes[0].rejected; got != nil {
				t.Fatal(got)
			}
			for range 2 { // a second time after the state was rebuilt, as when devices or volumes are allocated
				v.begin()
				if tc.without >= 0 {
					must(t, v.without(w.running[tc.without]))
				}
				if tc.slot != nil {
					must(t, v.with(slotsOf([]*corev1.Pod{tc.slot})...))
				}
				fits(t, v, tc.want...)
				v.version++
				fits(t, v, tc.want...)
				v.rollBack()
				fits(t, v)
			}
		})
	}
}

// bindExclusively creates a ReadWriteOncePod claim that is bound to a volume.
func bindExclusively(t *testing.T, h *harness, name string) {
	t.Helper()
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	core := h.framework.ClientSet().CoreV1()
	_, err := core.PersistentVolumes().Create(h.ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "volume"}, Spec: corev1.PersistentVolumeSpec{AccessModes: modes},
	}, metav1.CreateOptions{})
	must(t, err)
	_, err = core.PersistentVolumeClaims(testNamespace).Create(h.ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: testNamespace, Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: modes, VolumeName: "volume"},
	}, metav1.CreateOptions{})
	must(t, err)
	h.informers.Start(h.ctx.Done())
	h.informers.WaitForCacheSync(h.ctx.Done())
}

// BenchmarkHypothesis measures whether a member fits on a node without one of its pods, in clusters of up to 5,000 nodes. The cost must not
// grow with the cluster.
func BenchmarkHypothesis(b *testing.B) {
	for name, change := range map[string]func(*st.PodWrapper){"plain": nil, "zone spread": evenly, "apart": apart} {
		for _, nodes := range []int{50, 5000} {
			b.Run(fmt.Sprintf("%s/%d", name, nodes), func(b *testing.B) {
				h := newHarness(b)
				w := benchWorld(nodes, true)
				w.join("a", 10, "1", change)
				v := h.view(b, w)
				node, err := v.nodeNamed("n7")
				must(b, err)
				b.ReportAllocs()
				for b.Loop() {
					v.begin()
					must(b, v.without(w.running[7]))
					if !v.Fits(0, node) {
						b.Fatal("does not fit")
					}
					v.rollBack()
				}
			})
		}
	}
}
