package coscheduling

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// BenchmarkWhatIf asks about a gang of 100 in a cluster of 5,000 nodes with 8 CPUs, each with a pod of 4 CPUs. It reports the 50th and 99th
// percentile of the time that an answer takes.
func BenchmarkWhatIf(b *testing.B) {
	for _, tc := range []struct {
		name     string
		cpu      string
		priority int32
		want     answers.Outcome
	}{
		{"starts", "4", 0, answers.Starts},
		{"starts after preemption", "8", 10, answers.StartsAfterPreemption},
		{"waits", "8", 0, answers.Waits},
	} {
		b.Run(tc.name, func(b *testing.B) {
			const nodes = 5000
			h := newHarness(b)
			h.plugins.Attach(h.ctx, h.sched)
			for i := range nodes {
				node := fmt.Sprintf("n%d", i)
				h.sched.Cache.AddNode(klog.Background(), st.MakeNode().Name(node).
					Capacity(map[corev1.ResourceName]string{"cpu": "8", "memory": "64Gi", "pods": "110"}).Obj())
				pod := testPod(node).SchedulerName(testProfileName).Node(node).Req(map[corev1.ResourceName]string{"cpu": "4"}).
					StartTime(metav1.Now()).Obj()
				if err := h.sched.Cache.AddPod(klog.Background(), pod); err != nil {
					b.Fatal(err)
				}
				h.plugins.ledger.Observe(pod)
			}
			pods := make([]*corev1.Pod, 100)
			for i := range pods {
				name := fmt.Sprintf("what-if/%d", i)
				pods[i] = testPod(name).SchedulerName(testProfileName).Priority(tc.priority).Req(map[corev1.ResourceName]string{"cpu": tc.cpu}).
					Annotations(map[string]string{
						conventions.Coscheduling().GroupAnnotation: "asked", conventions.Coscheduling().MinAvailableAnnotation: "100",
					}).CreationTimestamp(metav1.Now()).Obj()
				pods[i].UID = types.UID(name)
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				forecast, err := h.plugins.WhatIf(h.ctx, pods)
				took = append(took, time.Since(began))
				if err != nil || forecast.Outcome != tc.want {
					b.Fatalf("%v, %+v", err, forecast)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
