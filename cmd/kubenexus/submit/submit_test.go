package submit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// run runs the command without a cluster, and returns what it prints.
func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"--server=http://127.0.0.1:1", "--namespace=team"}, args...))
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

const job = `apiVersion: batch/v1
kind: Job
metadata:
  name: training
spec:
  parallelism: 2
  completions: 2
  template:
    metadata:
      annotations:
        pod-group.scheduling.sigs.k8s.io/name: training
        pod-group.scheduling.sigs.k8s.io/min-available: "2"
    spec:
      schedulerName: kubenexus-scheduler
      restartPolicy: Never
      containers:
      - name: main
        image: busybox:1.37
`

func TestDryRunOnTheClient(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: peers}\nspec: {clusterIP: None}\n---\n"
	for name, test := range map[string]struct {
		stdin string
		args  string
		want  string
	}{
		"flags":            {"", "training --image=a --replicas=2", "job.batch/training created (dry run)\n"},
		"torchrun":         {"", "training --image=a --replicas=2 --torchrun -o name", "job.batch/training\nservice/training\n"},
		"a manifest":       {service + job, "-f -", "service/peers created (dry run)\njob.batch/training created (dry run)\n"},
		"a generated name": {strings.Replace(job, "name: training\nspec", "generateName: training-\nspec", 1), "-f - -o name", "job.batch/training-\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, test.stdin, append(strings.Fields(test.args), "--dry-run=client")...)
			if got != test.want || err != nil {
				t.Errorf("got %q and error %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestWhatIsPrintedCanBeSubmitted: -o yaml of the flags is a manifest that means the same.
func TestWhatIsPrintedCanBeSubmitted(t *testing.T) {
	first, err := run(t, "", "training", "--image=a", "--replicas=2", "--cpu=2", "--gpu=1", "--resource=example.com/nic=1", "--env=A=b=c", "--queue=research",
		"--priority-class=high", "--topology-required=rack", "--topology-preferred=zone,region", "--topology-spread=host", "--expected-runtime=2h",
		"--min-available=1", "--dry-run=client", "-o", "yaml", "--", "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"value: b=c", "- sleep", `min-available: "1"`, "topology-preferred: zone,region", "namespace: team", `nvidia.com/gpu: "1"`} {
		if !strings.Contains(first, part) {
			t.Errorf("%s is missing in\n%s", part, first)
		}
	}
	file := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := run(t, "", "-f", file, "--dry-run=client", "-o", "yaml")
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestWhatIsMissing(t *testing.T) {
	without := func(part, instead string) string { return strings.Replace(job, part, instead, 1) }
	for name, test := range map[string]struct{ manifest, want string }{
		"annotations": {
			without("pod-group.scheduling.sigs.k8s.io/name: training\n        pod-group.scheduling.sigs.k8s.io/min-available: \"2\"", "a: b"),
			"the pods of Job/training are no gang: set the annotations pod-group.scheduling.sigs.k8s.io/name and pod-group.",
		},
		"pods":                       {without(`min-available: "2"`, `min-available: "3"`), "gang training needs 3 pods, and the manifest makes 2: lower min-available"},
		"the schedulerName":          {without("schedulerName: kubenexus-scheduler", "schedulerName: other"), `the pods of Job/training have schedulerName "other", which starts them one`},
		"a number":                   {without(`min-available: "2"`, `min-available: "x"`), "the pods of Job/training would not start: annotation pod-group.scheduling"},
		"keys that are read":         {without("pod-group.scheduling.sigs.k8s.io/name: training\n        pod-group.scheduling.sigs.k8s.io/min-available: \"2\"", "scheduling.x-k8s.io/pod-group: a"), "the pods of Job/training would not start: the annotation scheduling.x-k8s.io/pod-group"},
		"agreement":                  {job + "---\n" + strings.ReplaceAll(strings.ReplaceAll(job, "name: training\nspec", "name: other\nspec"), `min-available: "2"`, "min-available: \"3\"\n        kubenexus.io/role: a\n        kubenexus.io/roles: '[{\"name\":\"a\",\"min\":1},{\"name\":\"b\",\"min\":1}]'"), "gang training needs"},
		"any pods":                   {"apiVersion: v1\nkind: Service\nmetadata: {name: peers}\nspec: {clusterIP: None}\n", "the manifest makes no pods"},
		"something that can be read": {"a: b", "-: document 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, test.manifest, "-f", "-", "--dry-run=client")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || got != "" {
				t.Errorf("error %v, want %s; it printed %q", err, test.want, got)
			}
		})
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     "submit takes one NAME, or a manifest (-f); write the container's command after --",
		"a b --image=a":                        "submit takes one NAME, or a manifest (-f); write the container's command after --",
		"a -f x":                               "submit takes a NAME or a manifest (-f), not both",
		"-f x --replicas=2":                    "--replicas is for a Job that submit makes: write it into the manifest",
		"a --image=a -o wide":                  `--output is "wide": it can be json, yaml or name`,
		"a --image=a --dry-run=maybe":          `--dry-run is "maybe": it can be none, client or server`,
		"a --image=a --dry-run=server --wait":  "--wait waits for what was created, and --dry-run creates nothing: use one of them",
		"a --image=a --timeout=1m":             "--timeout is how long --wait waits: set --wait too, and a time above 0",
		"a --image=a --env=A":                  `--env is "A": write it as NAME=VALUE`,
		"A --image=a --cpu=x --dry-run=client": `NAME a lowercase RFC 1123 label`,
		"a --image=a --min-available=2":        "--min-available is 2: it can be from 1 to 1, the number of pods",
		"a --image=a --resource=cpu=x":         `--resource cpu is "x": write a quantity`,
		"a":                                    "--image is missing: name the image of the container",
	} {
		if _, err := run(t, "", strings.Fields(args)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", args, err, want)
		}
	}
}

func TestNoCluster(t *testing.T) {
	out, err := run(t, "", "training", "--image=a")
	if err == nil || !strings.HasPrefix(err.Error(), "reaching the cluster: ") || !strings.Contains(err.Error(), "KUBECONFIG") || out != "" {
		t.Errorf("error %v, and the output %q", err, out)
	}
}

// member returns a pod of gang g of the Job with the UID.
func member(name, job string, change func(*corev1.Pod)) *corev1.Pod {
	controls := true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(time.Unix(100, 0)),
			Annotations: map[string]string{
				"pod-group.scheduling.sigs.k8s.io/name": "g", "pod-group.scheduling.sigs.k8s.io/min-available": "2",
			},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job, UID: types.UID(job), Controller: &controls}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	if change != nil {
		change(p)
	}
	return p
}

func waits(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "2 of 3 fit"}}
}
func placed(p *corev1.Pod) { p.Spec.NodeName = "node" }
func runs(p *corev1.Pod)   { placed(p); p.Status.Phase = corev1.PodRunning }
func ran(p *corev1.Pod)    { placed(p); p.Status.Phase = corev1.PodSucceeded }
func old(p *corev1.Pod)    { runs(p); p.CreationTimestamp = metav1.NewTime(time.Unix(50, 0)) }
func other(p *corev1.Pod)  { runs(p); p.Annotations["pod-group.scheduling.sigs.k8s.io/name"] = "h" }

