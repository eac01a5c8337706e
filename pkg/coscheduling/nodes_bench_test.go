package coscheduling

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// benchMember returns a member of a gang of so many pods. Number counts over all gangs.
func benchMember(number, size int) *st.PodWrapper {
	name := fmt.Sprintf("p%d", number)
	return testPod(name).SchedulerName(testProfileName).
		Req(map[corev1.ResourceName]string{"cpu": "1500m", "memory": "3Gi", "nvidia.com/gpu": "1"}).
		CreationTimestamp(metav1.NewTime(time.Unix(int64(number/size), 0))).
		Annotations(map[string]string{
			conventions.Coscheduling().GroupAnnotation:        fmt.Sprintf("training-%d", number/size),
			conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(size),
		})
}

// BenchmarkNodes asks about 5,000 nodes with 50,000 pods: gangs of 5, of which each node has two, or gangs of 50. It reports for how long the
// scheduler cannot begin a cycle, and how large the answer is.
func BenchmarkNodes(b *testing.B) {
	for _, size := range []int{5, 50} {
		b.Run(fmt.Sprintf("gangs of %d", size), func(b *testing.B) {
			h := newHarness(b)
			h.plugins.Attach(h.ctx, h.sched)
			for i := range 5000 {
				node := fmt.Sprintf("node-%04d", i)
				h.sched.Cache.AddNode(klog.Background(), st.MakeNode().Name(node).
					Label(corev1.LabelTopologyZone, fmt.Sprintf("zone-%d", i%3)).
					Capacity(map[corev1.ResourceName]string{"cpu": "32", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "16"}).Obj())
				for j := range 10 {
					pod := benchMember(10*i+j, size).Node(node).StartTime(metav1.Now()).Obj()
					if err := h.sched.Cache.AddPod(klog.Background(), pod); err != nil {
						b.Fatal(err)
					}
					h.plugins.ledger.Observe(pod)
				}
			}
			nodes := h.plugins.questions.Load().nodes
			var locked []time.Duration
			bytes := 0
			for b.Loop() {
				began := time.Now()
				seen, err := nodes.Look(h.ctx)
				if err != nil {
					b.Fatal(err)
				}
				locked = append(locked, time.Since(began))
				text, err := json.Marshal(seen.Answer())
				if err != nil {
					b.Fatal(err)
				}
				bytes = len(text)
			}
			slices.Sort(locked)
			b.ReportMetric(float64(locked[len(locked)/2].Microseconds())/1000, "locked-p50-ms")
			b.ReportMetric(float64(locked[len(locked)*99/100].Microseconds())/1000, "locked-p99-ms")
			b.ReportMetric(float64(bytes), "bytes")
		})
	}
}

// BenchmarkOrder asks for the order of 10,000 gangs of 5 that wait, without queues and with 20.
func BenchmarkOrder(b *testing.B) {
	for _, queues := range []int{0, 20} {
		b.Run(fmt.Sprintf("%d queues", queues), func(b *testing.B) {
			h := newHarness(b)
			if queues > 0 {
				var config queue.Config
				for i := range queues {
					q := queue.NewQueue(fmt.Sprintf("queue-%d", i))
					q.Weight = float64(1 + i%3)
					config.Queues = append(config.Queues, q)
				}
				h.plugins.ledger.Configure(&config, nil, []*corev1.Node{st.MakeNode().Name("n").
					Capacity(map[corev1.ResourceName]string{"cpu": "1000", "memory": "4Ti", "nvidia.com/gpu": "1000"}).Obj()})
			}
			for i := range 50_000 {
				pod := benchMember(i, 5)
				if queues > 0 {
					pod.Annotation(conventions.QueueAnnotation, fmt.Sprintf("queue-%d", i/5%queues))
				}
				h.plugins.ledger.Observe(pod.Obj())
			}
			for b.Loop() {
				if order := h.plugins.Order(""); len(order.Items) != 10_000 {
					b.Fatalf("%d gangs wait", len(order.Items))
				}
			}
		})
	}
}
