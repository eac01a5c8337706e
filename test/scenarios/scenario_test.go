package scenarios

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestScenarios runs every file in testdata, in a namespace named after the file and on nodes of its own. A file is a
// list of verbs with arguments, each followed by what it prints; the verbs are the methods of scenario named in do.
func TestScenarios(t *testing.T) {
	args := []string{
		"--kubeconfig=" + suite.plane.Kubeconfig(), "--leader-elect=false", "-v=4",
		"--authorization-always-allow-paths=/livez,/readyz,/metrics",
	}
	scheduler := startScheduler(t, args...)
	restart := func() {
		scheduler.Kill()
		scheduler = startScheduler(t, args...)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in testdata: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			s := newScenario(t, name)
			s.restart = restart
			s.metrics = func() string {
				_, text := scheduler.Get("metrics", "")
				return text
			}
			s.awaitNodes(ours)
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				out, err := s.do(d)
				if err != nil {
					t.Fatalf("%s: %s: %v", d.Pos, d.Cmd, err)
				}
				return out
			})
		})
	}
}

// patience is how long a scenario waits for what it expects to see. Conditions are written again after 30 s at the latest.
const patience = 45 * time.Second

// ours is the schedulerName of this project's scheduler.
const ours = "kubenexus-scheduler"

// scenario is a namespace and some nodes, which go when the test ends.
type scenario struct {
	t         *testing.T
	ctx       context.Context
	namespace string
	// namespaces are all that the scenario uses.
	namespaces []string
	// restart kills the scheduler with -9 and starts another.
	restart func()
	// metrics asks the scheduler for its metrics.
	metrics func() string
	// probes is how many pods were made to ask the scheduler something.
	probes int
	// configured is true once the scenario has configured queues.
	configured bool
}

func newScenario(t *testing.T, name string) *scenario {
	t.Helper()
	s := &scenario{t: t, ctx: t.Context(), namespace: name}
	s.createNamespace(name)
	t.Cleanup(s.clean)
	return s
}

// awaitNodes waits until the scheduler knows of as many nodes as there are: not of those of an earlier scenario, and of all that are
// new. It says so of a pod, of a new one each time: a node that goes wakes none that waits. The pod fits no node, or it might be
// bound to one that is gone already.
func (s *scenario) awaitNodes(scheduler string) {
	s.t.Helper()
	nodes, err := suite.client.CoreV1().Nodes().List(s.ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	count := fmt.Sprintf("0/%d nodes are available", len(nodes.Items))
	if len(nodes.Items) == 0 {
		count = "no nodes available"
	}
	pods := suite.client.CoreV1().Pods(s.namespace)
	process.Within(s.t, patience, "the scheduler to see the nodes as they are", func() (bool, string) {
		s.probes++
		probe := podSpec{namespace: s.namespace, name: fmt.Sprintf("probe-%d", s.probes), cpu: "1", scheduler: scheduler}.pod()
		probe.Spec.NodeSelector = map[string]string{"example.com/no-node": "has-this"}
		if err := create(s, probe); err != nil {
			s.t.Fatal(err)
		}
		why := s.whyWaits(s.t, probe.Name)
		if err := pods.Delete(s.ctx, probe.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			s.t.Fatal(err)
		}
		return strings.Contains(why, count), why
	})
}

func (s *scenario) createNamespace(name string) {
	s.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	process.Within(s.t, patience, "the namespace, which an earlier run may still be leaving", func() (bool, string) {
		_, err := suite.client.CoreV1().Namespaces().Create(s.ctx, namespace, metav1.CreateOptions{})
		return err == nil, fmt.Sprint(err)
	})
	s.namespaces = append(s.namespaces, name)
	process.Within(s.t, patience, "the namespace's service account", func() (bool, string) {
		_, err := suite.client.CoreV1().ServiceAccounts(name).Get(s.ctx, "default", metav1.GetOptions{})
		return err == nil, fmt.Sprint(err)
	})
}

// clean removes the scenario's pods and every node, and waits until they are gone. The namespaces go in their own time.
func (s *scenario) clean() {
	ctx := context.Background()
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	s.letAllEnd(s.t, "")
	for _, namespace := range s.namespaces {
		if err := suite.client.CoreV1().Pods(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
			s.t.Errorf("deleting the pods in %s: %v", namespace, err)
		}
		process.Within(s.t, patience, "the scenario's pods to be gone", func() (bool, string) {
			pods, err := suite.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
			return err == nil && len(pods.Items) == 0, fmt.Sprint(err)
		})
		if err := suite.client.CoreV1().Namespaces().Delete(ctx, namespace, now); err != nil {
			s.t.Errorf("deleting namespace %s: %v", namespace, err)
		}
	}
	if err := suite.client.CoreV1().Nodes().DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
		s.t.Errorf("deleting nodes: %v", err)
	}
	process.Within(s.t, patience, "the nodes to be gone", func() (bool, string) {
		nodes, err := suite.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		return err == nil && len(nodes.Items) == 0, fmt.Sprint(err)
	})
}