func TestProgress(t *testing.T) {
	for name, test := range map[string]struct {
		instances int
		pods      []*corev1.Pod
		want      string
		done      bool
	}{
		"no pods":          {1, nil, "gang g: of 2 pods that have to start together, 0 exist, 0 have a node, 0 run", false},
		"pods that wait":   {1, []*corev1.Pod{member("a", "j", waits), member("b", "j", nil)}, "gang g: of 2 pods that have to start together, 2 exist, 0 have a node, 0 run; 2 of 3 fit", false},
		"pods with a node": {1, []*corev1.Pod{member("a", "j", placed), member("b", "j", runs)}, "gang g: of 2 pods that have to start together, 2 exist, 2 have a node, 1 run", false},
		"pods that run":    {1, []*corev1.Pod{member("a", "j", ran), member("b", "j", runs), member("c", "j", waits)}, "gang g: of 2 pods that have to start together, 3 exist, 2 have a node, 2 run", true},
		"an older gang":    {1, []*corev1.Pod{member("a", "i", old), member("b", "i", old)}, "gang g: of 2 pods that have to start together, 0 exist, 0 have a node, 0 run", false},
		"another gang":     {1, []*corev1.Pod{member("a", "j", other), member("b", "j", other)}, "gang g: of 2 pods that have to start together, 0 exist, 0 have a node, 0 run", false},
		"halves of two":    {2, []*corev1.Pod{member("a", "i", runs), member("b", "j", runs), member("c", "j", nil)}, "gang g: of 4 pods that have to start together, 3 exist, 2 have a node, 2 run", false},
		"two":              {2, []*corev1.Pod{member("a", "i", runs), member("b", "i", runs), member("c", "j", runs), member("d", "j", runs)}, "gang g: of 4 pods that have to start together, 4 exist, 4 have a node, 4 run", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := progressOf(awaited{namespace: "team", name: "g", needs: 2, instances: test.instances}, test.pods, time.Unix(100, 0))
			if got := p.String(); got != test.want || p.done() != test.done {
				t.Errorf("got %q, done %t; want %q, done %t", got, p.done(), test.want, test.done)
			}
		})
	}
}

