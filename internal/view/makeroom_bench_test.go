package view

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// crowdedWorld returns nodes that are full: on each are ten pods of one CPU, with priorities from 0 up to below levels.
func crowdedWorld(nodes, levels int) *world {
	r := rand.New(rand.NewPCG(1, 2))
	w := &world{}
	for i := range nodes {
		name := fmt.Sprintf("n%d", i)
		w.nodes = append(w.nodes, testNode(name, fmt.Sprintf("z%d", i%3), map[corev1.ResourceName]string{
			corev1.ResourceCPU: "10", corev1.ResourceMemory: "64Gi", corev1.ResourcePods: "110",
		}).Obj())
		for k := range 10 {
			pod := testPod(fmt.Sprintf("r%d-%d", i, k)).Label("app", "x").Node(name).Priority(int32(r.IntN(levels))).
				Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1", corev1.ResourceMemory: "1Gi"}).SchedulerName("s").Obj()
			started := metav1.NewTime(time.Unix(int64(r.IntN(1_000_000)), 0))
			pod.Status.StartTime = &started
			w.running = append(w.running, pod)
		}
	}
	return w
}

// serveRunning makes the ledger know the profile of the running pods.
func (h *harness) serveRunning() {
	for _, c := range conventions.All() {
		h.planner.Ledger.Serve("s", c.Name, ledger.Defaults{})
	}
}

// roomRequest is what the preemption would ask for the gang of the world.
func (h *harness) roomRequest(w *world) RoomRequest {
	task := w.task()
	return RoomRequest{Task: task, Taker: h.planner.Ledger.TakerFor(task, w.members[0]), Now: time.Unix(2_000_000, 0)}
}

// BenchmarkMakeRoom chooses victims on full nodes with ten pods each, with all default plugins.
func BenchmarkMakeRoom(b *testing.B) {
	for _, bench := range []struct {
		name    string
		nodes   int
		levels  int
		victims int // 0 if the gang cannot be placed
		gang    func(w *world)
	}{
		{"one pod", 1000, 1, 1, func(w *world) { w.join("a", 1, "1", important) }},
		{"one pod", 5000, 1, 1, func(w *world) { w.join("a", 1, "1", important) }},
		{"one pod, 10 priorities", 5000, 10, 1, func(w *world) { w.join("a", 1, "1", important) }},
		{"one pod, nothing is lower", 5000, 1, 0, func(w *world) {
			w.join("a", 1, "1", func(p *st.PodWrapper) { p.Priority(0) })
		}},
		{"gang of 100", 5000, 1, 100, func(w *world) { w.join("a", 100, "1", important) }},
		{"gang of 1000", 5000, 1, 1000, func(w *world) { w.join("a", 1000, "1", important) }},
		{"gang of 1000, 10 priorities", 5000, 10, 1000, func(w *world) { w.join("a", 1000, "1", important) }},
		{"gang of 1000, 2 victims each", 5000, 10, 2000, func(w *world) { w.join("a", 1000, "2", important) }},
		{"gang of 4000", 5000, 1, 4000, func(w *world) { w.join("a", 4000, "1", important) }},
		{"gang of 4000, 10 priorities", 5000, 10, 4000, func(w *world) { w.join("a", 4000, "1", important) }},
		{"gang of 6000 whole nodes", 5000, 1, 0, func(w *world) { w.join("a", 6000, "10", important) }},
		{"gang on no such node", 5000, 1, 0, func(w *world) {
			w.join("a", 1000, "1", func(p *st.PodWrapper) { important(p); p.NodeSelector(map[string]string{"no": "such"}) })
		}},
		{"gang of 6000 apart", 5000, 1, 0, func(w *world) {
			w.join("a", 6000, "1", func(p *st.PodWrapper) { important(p); apart(p) })
		}},
		{"gang of 100 apart", 5000, 1, 100, func(w *world) {
			w.join("a", 100, "1", func(p *st.PodWrapper) { important(p); apart(p) })
		}},
	} {
		b.Run(fmt.Sprintf("%s/%d", bench.name, bench.nodes), func(b *testing.B) {
			h := newHarness(b)
			h.serveRunning()
			w := crowdedWorld(bench.nodes, bench.levels)
			bench.gang(w)
			h.set(b, w)
			r := h.roomRequest(w)
			b.ReportAllocs()
			before := used()
			for b.Loop() {
				p, found, err := h.planner.MakeRoom(h.ctx, r)
				if err != nil || found != (bench.victims > 0) || len(p.Victims) != bench.victims {
					b.Fatalf("found %v, %d victims, %v", found, len(p.Victims), err)
				}
			}
			b.ReportMetric(float64((used()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

// used returns how much CPU time this process has used. Other work on the machine changes it less than the time that passes.
func used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
