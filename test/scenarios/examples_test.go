package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// workload is a folder of examples: what a user writes and what the user's operator then creates, in created.yaml.
type workload struct {
	folder string
	// pods is how many there are before any runs.
	pods int
	// few nodes are not enough for the gang, enough are; then so many pods run.
	few, enough, bound int
	// then is what is special about it.
	then func(*testing.T, *scenario)
}

// TestWorkloads applies each folder of examples to a cluster that is too small: nothing starts. With enough capacity, all that has to
// start together starts. The operators are not there, so the test creates what they would. The Job and StatefulSet controllers
// are real.
func TestWorkloads(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	for _, w := range []workload{
		{folder: "indexed-job", pods: 4, few: 1, enough: 2, bound: 4, then: indexedJobEnds},
		{folder: "jobset", pods: 5, few: 2, enough: 3, bound: 5},
		{folder: "leaderworkerset", pods: 4, few: 1, enough: 2, bound: 4},
		{folder: "mpijob", pods: 5, few: 1, enough: 2, bound: 4, then: launcherRunsAndLastWorkerFollows},
		{folder: "pytorchjob", pods: 4, few: 1, enough: 2, bound: 4, then: lostWorkerRestartsAll},
		{folder: "raycluster", pods: 4, few: 1, enough: 2, bound: 4, then: autoscaledWorkerJoins},
		{folder: "trainjob", pods: 4, few: 1, enough: 2, bound: 4},
	} {
		t.Run(w.folder, func(t *testing.T) {
			s := newScenario(t, "workload-"+w.folder)
			s.awaitNodes(ours)
			s.addNodes(t, "few", w.few)
			for _, file := range usersFiles(t, w.folder) {
				s.apply(t, exampleObjects(t, w.folder, file)...)
			}
			if w.folder != "indexed-job" { // its controller is real
				s.apply(t, exampleObjects(t, w.folder, "created.yaml")...)
			}
			s.waitForRoom(t, w.pods)
			s.noneBound(t)
			s.addNodes(t, "more", w.enough-w.few)
			s.allBound(t, w.bound)
			if w.then != nil {
				w.then(t, s)
			}
		})
	}
}