// A pod that succeeded ran, also when its Job was deleted since.
func TestPodsThatAreGone(t *testing.T) {
	e := ended{}
	e.with([]*corev1.Pod{member("a", "j", ran), member("b", "j", runs)})
	left := e.with([]*corev1.Pod{member("c", "j", nil)})
	if len(left) != 2 || left[1].Name != "a" {
		t.Errorf("%d pods, want c and a", len(left))
	}
	if again := e.with(left); len(again) != 2 {
		t.Errorf("%d pods, want each once", len(again))
	}
}

func TestStates(t *testing.T) {
	condition := func(kind, of, status string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"kind": kind, "status": map[string]any{"conditions": []any{
			map[string]any{"type": of, "status": status, "message": "why"},
		}}}}
	}
	phase := func(phase string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"kind": "Pod", "status": map[string]any{"phase": phase, "message": "why"}}}
	}
	for want, objects := range map[state][]*unstructured.Unstructured{
		failed:    {condition("Job", "Failed", "True"), condition("JobSet", "Failed", "True"), phase("Failed")},
		succeeded: {condition("Job", "Complete", "True"), condition("JobSet", "Completed", "True"), condition("PyTorchJob", "Succeeded", "True"), phase("Succeeded")},
		goesOn:    {condition("Job", "Failed", "False"), condition("Pod", "Ready", "True"), phase("Running"), {Object: map[string]any{"kind": "Job"}}},
	} {
		for _, object := range objects {
			got, message := stateOf(object)
			if got != want || got == failed && message != "why" {
				t.Errorf("%v is %d (%s), want %d", object, got, message, want)
			}
		}
	}
}

// TestGangsOfAManifest: a LeaderWorkerSet is several gangs of one name.
func TestGangsOfAManifest(t *testing.T) {
	two := strings.ReplaceAll(job, "training", "second")
	objects, err := workload.Parse([]byte(job+"---\n"+two), "team")
	if err != nil {
		t.Fatal(err)
	}
	gangs, err := check(objects, []string{"kubenexus-scheduler"}, time.Unix(0, 0))
	want := "[{team second 2 1} {team training 2 1}]"
	if got := fmt.Sprint(gangs); got != want || err != nil {
		t.Errorf("%v: got %s, want %s", err, got, want)
	}
}