// do runs one verb. What it prints for a verb that waits is what it was waiting for, or else what there is instead.
func (s *scenario) do(d *datadriven.TestData) (string, error) {
	switch d.Cmd {
	case "nodes":
		return s.nodes(d)
	case "pods":
		return s.pods(d)
	case "manifest":
		return s.manifest(d.Input)
	case "annotate", "label":
		return s.annotate(d)
	case "finish":
		return s.finish(d)
	case "kill-scheduler":
		s.restart()
		return "", nil
	case "ungate":
		return s.ungate(d)
	case "delete":
		return s.delete(d)
	case "release":
		return s.release(d)
	case "budget":
		return s.budget(d)
	case "queues":
		return s.queues(d)
	case "priorityclass":
		return s.priorityClass(d)
	case "namespace":
		s.createNamespace(d.CmdArgs[0].Key)
		return "", nil
	case "node-label":
		return s.nodeLabel(d)
	case "cordon":
		return s.cordon(d)
	case "ready":
		return s.ready(d)
	case "metric":
		return s.await(d.Expected, func() (string, error) { return s.metric(d) })
	case "domains":
		return s.await(d.Expected, func() (string, error) { return s.domains(d) })
	case "why":
		return s.await(d.Expected, func() (string, error) { return s.why(d) })
	case "bound":
		return s.await(d.Expected, func() (string, error) { return s.bound(d) })
	case "node-of":
		return s.await(d.Expected, func() (string, error) { return s.nodeOf(d) })
	case "reserved":
		return s.await(d.Expected, func() (string, error) { return s.reserved(d) })
	case "later":
		return "", s.later()
	case "running":
		return s.await(d.Expected, s.running)
	case "ending":
		return s.await(d.Expected, s.ending)
	case "nominated":
		return s.await(d.Expected, s.nominated)
	case "hosts":
		return s.await(d.Expected, s.hosts)
	case "events", "all-events":
		return s.await(d.Expected, func() (string, error) { return s.events(d) })
	case "condition":
		return s.await(d.Expected, func() (string, error) { return s.condition(d) })
	case "waits":
		return s.await(d.Expected, func() (string, error) { return s.waits(d) })
	case "still":
		return s.still(d)
	}
	return "", fmt.Errorf("no such verb: %s", d.Cmd)
}

// await asks until the answer is the expected one, and returns the last answer.
func (s *scenario) await(expected string, ask func() (string, error)) (answer string, err error) {
	process.Poll(patience, func() bool {
		answer, err = ask()
		return err != nil || answer == expected
	})
	return answer, err
}

// still is bound, looked at for a while: that nothing happens cannot be waited for.
func (s *scenario) still(d *datadriven.TestData) (answer string, err error) {
	process.Poll(time.Second, func() bool {
		answer, err = s.bound(d)
		return err != nil || answer != d.Expected
	})
	return answer, err
}

