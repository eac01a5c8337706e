package view

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// noRoom is a gang that cannot be placed, whatever it preempts. On the nodes are ten pods each, with the priorities 0 to 9.
type noRoom struct {
	name    string
	members int
	cpu     string
	change  func(*st.PodWrapper)
	// crowd changes the pods that run, and node the nodes.
	crowd func(i int, pod *corev1.Pod)
	node  func(i int, node *corev1.Node)
	// queues are configured, and the gang is in the first of them, the pods that run in the second one if crowd does not say otherwise.
	queues []queue.Queue
}

func withPriority(priority int32, more ...func(*st.PodWrapper)) func(*st.PodWrapper) {
	return func(p *st.PodWrapper) {
		p.Priority(priority)
		for _, change := range more {
			change(p)
		}
	}
}

func queueOf(name string, change func(*queue.Queue)) queue.Queue {
	q := queue.NewQueue(name)
	if change != nil {
		change(&q)
	}
	return q
}

func guaranteed(cpus int64) func(*queue.Queue) {
	return func(q *queue.Queue) { q.Guarantee = queue.Amounts{"cpu": cpus * 1000} }
}

func inQueue(name string) func(int, *corev1.Pod) {
	return func(_ int, pod *corev1.Pod) { pod.Annotations = map[string]string{conventions.QueueAnnotation: name} }
}

// noRooms are the reasons why there is no room.
func noRooms() []noRoom {
	with := withPriority
	return []noRoom{
		{name: "nothing is lower", members: 1000, cpu: "1", change: with(0)},
		{name: "what is lower is protected", members: 1000, cpu: "1", change: with(100), crowd: func(_ int, pod *corev1.Pod) {
			pod.Annotations = map[string]string{conventions.PreemptibleAnnotation: string(gang.NeverPreempted)}
		}},
		{name: "one pod, what is lower is protected", members: 1, cpu: "1", change: with(100), crowd: func(_ int, pod *corev1.Pod) {
			pod.Annotations = map[string]string{conventions.PreemptibleAnnotation: string(gang.NeverPreempted)}
		}},
		{name: "too little is lower", members: 6000, cpu: "1", change: with(1)},
		{name: "too few nodes", members: 6000, cpu: "10", change: with(100)},
		{name: "too few on each node", members: 1000, cpu: "9", change: with(5)},
		{name: "one pod, too few on each node", members: 1, cpu: "11", change: with(5)},
		{name: "two classes, too little together", members: 12_000, cpu: "5", change: with(100, func(p *st.PodWrapper) {
			if p.GetLabels()["index"] == "0" {
				p.NodeSelector(map[string]string{hostKey: "n0"})
			}
		})},
		{name: "no such node", members: 1000, cpu: "1", change: with(100, func(p *st.PodWrapper) {
			p.NodeSelector(map[string]string{"no": "such"})
		})},
		{name: "too few such nodes", members: 1000, cpu: "10", change: with(100, func(p *st.PodWrapper) {
			p.NodeAffinityIn(hostKey, []string{"n1", "n2", "n3"}, st.NodeSelectorTypeMatchExpressions)
		})},
		{name: "apart", members: 6000, cpu: "1", change: with(100, apart)},
		{name: "apart by zone", members: 6, cpu: "1", change: with(100, func(p *st.PodWrapper) {
			p.PodAntiAffinity(zoneKey, apps("a"), st.PodAntiAffinityWithRequiredReq)
		})},
		{name: "beside what does not run", members: 1000, cpu: "1", change: with(100, func(p *st.PodWrapper) {
			p.PodAffinity(zoneKey, apps("y"), st.PodAffinityWithRequiredReq)
		})},
		{name: "away from what stays", members: 1000, cpu: "1", change: with(9, func(p *st.PodWrapper) {
			p.PodAntiAffinity(zoneKey, apps("x"), st.PodAntiAffinityWithRequiredReq)
		})},
		{name: "in one zone", members: 3000, cpu: "10", change: with(100, func(p *st.PodWrapper) {
			p.PodAffinity(zoneKey, apps("a"), st.PodAffinityWithRequiredReq)
		})},
		{name: "spread over zones", members: 4900, cpu: "10", change: with(100, evenly), node: func(i int, node *corev1.Node) {
			if i%10 == 0 {
				node.Labels[zoneKey] = "z1"
			}
		}},
		{name: "one port of each node", members: 6000, cpu: "1", change: with(100, func(p *st.PodWrapper) { p.HostPort(8080) })},
		{
			name: "ports that stay", members: 1000, cpu: "1", change: with(1, func(p *st.PodWrapper) { p.HostPort(8080) }),
			crowd: func(i int, pod *corev1.Pod) {
				if i%10 == 0 {
					pod.Spec.Priority = new(int32(9))
					pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 8080, Protocol: corev1.ProtocolTCP}}
				}
			},
		},
		{name: "queue that takes nothing", members: 1000, cpu: "1", change: with(100), queues: []queue.Queue{
			queueOf("a", func(q *queue.Queue) { guaranteed(5000)(q); q.Preemption.Reclaim = queue.NeverReclaim }), queueOf("b", nil),
		}},
		{name: "queue above its guarantee", members: 1000, cpu: "1", change: with(100), queues: []queue.Queue{
			queueOf("a", guaranteed(10)), queueOf("b", guaranteed(50_000)),
		}},
		{
			name: "nothing is lower in the queue", members: 1000, cpu: "1", change: with(0), crowd: inQueue("a"),
			queues: []queue.Queue{queueOf("a", guaranteed(5000)), queueOf("b", nil)},
		},
		{name: "queues give too few", members: 1000, cpu: "1", change: with(100), queues: []queue.Queue{
			queueOf("a", guaranteed(5000)), queueOf("b", guaranteed(49_500)),
		}},
		{
			name: "ten queues give too few", members: 1000, cpu: "1", change: with(100), queues: tenQueues(),
			crowd: func(i int, pod *corev1.Pod) { inQueue(fmt.Sprintf("b%d", i%10))(i, pod) },
		},
		{name: "beyond the limit", members: 1000, cpu: "1", change: with(1), crowd: inQueue("a"), queues: []queue.Queue{
			queueOf("a", func(q *queue.Queue) { q.Limit = queue.Amounts{"cpu": 40_000_000} }), queueOf("b", nil),
		}},
	}
}

