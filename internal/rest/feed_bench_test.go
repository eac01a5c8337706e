package rest

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// jobPod returns a pod as an API server has those of Indexed Jobs.
func jobPod(gang, i int, why string) *corev1.Pod {
	job := fmt.Sprintf("training-%06d", gang)
	uid := types.UID(fmt.Sprintf("8a3bfa4e-5d9c-4f7a-9d6e-%012d", gang*1000+i))
	at := metav1.NewTime(time.Unix(1_700_000_000+int64(gang), 0))
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team-a", Name: fmt.Sprintf("%s-%d-x%04d", job, i, i), UID: uid, ResourceVersion: strconv.Itoa(1 + gang*1000 + i),
			CreationTimestamp: at,
			Labels: map[string]string{
				"app": "training", "batch.kubernetes.io/controller-uid": "job-" + job, "batch.kubernetes.io/job-name": job,
				"controller-uid": "job-" + job, "job-name": job, "batch.kubernetes.io/job-completion-index": strconv.Itoa(i),
			},
			Annotations: map[string]string{
				"pod-group.scheduling.sigs.k8s.io/name": job, "pod-group.scheduling.sigs.k8s.io/min-available": "5",
				"batch.kubernetes.io/job-completion-index": strconv.Itoa(i), "cni.projectcalico.org/podIP": fmt.Sprint("10.0.0.", i),
				"kubenexus.io/queue": "research",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "batch/v1", Kind: "Job", Name: job, UID: types.UID("job-" + job), Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			SchedulerName: "kubenexus-scheduler", Priority: new(int32(0)),
			Containers: []corev1.Container{{Name: "worker", Image: "busybox:1.37", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					corev1.ResourceCPU: apiresource.MustParse("2"), corev1.ResourceMemory: apiresource.MustParse("1Gi"),
					"nvidia.com/gpu": apiresource.MustParse("1"),
				},
			}}},
			Tolerations: []corev1.Toleration{tolerates("node.kubernetes.io/not-ready"), tolerates("node.kubernetes.io/unreachable")},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "GangUnschedulable", LastTransitionTime: at,
			Message: "gang team-a/" + job + " cannot be scheduled yet: 3 of the 5 pods it needs fit; 2 lack cpu" + why,
		}}},
	}
}

// tolerates is what the API server adds to each pod.
func tolerates(key string) corev1.Toleration {
	return corev1.Toleration{
		Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300)),
	}
}

// heap is the memory in use.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers kept
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// benchmarkFeed is a watch of 10,000 gangs of 5 pods. It measures one changed pod; besides, what is kept of each pod, and the first look.
func benchmarkFeed(b *testing.B, brief bool) {
	const gangs, size = 10_000, 5
	before := heap()
	f := newFeed([]string{"kubenexus-scheduler"}, brief)
	for g := range gangs {
		for i := range size {
			f.Set(jobPod(g, i, ""))
		}
	}
	now, bytes := time.Now(), 0
	send := func(c change) error {
		text, err := json.Marshal(c.data)
		bytes += len(text)
		return err
	}
	began := time.Now()
	if err := f.changes(now, send); err != nil {
		b.Fatal(err)
	}
	first := time.Since(began)
	perPod := float64(heap()-before) / (gangs * size)
	sent := bytes
	b.ResetTimer()
	for n := 0; b.Loop(); n++ {
		f.Set(jobPod(n*7919%gangs, n%size, strconv.Itoa(n)))
		if err := f.changes(now, send); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(perPod, "B/pod")
	b.ReportMetric(first.Seconds(), "first-s")
	b.ReportMetric(float64(sent)/1e6, "first-MB")
	runtime.KeepAlive(f)
}

func BenchmarkFeedBrief(b *testing.B) { benchmarkFeed(b, true) }
func BenchmarkFeedWhole(b *testing.B) { benchmarkFeed(b, false) }

// BenchmarkFeedHugeGang is one gang of 5,000 pods of which one changes.
func BenchmarkFeedHugeGang(b *testing.B) {
	f := newFeed([]string{"kubenexus-scheduler"}, true)
	for i := range 5_000 {
		f.Set(jobPod(0, i, ""))
	}
	now := time.Now()
	for n := 0; b.Loop(); n++ {
		f.Set(jobPod(0, n%5_000, strconv.Itoa(n)))
		if err := f.changes(now, func(change) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