// priorityclass name=N value=V [never]: a priority class, which goes with the scenario. With never, its pods preempt no others.
func (s *scenario) priorityClass(d *datadriven.TestData) (string, error) {
	class := &schedulingv1.PriorityClass{}
	d.ScanArgs(s.t, "name", &class.Name)
	var value int
	d.ScanArgs(s.t, "value", &value)
	class.Value = int32(value)
	if d.HasArg("never") {
		class.PreemptionPolicy = new(corev1.PreemptNever)
	}
	classes := suite.client.SchedulingV1().PriorityClasses()
	s.t.Cleanup(func() { deletePriorityClass(s.t, class.Name) })
	_, err := classes.Create(s.ctx, class, metav1.CreateOptions{})
	s.awaitPriorityClass(class.Name)
	return "", err
}

// awaitPriorityClass waits until the API server accepts pods of a priority class: it knows of a new one a moment later.
func (s *scenario) awaitPriorityClass(name string) {
	s.t.Helper()
	pod := podSpec{namespace: s.namespace, name: "of-a-class", cpu: "1", scheduler: ours, priorityClass: name}.pod()
	process.Within(s.t, patience, "pods of the priority class to be accepted", func() (bool, string) {
		_, err := suite.client.CoreV1().Pods(s.namespace).Create(s.ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil, fmt.Sprint(err)
	})
}

func deletePriorityClass(t *testing.T, name string) {
	t.Helper()
	if err := suite.client.SchedulingV1().PriorityClasses().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
		t.Errorf("deleting priority class %s: %v", name, err)
	}
}

// bound [namespace=N]: per group of pods that share the label "group", how many there are, run and wait.
func (s *scenario) bound(d *datadriven.TestData) (string, error) {
	namespace := s.namespace
	s.maybe(d, "namespace", &namespace)
	pods, err := suite.client.CoreV1().Pods(namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	type tally struct{ all, bound int }
	groups := map[string]tally{}
	for _, pod := range pods.Items {
		group := groups[pod.Labels[groupLabel]]
		group.all++
		if pod.Spec.NodeName != "" {
			group.bound++
		}
		groups[pod.Labels[groupLabel]] = group
	}
	var lines []string
	for name, group := range groups {
		lines = append(lines, fmt.Sprintf("%s: %d of %d\n", name, group.bound, group.all))
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// anyMember hides which of several equal pods did not fit: that is not the same each time.
func anyMember(text string) string { return anyPod.ReplaceAllString(text, "for pod $1-N") }

var anyPod = regexp.MustCompile(`for pod ([a-z]+)-\d+`)

// anyServer hides what upstream says only where the API server has resource claims, and the number of the queue that configureQueues adds.
func anyServer(text string) string {
	text = strings.ReplaceAll(text, " no new claims to deallocate,", "")
	return anyProbe.ReplaceAllString(strings.ReplaceAll(text, ", no new claims to deallocate", ""), "probe-N")
}

var anyProbe = regexp.MustCompile(`probe-\d+`)

// events pod=P [reason=R] [namespace=N]: what the scheduler says about gangs on a pod; all-events has upstream's own events too.
func (s *scenario) events(d *datadriven.TestData) (string, error) {
	var pod, reason string
	d.ScanArgs(s.t, "pod", &pod)
	s.maybe(d, "reason", &reason)
	namespace := s.namespace
	s.maybe(d, "namespace", &namespace)
	list, err := suite.client.EventsV1().Events(namespace).List(s.ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	var lines []string
	for _, e := range list.Items {
		ours := strings.Contains(e.Reason, "Gang") || strings.Contains(e.Reason, "Queue") || d.Cmd == "all-events"
		if e.Regarding.Name != pod || !ours || reason != "" && e.Reason != reason {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s\n", e.Type, e.Reason, anyServer(anyMember(e.Note))))
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// condition pod=P: the pod's phase and its PodScheduled condition.
func (s *scenario) condition(d *datadriven.TestData) (string, error) {
	var name string
	d.ScanArgs(s.t, "pod", &name)
	pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return fmt.Sprintf("%s %s=%s %s: %s\n", pod.Status.Phase, c.Type, c.Status, c.Reason, anyServer(anyMember(c.Message))), nil
		}
	}
	return fmt.Sprintf("%s\n", pod.Status.Phase), nil
}

// maybe scans an argument that may be left out.
func (s *scenario) maybe(d *datadriven.TestData, key string, into any) bool {
	if !d.HasArg(key) {
		return false
	}
	d.ScanArgs(s.t, key, into)
	return true
}
