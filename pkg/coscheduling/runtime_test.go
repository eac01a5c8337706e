package coscheduling

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// firstSays lets only the first member of a gang say how long it runs.
func firstSays(runtime string) func(*st.PodWrapper) {
	return func(p *st.PodWrapper) {
		if p.Obj().Name[len(p.Obj().Name)-2:] == "-0" {
			runs(runtime)(p)
		}
	}
}

// roleSays lets the first member of a gang say, with its roles, how long the gang runs.
func roleSays(runtime string) func(*st.PodWrapper) {
	return func(p *st.PodWrapper) {
		p.Annotation(conventions.RoleAnnotation, "rank")
		if p.Obj().Name[len(p.Obj().Name)-2:] == "-0" {
			p.Annotation(conventions.RolesAnnotation, fmt.Sprintf(`[{"name":"rank","min":2,"expectedRuntime":%q}]`, runtime))
		}
	}
}

// TestHowLongAGangRunsCountsForAllItsPods: one member says it, or a role, and the gang uses what is set aside for another one, as far as it
// ends in time. That gang waits for one of which only one member says it, too. What-if answers the same.
func TestHowLongAGangRunsCountsForAllItsPods(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	r.members("x", 2, "2", firstSays("1h"))
	eventually(t, "the gang to run", func() bool { return r.started("x-0", "x-1") })
	r.members("a", 2, "4", nil)
	eventually(t, "capacity to be set aside", func() bool { return r.aside("a") == "1 of 2 after gang default/x" })

	f := &forecaster{running: r}
	asks := func(runtime string) answers.Forecast {
		pods := make([]*corev1.Pod, 2)
		for i := range pods {
			p := testPod(fmt.Sprintf("w-%d", i)).SchedulerName(testProfileName).Annotations(map[string]string{
				conventions.Coscheduling().GroupAnnotation: "w", conventions.Coscheduling().MinAvailableAnnotation: "2",
			}).Req(map[corev1.ResourceName]string{"cpu": "1"})
			firstSays(runtime)(p)
			pods[i] = p.Obj()
		}
		return f.ask(pods)
	}
	if got := asks("30m"); got.Outcome != answers.Starts || got.Placed != 2 {
		t.Errorf("a gang that ends in time: %+v", got)
	}
	if got := asks("2h"); got.Outcome != answers.Waits {
		t.Errorf("a gang that runs for too long: %+v", got)
	}
	got, err := r.plugins.WhatIfTried(r.ctx, testNamespace, "a")
	if err != nil || got.Outcome != answers.Waits || got.After != "gang default/x" || got.StartsAt.Sub(got.At).Round(time.Hour) != time.Hour {
		t.Errorf("the gang that waits, error %v: %+v", err, got)
	}

	r.members("too-long", 2, "100m", firstSays("2h"))
	r.members("role-too-long", 2, "100m", roleSays("2h"))
	r.members("unknown", 2, "100m", nil)
	r.members("one", 2, "1", firstSays("30m"))
	r.members("role", 2, "1", roleSays("30m"))
	eventually(t, "those that end in time to run", func() bool { return r.started("one-0", "one-1", "role-0", "role-1") })
	for _, pod := range []string{"too-long-0", "too-long-1", "role-too-long-0", "role-too-long-1", "unknown-0", "unknown-1"} {
		if r.started(pod) {
			t.Errorf("%s may run for too long and uses the capacity", pod)
		}
	}
}
