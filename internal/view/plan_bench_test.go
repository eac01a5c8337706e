package view

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// benchWorld returns nodes in three zones, with running pods on some of them. Each node takes 8 members, or none if full.
func benchWorld(nodes int, full bool) *world {
	w := &world{placement: gang.Pack}
	for i := range nodes {
		name := fmt.Sprintf("n%d", i)
		w.nodes = append(w.nodes, testNode(name, fmt.Sprintf("z%d", i%3), map[corev1.ResourceName]string{
			corev1.ResourceCPU: "8", corev1.ResourceMemory: "32Gi", corev1.ResourcePods: "110",
		}).Obj())
		res := map[corev1.ResourceName]string{corev1.ResourceCPU: "100m", corev1.ResourceMemory: "100Mi"}
		if full {
			res[corev1.ResourceCPU] = "7500m"
		}
		if full || i%4 == 0 {
			w.running = append(w.running, testPod("r"+name).Label("app", "x").Node(name).Req(res).Obj())
		}
	}
	return w
}

// join adds equal members. change modifies each of them.
func (w *world) join(app string, count int, cpu string, change func(*st.PodWrapper)) {
	for i := range count {
		p := testPod(fmt.Sprintf("%s%d", app, i)).Label("app", app).Label("index", fmt.Sprint(i)).
			Req(map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: "1Gi"})
		if change != nil {
			change(p)
		}
		w.members = append(w.members, p.Obj())
	}
	w.need = len(w.members)
}

func apart(p *st.PodWrapper) {
	p.PodAntiAffinity(hostKey, apps(p.GetLabels()["app"]), st.PodAntiAffinityWithRequiredReq)
}

func evenly(p *st.PodWrapper) {
	p.SpreadConstraint(1, zoneKey, corev1.DoNotSchedule, apps(p.GetLabels()["app"]), nil, nil, nil, nil)
}

// BenchmarkPlan plans gangs with all default plugins. The gangs that do not fit show how long one attempt can occupy the scheduling loop.
func BenchmarkPlan(b *testing.B) {
	for _, bench := range []struct {
		name  string
		nodes int
		full  bool
		fits  bool
		gang  func(w *world)
	}{
		{"equal", 100, false, true, func(w *world) { w.join("a", 700, "1", nil) }},
		{"equal", 1000, false, true, func(w *world) { w.join("a", 1000, "1", nil) }},
		{"equal", 10_000, false, true, func(w *world) { w.join("a", 1000, "1", nil) }},
		{"equal", 100_000, false, true, func(w *world) { w.join("a", 1000, "1", nil) }},
		{"two classes apart", 1000, false, true, func(w *world) { w.join("a", 400, "1", apart); w.join("b", 400, "2", apart) }},
		{"one class apart", 10_000, false, true, func(w *world) { w.join("a", 1000, "1", apart) }},
		{"zone spread", 10_000, false, true, func(w *world) { w.join("a", 1000, "1", evenly) }},
		{"prefer to be apart", 1000, false, true, func(w *world) { w.join("a", 50, "1", preferApart) }},
		{"prefer to be apart", 10_000, false, true, func(w *world) { w.join("a", 1000, "1", preferApart) }},
		{"prefer an even spread", 1000, false, true, func(w *world) { w.join("a", 50, "1", preferEvenly) }},
		{"full", 10_000, true, false, func(w *world) { w.join("a", 1000, "1", nil) }},
		{"rejected everywhere", 10_000, false, false, func(w *world) {
			w.join("a", 1000, "1", func(p *st.PodWrapper) { p.NodeSelector(map[string]string{"no": "such"}) })
		}},
		{"too many of two classes", 10_000, false, false, func(w *world) { w.join("a", 9000, "5", nil); w.join("b", 9000, "4", nil) }},
		{"too many apart", 10_000, false, false, func(w *world) { w.join("a", 10_001, "1", apart) }},
		{"too uneven", 10_000, false, false, func(w *world) {
			for i := range w.nodes { // the third zone takes none
				w.nodes[i].Spec.Unschedulable = i%3 == 2
			}
			w.join("a", 1000, "1", evenly)
		}},
	} {
		b.Run(fmt.Sprintf("%s/%d", bench.name, bench.nodes), func(b *testing.B) {
			h := newHarness(b)
			w := benchWorld(bench.nodes, bench.full)
			bench.gang(w)
			h.set(b, w)
			task := w.task()
			b.ReportAllocs()
			for b.Loop() {
				if p := h.plan(b, task); (p.Finding == nil) != bench.fits {
					b.Fatalf("planned: %v (%+v)", p.Finding == nil, p.Finding)
				}
			}
		})
	}
}
