package view

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// drawCrowd draws pods that run, with all that decides whether they may be preempted and what members fit beside them.
func (w *world) drawCrowd(d dice) {
	for range d(16) {
		pod := w.preemptible(drawName(d, w), pick(d, "500m", "1", "2"), int32(d(4)), int64(d(5)))
		pod.Labels["app"] = pick(d, "a", "b", "x", "y")
		switch d(12) {
		case 6:
			pod.Spec.Priority = new(int32(100))
		case 7:
			pod.Spec.SchedulerName = "another"
		case 8, 9:
			pod.Annotations = map[string]string{conventions.PreemptibleAnnotation: string(gang.NeverPreempted)}
		case 10:
			pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 8080, Protocol: corev1.ProtocolTCP}}
		case 11:
			pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
					{TopologyKey: pick(d, hostKey, zoneKey), LabelSelector: apps(pick(d, "a", "b"))},
				},
			}}
		}
	}
}

// drawMembers draws members of up to two classes that are hard to place.
func (w *world) drawMembers(d dice) {
	classes, priority := 1+d(2), pick(d, int32(1), 2, 3, 100)
	for i := range classes {
		for k, pod := range drawClass(d, i, classes, 1+d(5), d.one(4)) {
			pod.Spec.Priority, pod.Spec.SchedulerName = new(priority), "s"
			pod.Name = fmt.Sprintf("m%d-%d", i, k)
			pod.UID = types.UID(pod.Name)
			w.members = append(w.members, pod)
		}
	}
	w.need = len(w.members) - d(2)*d(len(w.members))
}

// TestNoByCountingIsRight: where counting says that nothing helps, the search with all filters finds nothing.
func TestNoByCountingIsRight(t *testing.T) {
	h := newHarness(t)
	h.serveRunning()
	said := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := dice(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "") })
		w := &world{}
		for i := range 1 + d(6) {
			node := testNode(fmt.Sprintf("n%d", i), fmt.Sprintf("z%d", d(3)), map[corev1.ResourceName]string{
				corev1.ResourceCPU: pick(d, "2", "4"), corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "110",
			}).Obj()
			if d.one(8) {
				delete(node.Labels, zoneKey)
			}
			w.nodes = append(w.nodes, node)
		}
		w.drawCrowd(d)
		w.drawMembers(d)
		queues := d.one(3)
		if d.one(4) {
			w.nominations = append(w.nominations, nomination{drawNominated(d, "p"), drawName(d, w)})
		}
		h.planner.Ledger.Configure(nil, nil, nil)
		if queues {
			h.planner.Ledger.Configure(&queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default)}}, w.running, w.nodes)
		}
		h.set(t, w)
		r := h.roomRequest(w)
		team, _ := h.planner.teamFor(h.ctx, r.Task)
		view := func() *view {
			v, err := h.planner.viewFor(h.ctx, r.Task, team, nil)
			if err != nil {
				t.Fatalf("%v", err)
			}
			return v
		}
		v := view()
		candidates := candidatesOn(v.snapshot, &r)
		candidates.units = h.planner.Ledger.Units(r.Taker, candidates.pods, r.Now)
		tally := v.countUnits(candidates)
		if !queues {
			tally = v.countStanding(h.planner, &r)
		}
		hopeless := tally.hopeless(r.Task.Need, nil)
		v = view()
		s := v.searchRoom(&r, candidates, h.planner.Ledger)
		v.begin()
		all := make([]int, len(candidates.units))
		for i := range all {
			all[i] = i
		}
		if _, fits := s.Plan(all, nil); fits && hopeless {
			t.Fatalf("counting says no, but the gang fits without all units\n%s", w)
		}
		choice, found := s.choose(s.problem(r.Budgets))
		if found && hopeless {
			t.Fatalf("counting says no, but %v would do\n%s", choice.Victims, w)
		} else if len(candidates.units) > 0 && !found {
			said[hopeless]++
		}
	})
	t.Logf("of the answers no, counting gave %d, and only a search %d", said[true], said[false])
	if said[true] == 0 {
		t.Error("counting never said no")
	}
}