func tenQueues() []queue.Queue {
	queues := []queue.Queue{queueOf("a", guaranteed(5000))}
	for i := range 10 {
		queues = append(queues, queueOf(fmt.Sprintf("b%d", i), guaranteed(4950)))
	}
	return queues
}

// set makes the cluster.
func (n noRoom) set(t testing.TB, h *harness) RoomRequest {
	h.serveRunning()
	w := crowdedWorld(5000, 10)
	for i, pod := range w.running {
		if len(n.queues) > 0 {
			inQueue(n.queues[1].Name)(i, pod)
		}
		if n.crowd != nil {
			n.crowd(i, pod)
		}
	}
	for i, node := range w.nodes {
		if n.node != nil {
			n.node(i, node)
		}
	}
	w.join("a", n.members, n.cpu, n.change)
	of := conventions.All()[0]
	for _, m := range w.members {
		m.Spec.SchedulerName = "s"
		m.Annotations = map[string]string{of.GroupAnnotation: "gang", of.MinAvailableAnnotation: fmt.Sprint(len(w.members))}
		if len(n.queues) > 0 {
			m.Annotations[conventions.QueueAnnotation] = n.queues[0].Name
		}
	}
	if len(n.queues) > 0 {
		all := append(append([]*corev1.Pod(nil), w.running...), w.members...)
		for _, pod := range all {
			h.planner.Ledger.Observe(pod)
		}
		h.planner.Ledger.Configure(&queue.Config{Queues: n.queues}, all, w.nodes)
	}
	h.set(t, w)
	return h.roomRequest(w)
}

// BenchmarkNoRoom says for gangs of which most are large that they cannot be placed, with all default plugins.
func BenchmarkNoRoom(b *testing.B) {
	for _, no := range noRooms() {
		b.Run(no.name, func(b *testing.B) {
			h := newHarness(b)
			r := no.set(b, h)
			b.ReportAllocs()
			before := used()
			for b.Loop() {
				if p, found, err := h.planner.MakeRoom(h.ctx, r); err != nil || found {
					b.Fatalf("found %v, %d victims, %v", found, len(p.Victims), err)
				}
			}
			b.ReportMetric(float64((used()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
