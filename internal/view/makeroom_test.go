package view

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"
)

// preemptible adds a pod that runs on a node and may be preempted. Its name says where.
func (w *world) preemptible(node, cpu string, priority int32, started int64) *corev1.Pod {
	pod := testPod(fmt.Sprintf("r%d", len(w.running))).Label("app", "x").Node(node).Priority(priority).SchedulerName("s").
		Req(map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: "1Gi"}).Obj()
	at := metav1.NewTime(time.Unix(started, 0))
	pod.Status.StartTime = &at
	w.running = append(w.running, pod)
	return pod
}

func (w *world) hasNodes(count int, cpu string) {
	for i := range count {
		w.nodes = append(w.nodes, testNode(fmt.Sprintf("n%d", i), "z", map[corev1.ResourceName]string{
			corev1.ResourceCPU: cpu, corev1.ResourceMemory: "64Gi", corev1.ResourcePods: "110",
		}).Obj())
	}
}

func important(p *st.PodWrapper) { p.Priority(100) }

func (h *harness) makeRoom(t fataler, r RoomRequest) (victims, leaving []string) {
	t.Helper()
	p, _, err := h.planner.MakeRoom(h.ctx, r)
	if err != nil {
		t.Fatalf("making room: %v", err)
	}
	for _, v := range p.Victims {
		victims = append(victims, v.Pod.Name)
	}
	for _, pod := range p.Leaving {
		leaving = append(leaving, pod.Name)
	}
	return victims, leaving
}

// TestMembersThatRepelEachOther: a check of a victim places all of them again, so only some victims can be checked so. The others are
// checked by what they request.
func TestMembersThatRepelEachOther(t *testing.T) {
	h := newHarness(t)
	h.serveRunning()
	w := &world{}
	w.hasNodes(60, "10")
	for i := range 600 {
		w.preemptible(fmt.Sprintf("n%d", i%60), "1", 0, int64(i))
	}
	w.join("a", 50, "1", func(p *st.PodWrapper) { important(p); apart(p) })
	h.set(t, w)
	if victims, _ := h.makeRoom(t, h.roomRequest(w)); len(victims) != 50 {
		t.Errorf("%d victims for 50 members, one on each node", len(victims))
	}
}

// TestVictimsOfOthers: a pod that goes for somebody else does not go a second time, and frees only what is not promised to that one.
func TestVictimsOfOthers(t *testing.T) {
	h := newHarness(t)
	h.serveRunning()
	w := &world{}
	w.hasNodes(1, "2")
	w.preemptible("n0", "1", 0, 1)
	w.preemptible("n0", "1", 0, 2)
	w.join("a", 1, "1", important)
	first := testPod("first").Priority(100).Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1"}).Obj()
	w.nominations = []nomination{{first, "n0"}}
	h.set(t, w)
	r := h.roomRequest(w)
	r.Chosen = Chosen{}
	r.Chosen.Add("n0", "r1", 1)
	victims, leaving := h.makeRoom(t, r)
	if !slices.Equal(victims, []string{"r0"}) || !slices.Equal(leaving, []string{"r1"}) {
		t.Errorf("victims %v, leaving %v", victims, leaving)
	}
}

// TestNearIsAsGoodAsAll compares the search on a few nodes with that on all of them.
func TestNearIsAsGoodAsAll(t *testing.T) {
	h := newHarness(t)
	h.serveRunning()
	settled := 0
	rapid.Check(t, func(t *rapid.T) {
		d := dice(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "") })
		w := &world{}
		w.hasNodes(1+d(6), pick(d, "2", "4"))
		for range d(24) {
			pod := w.preemptible(drawName(d, w), pick(d, "500m", "1", "2"), int32(d(4)), int64(d(5)))
			if d.one(6) {
				pod.Spec.Priority = new(int32(100))
			}
			if d.one(8) {
				pod.Spec.SchedulerName = "another"
			}
			if d.one(8) {
				pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 8080, Protocol: corev1.ProtocolTCP}}
			}
		}
		w.join("a", 1, pick(d, "500m", "1", "2", "3"), func(p *st.PodWrapper) {
			important(p)
			drawLocal(d, p)
		})
		if d.one(3) {
			w.nominations = append(w.nominations, nomination{drawNominated(d, "p"), drawName(d, w)})
		}
		h.set(t, w)
		h.planner.near = 1 + d(2)
		r := h.roomRequest(w)
		if goes := d(4); goes < len(w.running) {
			r.Chosen = Chosen{}
			r.Chosen.Add(w.running[goes].Spec.NodeName, w.running[goes].UID, 1)
		}
		nodes, err := h.snapshot.NodeInfos().List()
		if err != nil {
			t.Fatalf("%v", err)
		}
		team, _ := h.planner.teamFor(h.ctx, r.Task)
		begin := func() *view {
			v, err := h.planner.viewFor(h.ctx, r.Task, team, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			return v
		}
		s, near, sure := begin().searchNear(&r, h.planner)
		if !sure {
			return
		}
		settled++
		if _, all, found := h.planner.searchAll(begin(), &r, nodes); found != (s != nil) || found && near.Rank != all.Rank {
			t.Fatalf("near %+v, all (%v) %+v\n%s", near, found, all, w)
		}
	})
	if settled == 0 {
		t.Error("the search on a few nodes never settled it")
	}
}
