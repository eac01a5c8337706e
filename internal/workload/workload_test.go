package workload_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// template is the template of a pod, indented as below a field of the specification.
const template = `
  template:
    metadata: {annotations: {a: b}, labels: {app: x}}
    spec: {containers: [{name: c, image: i}]}
`

// summary says of each set what makes it, how many pods it has, and who their controller is.
func summary(sets []workload.Set) string {
	lines := make([]string, len(sets))
	for i, set := range sets {
		lines[i] = fmt.Sprintf("%s in %s: %d", set.Object, set.Namespace, set.Count)
		if set.Indexed {
			lines[i] += " indexed"
		}
		for _, by := range set.Pod.OwnerReferences {
			lines[i] += fmt.Sprintf(" of %s/%s", by.Kind, by.Name)
		}
	}
	return strings.Join(lines, "\n")
}

func TestPodsOfKinds(t *testing.T) {
	for _, test := range []struct{ name, manifest, want string }{
		{"a pod", `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: other}, spec: {containers: [{name: c}]}}`, "Pod/p in other: 1"},
		{
			"JSON",
			`{"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "c"}]}}`,
			"Pod/p in team: 1",
		},
		{"pods of a list need not say that they are", `
apiVersion: v1
kind: PodList
items:
- {metadata: {name: p}, spec: {containers: [{name: c}]}}
- {metadata: {name: q}, spec: {containers: [{name: c}]}}`, "Pod/p in team: 1\nPod/q in team: 1"},
		{
			"a list of several kinds", `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: s}}
- {apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {containers: [{name: c}]}}`,
			"Pod/q in team: 1",
		},
		{
			"a Job has one pod at a time unless it says more",
			"apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:" + template,
			"Job/j in team: 1 of Job/j",
		},
		{"no more pods than completions", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  parallelism: 8\n  completions: 3\n" +
			"  completionMode: Indexed" + template, "Job/j in team: 3 indexed of Job/j"},
		{
			"a Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 3\n  selector: {}" + template,
			"Deployment/d in team: 3 of ReplicaSet/d-0",
		},
		{"one without replicas makes none", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 0" + template, ""},
		{
			"a ReplicaSet", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: r}\nspec:\n  replicas: 3" + template,
			"ReplicaSet/r in team: 3 of ReplicaSet/r",
		},
		{
			"a StatefulSet begins with one", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  replicas: 3" + template +
				"---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: t}\nspec:\n  replicas: 3\n  podManagementPolicy: Parallel" + template,
			"StatefulSet/s in team: 1 of StatefulSet/s\nStatefulSet/t in team: 3 of StatefulSet/t",
		},
		{"two groups of a LeaderWorkerSet", `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: l}
spec:
  replicas: 2
  leaderWorkerTemplate:
    size: 4
    workerTemplate: {spec: {containers: [{name: c}]}}`, "LeaderWorkerSet/l in team: 1 of StatefulSet/l\n" +
			"LeaderWorkerSet/l in team: 3 of StatefulSet/l-0\nLeaderWorkerSet/l in team: 1 of StatefulSet/l\n" +
			"LeaderWorkerSet/l in team: 3 of StatefulSet/l-1"},
		{"an alias", "apiVersion: v1\nkind: Pod\nmetadata: &m {name: p}\nspec: {containers: [*m]}", "Pod/p in team: 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := workload.Parse([]byte(test.manifest), "team")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, summary(workload.Sets(objects))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestExamples reads the examples of the documentation.
func TestExamples(t *testing.T) {
	for file, want := range map[string]string{
		"training-job.yaml":          "Job/training in team: 4 of Job/training",
		"first-gang.yaml":            "Job/first-gang in team: 4 of Job/first-gang",
		"indexed-job/job.yaml":       "Job/sweep in team: 4 indexed of Job/sweep",
		"jobset/jobset.yaml":         "JobSet/fluid in team: 1 indexed of Job/fluid-leader-0\nJobSet/fluid in team: 4 of Job/fluid-workers-0",
		"mpijob/mpijob.yaml":         "MPIJob/pi in team: 1 of MPIJob/pi\nMPIJob/pi in team: 4 of MPIJob/pi",
		"pytorchjob/pytorchjob.yaml": "PyTorchJob/resnet in team: 1 of PyTorchJob/resnet\nPyTorchJob/resnet in team: 3 of PyTorchJob/resnet",
		"leaderworkerset/leaderworkerset.yaml": "LeaderWorkerSet/llama in team: 1 of StatefulSet/llama\n" +
			"LeaderWorkerSet/llama in team: 3 of StatefulSet/llama-0",
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile("../../examples/" + file)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := workload.Parse(text, "team")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, summary(workload.Sets(objects))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLabels are those by which the scheduler finds the gang of a pod.
func TestLabels(t *testing.T) {
	objects, err := workload.Parse([]byte("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:"+template), "team")
	if err != nil {
		t.Fatal(err)
	}
	asked := workload.PodSets(workload.Sets(objects))
	if len(asked) != 1 || asked[0].Count != 1 {
		t.Fatalf("got %v", asked)
	}
	pod := asked[0].Pod
	want := map[string]string{
		"app": "x", "job-name": "j", "controller-uid": "new-job-j",
		"batch.kubernetes.io/job-name": "j", "batch.kubernetes.io/controller-uid": "new-job-j",
	}
	if diff := cmp.Diff(want, pod.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, pod.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if by := pod.OwnerReferences[0]; string(by.UID) != want["controller-uid"] || !*by.Controller {
		t.Errorf("the controller is %v", by)
	}
}

func TestWrongManifests(t *testing.T) {
	job := func(fields string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n" + fields + template
	}
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n---\n"
	bomb := "a: &a [x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'm'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1)
	}
	for _, test := range []struct{ name, manifest, want string }{
		{"nothing", "---\n---\n# a comment\n", "the manifest is empty: it has no object"},
		{"too much", strings.Repeat("#", workload.MaxBytes+1), "the manifest has 1048577 bytes: at most 1048576 can be read"},
		{"too many documents", strings.Repeat("a: b\n---\n", workload.MaxObjects+1), "the manifest has more than 1000 documents: divide it"},
		{"text", "hello", "document 1: it is not an object of Kubernetes"},
		{"no YAML", pod + "a: b: c", "document 2: it is not YAML: mapping values are not allowed"},
		{"a field twice", "a: b\na: c", `document 1: it is not YAML: `},
		{"aliases of aliases", bomb, "document 1: its fields are nested too deep, or its aliases repeat too much"},
		{"an alias of itself", "a: &a [*a]", "document 1: its fields are nested too deep, or its aliases repeat too much"},
		{"no kind", pod + "apiVersion: v1", "document 2, kind: is missing: write the kind of the object, such as Job"},
		{"no version", "kind: Job", "document 1, Job, apiVersion: is missing"},
		{"no name", "{kind: Job, apiVersion: batch/v1}", "document 1, Job, metadata.name: is missing"},
		{"a name that is none", "{kind: Job, apiVersion: batch/v1, metadata: {name: A B}}", "document 1, Job, metadata.name: a lowercase RFC 1123"},
		{"a namespace that is none", "{kind: Job, apiVersion: batch/v1, metadata: {name: a, namespace: ../x}}", "document 1, Job/a, metadata.namespace: a low"},
		{"an unknown kind", "{kind: Tree, apiVersion: example.com/v1, metadata: {name: a}}", "which pods Tree of example.com/v1 makes is not known; known are Pod,"},
		{"a CronJob", "{kind: CronJob, apiVersion: batch/v1, metadata: {name: a}}", "document 1, CronJob/a, kind: a CronJob makes no pods when it is created"},
		{"a misspelled field", job("  paralelism: 3"), "document 1, Job/j, spec.paralelism: unknown field"},
		{"a wrong type", job("  parallelism: many"), "document 1, Job/j, spec.parallelism: a string is not what this field has"},
		{"too many pods", job("  parallelism: 2000000000"), "document 1, Job/j, spec.parallelism: is 2000000000: it can be from 0 to 100000"},
		{"too many together", job("  parallelism: 60000") + "---\n" + job("  parallelism: 60000"), "the objects make 120000 pods: at most 100000"},
		{"less than none", job("  parallelism: -1"), "document 1, Job/j, spec.parallelism: is -1: it can be"},
		{
			"no containers", "{kind: Job, apiVersion: batch/v1, metadata: {name: a}, spec: {template: {}}}",
			"document 1, Job/a, spec.template.spec.containers: is missing: a pod has at least one container",
		},
		{
			"in a list", "{kind: List, apiVersion: v1, items: [{kind: Job, apiVersion: batch/v1, metadata: {name: a}, spec: {x: 1}}]}",
			"document 1, Job/a, items[0].spec.x: unknown field",
		},
		{"a list in a list", "{kind: List, apiVersion: v1, items: [{kind: List, apiVersion: v1}]}", "document 1, List, items[0]: it is a list: write its items"},
		{
			"in the template of a JobSet", "{kind: JobSet, apiVersion: jobset.x-k8s.io/v1alpha2, metadata: {name: a}, spec: {replicatedJobs: [" +
				"{name: w, template: {spec: {template: {spec: {containers: [{nam: c}]}}}}}]}}",
			"document 1, JobSet/a, spec.replicatedJobs[0].template.spec.template.spec.containers[0].nam: unknown field",
		},
		{
			"a replica without a template", "{kind: MPIJob, apiVersion: kubeflow.org/v2beta1, metadata: {name: a}, spec: {mpiReplicaSpecs: {Worker: {}}}}",
			"document 1, MPIJob/a, spec.mpiReplicaSpecs.Worker.template: is missing",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := workload.Parse([]byte(test.manifest), "team")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and the error\n%v\nwant one with\n%s", objects, err, test.want)
			}
		})
	}
}

// TestAllThatIsWrong is said at once.
func TestAllThatIsWrong(t *testing.T) {
	_, err := workload.Parse([]byte("kind: A\n---\nkind: B\n"), "team")
	for _, want := range []string{"document 1, A, apiVersion", "document 2, B, apiVersion"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want also %s", err, want)
		}
	}
	if wrong, ok := errors.AsType[*workload.Error](err); !ok || wrong.Document != 1 || wrong.Field != "apiVersion" {
		t.Errorf("the error has %v", wrong)
	}
}

// FuzzParse shows that no manifest breaks it, and that what it makes of one is within bounds.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"training-job.yaml", "jobset/jobset.yaml", "mpijob/mpijob.yaml", "leaderworkerset/leaderworkerset.yaml"} {
		text, err := os.ReadFile("../../examples/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{}, [], 1, null]"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		objects, err := workload.Parse(manifest, "team")
		if err != nil && (objects != nil || err.Error() == "") {
			t.Errorf("%d objects and the error %v", len(objects), err)
		}
		pods := 0
		for _, set := range workload.Sets(objects) {
			if set.Count < 1 || len(set.Pod.Spec.Containers) == 0 || set.Namespace == "" || set.Pod.Namespace != set.Namespace {
				t.Errorf("the set %v", set)
			}
			pods += set.Count
		}
		if pods > workload.MaxPods {
			t.Errorf("%d pods", pods)
		}
	})
}
