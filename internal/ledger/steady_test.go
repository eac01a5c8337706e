package ledger_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// annotatedPod is a pod for our scheduler. All such pods have the same creation time.
func annotatedPod(name, version string, annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: version, Annotations: annotations,
			CreationTimestamp: metav1.NewTime(time.Unix(1000, 0)),
		},
		Spec: corev1.PodSpec{SchedulerName: "kubenexus-scheduler"},
	}
}

// said lists the events in the decisions with their pods.
func said(decisions []gang.Decision) []string {
	var all []string
	for _, d := range decisions {
		if notify, ok := d.(gang.Notify); ok {
			for _, ref := range notify.Members {
				all = append(all, ref.Name+": "+events.Sentence(notify.Explanation))
			}
		}
	}
	return all
}

// TestEventsDoNotDependOnTheOrderOfPods checks that the same pods get the same events in the same order, for any order of
// observation.
func TestEventsDoNotDependOnTheOrderOfPods(t *testing.T) {
	var pods []*corev1.Pod
	for i := range 4 {
		pods = append(pods, annotatedPod(fmt.Sprintf("bad-%d", i), "1", map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name": "bad", "pod-group.scheduling.sigs.k8s.io/min-available": "x",
			conventions.TimeoutAnnotation: "x", conventions.ReservationTimeoutAnnotation: "x",
		}))
		for j := range 2 {
			pods = append(pods, annotatedPod(fmt.Sprintf("member-%d-%d", i, j), "1", map[string]string{
				"pod-group.scheduling.sigs.k8s.io/name":          fmt.Sprintf("gang-%d", i),
				"pod-group.scheduling.sigs.k8s.io/min-available": "9",
			}))
		}
	}
	first := ""
	rapid.Check(t, func(t *rapid.T) {
		clock := testingclock.NewFakePassiveClock(time.Unix(1000, 0))
		l := ledger.New(clock)
		l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{Timeout: 10 * time.Second})
		for _, pod := range rapid.Permutation(pods).Draw(t, "pods") {
			l.Observe(pod)
		}
		clock.SetTime(time.Unix(1002, 0))
		now := fmt.Sprintf("%q", said(l.Tick()))
		if first == "" {
			first = now
		}
		if now != first {
			t.Fatalf("first events\n%s\nother events\n%s", first, now)
		}
	})
}

// TestPodWithTwoProblemsGetsOneEvent checks that a pod with several invalid annotations gets one event for one of them, however
// often it is observed.
func TestPodWithTwoProblemsGetsOneEvent(t *testing.T) {
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1000, 0)))
	l.Serve("kubenexus-scheduler", "Coscheduling", ledger.Defaults{})
	var all []string
	for version := range 100 {
		l.Observe(annotatedPod("bad", fmt.Sprint(version+1), map[string]string{
			"pod-group.scheduling.sigs.k8s.io/name": "bad", "pod-group.scheduling.sigs.k8s.io/min-available": "2",
			conventions.TimeoutAnnotation: "soon", conventions.ReservationTimeoutAnnotation: "later",
		}))
		all = append(all, said(l.Tick())...)
	}
	if len(all) != 1 {
		t.Errorf("%d events for the pod, want 1: %q", len(all), all)
	}
}
