package scenarios

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestGangThatMayNotBeBound: while a policy refuses every bind in a namespace, its gangs are tried after 1, 2, 4 and more seconds, say
// why, and do not count as started. Once the policy is gone they start by themselves.
func TestGangThatMayNotBeBound(t *testing.T) {
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2",
		"--authorization-always-allow-paths=/livez,/readyz,/metrics")
	s := newScenario(t, "refused-binds")
	if err := suite.plane.AddNodes(s.ctx, s.namespace, 3, smallNode); err != nil {
		t.Fatal(err)
	}
	allow := s.refuseBinds(t)
	s.gang("one", 1, 1)
	s.gang("many", 4, 4)
	driver := podSpec{
		namespace: s.namespace, name: "driver-0", scheduler: ours, cpu: "1",
		labels: map[string]string{"spark-app-selector": "app", "spark-role": "driver"},
		annotations: map[string]string{
			"spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi",
		},
	}
	if err := create(s, driver.pod()); err != nil {
		t.Fatal(err)
	}

	const tries, least = 4, 7 * time.Second // 1 s, 2 s and 4 s lie between them
	for _, name := range []string{"one-0", "driver-0"} {
		if first, last := s.refused(t, scheduler, name, tries); last.Sub(first) < least {
			t.Errorf("%d binds of %s were tried within %s, want at least %s", tries, name, last.Sub(first), least)
		}
	}
	for name, need := range map[string]string{
		"one-0": "1 pod it needs", "many-0": "4 pods it needs", "driver-0": "3 pods it needs (2 of them declared)",
	} {
		s.waitsWith(t, name, "could not be bound: a node was found for all of the "+need+", but binding pod ")
		s.waitsWith(t, name, "denied request: nothing is bound here")
	}
	failures := attempts(t, scheduler, "failure")
	if started := attempts(t, scheduler, "success"); started != 0 || failures < 3*(tries-1) {
		t.Errorf("%d attempts count as successes and %d as failures; want none, and all that were made", started, failures)
	}
	if said := s.said(); said["one-0 GangReleased"] != 0 || said["one-0 GangNotBound"] != 1 {
		t.Errorf("events %v, want one that it could not be bound, and none that it starts", said)
	}

	allow()
	s.allBound(t, 6)
	process.Within(t, patience, "three gangs to count as started", func() (bool, string) {
		started := attempts(t, scheduler, "success")
		return started == 3, strconv.Itoa(started)
	})
}

// refuseBinds makes the API server refuse to bind pods in the scenario's namespace, until allow is called.
func (s *scenario) refuseBinds(t *testing.T) (allow func()) {
	t.Helper()
	allow = s.policy(admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods/binding"}},
		admissionv1.Create, "false", "nothing is bound here")
	s.awaitRefusal(t)
	return allow
}

// awaitRefusal waits until the API server follows the policy, which takes a moment. It says so of a bind that is not meant.
func (s *scenario) awaitRefusal(t *testing.T) {
	t.Helper()
	probe := podSpec{namespace: s.namespace, name: "probe", scheduler: "nobody", cpu: "1"}.pod()
	if err := create(s, probe); err != nil {
		t.Fatal(err)
	}
	binding := &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: probe.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"},
	}
	pods := suite.client.CoreV1().Pods(s.namespace)
	process.Within(t, patience, "the policy to refuse binds", func() (bool, string) {
		err := pods.Bind(s.ctx, binding, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsForbidden(err) || apierrors.IsInvalid(err), fmt.Sprint(err)
	})
	if err := pods.Delete(s.ctx, probe.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
}

// refused waits until so many binds of a pod were refused, and returns when the first and the last of them were seen.
func (s *scenario) refused(t *testing.T, scheduler *process.Scheduler, name string, tries int) (first, last time.Time) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^I\d{4} (\S+) .*"Failed to bind pod" pod="` + s.namespace + "/" + name + `"`)
	var lines [][]string
	process.Within(t, patience, fmt.Sprintf("%d binds of %s to be refused", tries, name), func() (bool, string) {
		lines = line.FindAllStringSubmatch(scheduler.Log.String(), -1)
		return len(lines) >= tries, strconv.Itoa(len(lines))
	})
	at := func(i int) time.Time {
		moment, err := time.Parse("15:04:05.000000", lines[i][1])
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	return at(0), at(tries - 1)
}

// attempts is how many attempts to start gangs the scheduler counted.
func attempts(t *testing.T, scheduler *process.Scheduler, status string) int {
	t.Helper()
	code, text := scheduler.Get("metrics", "")
	if code != http.StatusOK {
		t.Fatalf("/metrics says %d %s", code, text)
	}
	_, after, found := strings.Cut(text, fmt.Sprintf("kubenexus_gang_scheduling_attempts_total{status=%q} ", status))
	value, _, _ := strings.Cut(after, "\n")
	n, err := strconv.Atoi(value)
	if !found || err != nil {
		t.Fatalf("attempts that are a %s: %q, %v", status, value, err)
	}
	return n
}