// indexedJobEnds: the last two tasks start alone, fewer than min-available, because the four that succeeded count.
func indexedJobEnds(t *testing.T, s *scenario) {
	process.Within(t, patience, "all six tasks to succeed", func() (bool, string) {
		job, err := suite.client.BatchV1().Jobs(s.namespace).Get(s.ctx, "sweep", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return job.Status.Succeeded == 6, fmt.Sprintf("%d succeeded, %d active", job.Status.Succeeded, job.Status.Active)
	})
}

// launcherRunsAndLastWorkerFollows: any three workers would be enough, but not instead of the launcher.
func launcherRunsAndLastWorkerFollows(t *testing.T, s *scenario) {
	if n := s.boundLike(t, "training.kubeflow.org/job-role=launcher"); n != 1 {
		t.Errorf("%d launchers run, want 1", n)
	}
	s.addNodes(t, "last", 1)
	s.allBound(t, 5)
}

// lostWorkerRestartsAll: with restart-policy whole-gang, the worker that replaces a lost one does not start alone. The other three
// are evicted, and when the operator has replaced them too, all four start together.
func lostWorkerRestartsAll(t *testing.T, s *scenario) {
	const lost = "resnet-worker-1"
	pods := suite.client.CoreV1().Pods(s.namespace)
	left := func(t *testing.T, what string, are func(names []string) bool) {
		t.Helper()
		process.Within(t, patience, what, func() (bool, string) {
			list, err := pods.List(s.ctx, metav1.ListOptions{})
			var names []string
			for _, pod := range list.Items {
				names = append(names, pod.Name)
			}
			return err == nil && are(names), fmt.Sprint(names, " are left, error ", err)
		})
	}
	process.Within(t, patience, "the workers to run", func() (bool, string) {
		running, err := pods.List(s.ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
		return err == nil && len(running.Items) == 4, fmt.Sprint(len(running.Items), err)
	})
	if err := pods.Delete(s.ctx, lost, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	left(t, "the worker to be gone", func(names []string) bool { return !slices.Contains(names, lost) })
	created := exampleObjects(t, "pytorchjob", "created.yaml")
	// operate creates those pods that are not there, as the operator does. The simulated kubelet deletes by name: it may delete the
	// successor of a pod instead of the pod.
	operate := func(names []string, of ...*unstructured.Unstructured) {
		s.apply(t, slices.DeleteFunc(of, func(pod *unstructured.Unstructured) bool { return slices.Contains(names, pod.GetName()) })...)
	}
	replacement := created[slices.IndexFunc(created, func(pod *unstructured.Unstructured) bool { return pod.GetName() == lost })]
	left(t, "the others to be evicted", func(names []string) bool {
		operate(names, replacement)
		return slices.Equal(names, []string{lost})
	})
	s.noneBound(t)
	left(t, "all four to be there and bound", func(names []string) bool {
		operate(names, slices.Clone(created)...)
		bound, err := s.countBound("")
		return err == nil && bound == 4
	})
}

// autoscaledWorkerJoins: a worker that comes later needs no company.
func autoscaledWorkerJoins(t *testing.T, s *scenario) {
	created := exampleObjects(t, "raycluster", "created.yaml")
	s.apply(t, created[len(created)-1])
	s.addNodes(t, "last", 1)
	s.allBound(t, 5)
}

// TestLeaderThatCreatesItsWorkersWhenItIsReady is a LeaderWorkerSet with startupPolicy LeaderReady: leading is not only for Spark.
func TestLeaderThatCreatesItsWorkersWhenItIsReady(t *testing.T) {
	const folder = "leaderworkerset-leader-ready"
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, folder)
	s.addNodes(t, "few", 1)
	s.apply(t, exampleObjects(t, folder, "leaderworkerset.yaml")...)
	created := exampleObjects(t, folder, "created.yaml")
	leader, workers := created[0], created[1]
	s.apply(t, leader)
	s.waitForRoom(t, 1)
	s.noneBound(t)

	s.addNodes(t, "more", 1)
	s.allBound(t, 1)
	s.apply(t, workers)
	s.allBound(t, 4)
}

// TestSparkExamples submits the Spark examples as they stand and plays the driver.
func TestSparkExamples(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	for _, tc := range []struct {
		folder           string
		executors, batch int
	}{
		{"spark", 10, 10},
		{"spark-operator", 4, 10},
	} {
		t.Run(tc.folder, func(t *testing.T) {
			s := newScenario(t, "example-"+tc.folder)
			s.awaitNodes(ours)
			s.addNodes(t, "few", 2)
			for _, file := range usersFiles(t, tc.folder) {
				s.apply(t, exampleObjects(t, tc.folder, file)...)
			}
			job := &sparkJob{on: s, folder: tc.folder, name: "spark-pi", executors: tc.executors, batch: tc.batch}
			s.submit(t, job)
			s.waitForRoom(t, 1)
			s.noneBound(t)

			s.addNodes(t, "more", 1)
			s.must(t, job.drive)
			s.allBound(t, 1+tc.executors)
		})
	}
}

// TestSparkSubmitMakesTheDriverOfTheExample compares the command lines with the driver and the executors that they are to lead to.
func TestSparkSubmitMakesTheDriverOfTheExample(t *testing.T) {
	driver, executor := examplePod(t, "spark", "driver.yaml"), examplePod(t, "spark", "executor.yaml")
	requests := executor.Spec.Containers[0].Resources.Requests
	for script, want := range map[string]map[string]string{
		"spark-submit.sh":          driver.Annotations,
		"spark-submit-palantir.sh": palantir(10, driver.Spec.Containers[0].Resources.Requests, requests),
	} {
		conf := sparkConf(string(exampleFile(t, "spark", script)))
		got := map[string]string{}
		for key, value := range conf {
			if annotation, found := strings.CutPrefix(key, "spark.kubernetes.driver.annotation."); found {
				got[annotation] = value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: annotations of the driver (-want +got):\n%s", script, diff)
		}
		for key, want := range map[string]string{
			"spark.kubernetes.scheduler.name": driver.Spec.SchedulerName,
			"spark.executor.instances":        "10",
			"spark.executor.cores":            requests.Cpu().String(),
		} {
			if conf[key] != want {
				t.Errorf("%s: %s is %q, want %q", script, key, conf[key], want)
			}
		}
	}
	if diff := cmp.Diff(roles(10, nil, requests), driver.Annotations); diff != "" {
		t.Errorf("the roles are not those of ten such executors (-want +got):\n%s", diff)
	}
}

// TestOperatorsCopyWhatUsersWrite keeps both sides of each example in step: the annotations and the scheduler's name in the pods are
// those that the user wrote.
func TestOperatorsCopyWhatUsersWrite(t *testing.T) {
	for folder, files := range map[string][]string{
		"jobset":                       {"created.yaml"},
		"kueue":                        {"created.yaml"},
		"leaderworkerset":              {"created.yaml"},
		"leaderworkerset-leader-ready": {"created.yaml"},
		"mpijob":                       {"created.yaml"},
		"pytorchjob":                   {"created.yaml"},
		"raycluster":                   {"created.yaml"},
		"spark-operator":               {"driver.yaml", "executor.yaml"},
		"trainjob":                     {"created.yaml"},
	} {
		written, created := forScheduler(t, folder, usersFiles(t, folder)), forScheduler(t, folder, files)
		if diff := cmp.Diff(written, created); diff != "" {
			t.Errorf("%s: what the user wrote and what the operator created (-user +operator):\n%s", folder, diff)
		}
	}
}

// forScheduler is all that objects say about their gang, at whatever depth, each different thing once.
func forScheduler(t *testing.T, folder string, files []string) []string {
	t.Helper()
	found := map[string]bool{}
	for _, file := range files {
		for _, object := range exampleObjects(t, folder, file) {
			collect(object.Object, found)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func collect(value any, found map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			collect(item, found)
		}
	case map[string]any:
		if name, ok := value["schedulerName"]; ok {
			found[fmt.Sprintf("schedulerName: %v", name)] = true
		}
		if annotations, ok := value["annotations"].(map[string]any); ok {
			ours := maps.Clone(annotations)
			maps.DeleteFunc(ours, func(key string, _ any) bool { return !isGangAnnotation(key) })
			if text, err := json.Marshal(ours); err == nil && len(ours) > 0 {
				found[string(text)] = true
			}
		}
		for _, item := range value {
			collect(item, found)
		}
	}
}

func isGangAnnotation(key string) bool {
	return key == nameAnnotation || key == sizeAnnotation || strings.HasPrefix(key, "kubenexus.io/")
}

var confLine = regexp.MustCompile(`--conf '([^=']+)=([^']*)'`)

// sparkConf reads the --conf options of a shell script.
func sparkConf(script string) map[string]string {
	conf := map[string]string{}
	for _, match := range confLine.FindAllStringSubmatch(script, -1) {
		conf[match[1]] = match[2]
	}
	return conf
}

func examplePod(t *testing.T, folder, file string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(exampleFile(t, folder, file), pod); err != nil {
		t.Fatalf("%s/%s: %v", folder, file, err)
	}
	return pod
}

// boundLike counts the bound pods that a label selector finds.
func (s *scenario) boundLike(t *testing.T, selector string) (bound int) {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != "" {
			bound++
		}
	}
	return bound
}
