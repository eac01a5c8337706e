package coscheduling

import (
	"context"
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
			h := crowded(b)
			pods := make([]*corev1.Pod, 100)
			for i := range pods {
				name := fmt.Sprintf("what-if/%d", i)
				pods[i] = testPod(name).SchedulerName(testProfileName).Priority(tc.priority).Req(map[corev1.ResourceName]string{"cpu": tc.cpu}).
					Annotations(map[string]string{
						conventions.Coscheduling().GroupAnnotation: "asked", conventions.Coscheduling().MinAvailableAnnotation: "100",
					}).CreationTimestamp(metav1.Now()).Obj()
				pods[i].UID = types.UID(name)
			}
			report(b, func() time.Duration {
				began := time.Now()
				forecast, err := h.plugins.WhatIf(h.ctx, pods)
				if err != nil || forecast.Outcome != tc.want {
					b.Fatalf("%v, %+v", err, forecast)
				}
				return time.Since(began)
			})
		})
	}
}

// crowded returns a cluster of 5,000 nodes with 8 CPUs in 50 zones, each with a pod of 4 CPUs.
func crowded(b *testing.B) *harness {
	b.Helper()
	const nodes, zones = 5000, 50
	h := newHarness(b)
	h.plugins.Attach(h.ctx, h.sched)
	for i := range nodes {
		node := fmt.Sprintf("n%d", i)
		h.sched.Cache.AddNode(klog.Background(), st.MakeNode().Name(node).
			Label(corev1.LabelHostname, node).Label(corev1.LabelTopologyZone, fmt.Sprintf("z%d", i%zones)).
			Capacity(map[corev1.ResourceName]string{"cpu": "8", "memory": "64Gi", "pods": "110"}).Obj())
		pod := testPod(node).SchedulerName(testProfileName).Node(node).Req(map[corev1.ResourceName]string{"cpu": "4"}).
			StartTime(metav1.Now()).Obj()
		if err := h.sched.Cache.AddPod(klog.Background(), pod); err != nil {
			b.Fatal(err)
		}
		h.plugins.ledger.Observe(pod)
	}
	return h
}

// report reports the 50th and 99th percentile of the time that something takes, and the longest.
func report(b *testing.B, do func() time.Duration) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		took = append(took, do())
	}
	slices.Sort(took)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(milliseconds(took[len(took)/2]), "p50-ms")
	b.ReportMetric(milliseconds(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
}

// BenchmarkLargestWhatIf asks about 5,000 pods of 64 kinds, which are as many as a question may have. Where it says so, the pods select each
// other by labels, so that each that is placed counts for all kinds. It reports how long the scheduling cycles wait for it, and how
// often it was given up.
func BenchmarkLargestWhatIf(b *testing.B) {
	const kinds, count = 64, 5000
	key := corev1.LabelHostname
	app := func(kind int) *metav1.LabelSelector {
		return st.MakeLabelSelector().Label("app", fmt.Sprintf("a%d", kind)).Obj()
	}
	for _, tc := range []struct {
		name     string
		cpu      string
		priority int32
		change   func(p *st.PodWrapper, kind int)
	}{
		{"start", "50m", 0, nil},
		{"wait", "8", 0, nil},
		{"start after preemption", "5", 10, nil},
		{"repel their kind", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.PodAntiAffinity(key, app(kind), st.PodAntiAffinityWithRequiredReq)
		}},
		{"repel the next kind", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.PodAntiAffinity(key, app((kind+1)%kinds), st.PodAntiAffinityWithRequiredReq)
		}},
		{"are with the next kind", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.PodAffinity(corev1.LabelTopologyZone, app((kind+1)%kinds), st.PodAffinityWithRequiredReq)
		}},
		{"are spread over zones", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.SpreadConstraint(1, corev1.LabelTopologyZone, corev1.DoNotSchedule, app(kind), nil, nil, nil, nil)
		}},
		{"are spread over nodes", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.SpreadConstraint(1, key, corev1.DoNotSchedule, app(kind), nil, nil, nil, nil)
		}},
		{"prefer to be spread", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.SpreadConstraint(1, key, corev1.ScheduleAnyway, app(kind), nil, nil, nil, nil)
		}},
		{"repel each other and preempt", "5", 10, func(p *st.PodWrapper, kind int) {
			p.PodAntiAffinity(key, app(kind), st.PodAntiAffinityWithRequiredReq)
		}},
		{"in one zone", "50m", 0, func(p *st.PodWrapper, _ int) {
			p.Annotation(conventions.TopologyRequiredAnnotation, corev1.LabelTopologyZone)
		}},
		{"in one zone, preempt", "5", 10, func(p *st.PodWrapper, _ int) {
			p.Annotation(conventions.TopologyRequiredAnnotation, corev1.LabelTopologyZone)
		}},
		{"each by its index", "50m", 0, func(p *st.PodWrapper, _ int) {
			p.PodAntiAffinity(key, st.MakeLabelSelector().Label("index", "0").Obj(), st.PodAntiAffinityWithRequiredReq)
		}},
		{"each spread by its index", "50m", 0, func(p *st.PodWrapper, kind int) {
			p.SpreadConstraint(1, key, corev1.DoNotSchedule, app(kind), nil, nil, nil, []string{"index"})
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			h := crowded(b)
			pods := make([]*corev1.Pod, count)
			for i := range pods {
				name, kind := fmt.Sprintf("what-if/%d", i), i%kinds
				p := testPod(name).SchedulerName(testProfileName).Priority(tc.priority).Label("app", fmt.Sprintf("a%d", kind)).
					Label("index", fmt.Sprint(i)).
					Req(map[corev1.ResourceName]string{"cpu": tc.cpu, "memory": fmt.Sprintf("%dMi", 1+kind)}).
					Annotations(map[string]string{
						conventions.Coscheduling().GroupAnnotation: "asked", conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(count),
					}).CreationTimestamp(metav1.Now())
				if tc.change != nil {
					tc.change(p, kind)
				}
				pods[i] = p.Obj()
				pods[i].UID = types.UID(name)
			}
			gaveUp := 0
			q := h.plugins.questions.Load()
			report(b, func() (took time.Duration) {
				err := q.between.Do(h.ctx, time.Now, func(ctx context.Context) {
					began := time.Now()
					_, err := q.whatIf.Ask(ctx, pods)
					took = time.Since(began)
					if ctx.Err() != nil {
						gaveUp++
					} else if err != nil {
						b.Fatal(err)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				return took
			})
			b.ReportMetric(float64(gaveUp)/float64(b.N), "given-up")
		})
	}
}
