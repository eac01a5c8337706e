package jobs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// request returns one that is valid, with these changes.
func request(change func(*jobs.Request)) *jobs.Request {
	r := &jobs.Request{Name: "training", Namespace: "team", Image: "busybox:1.37", Replicas: 4, CPU: "2"}
	if change != nil {
		change(r)
	}
	return r
}

func objects(t *testing.T, r *jobs.Request) jobs.Objects {
	t.Helper()
	made, err := r.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func asYAML(t *testing.T, object any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return "\n" + string(text)
}

func TestTheJob(t *testing.T) {
	made := objects(t, request(func(r *jobs.Request) {
		failures := int32(3)
		r.Command, r.Args, r.Env = []string{"train"}, []string{"--fast"}, map[string]string{"B": "2", "A": "1"}
		r.MinAvailable, r.GPU, r.Memory, r.Resources = 3, 8, "1Gi", map[string]string{"ephemeral-storage": "5Gi"}
		r.Queue, r.PriorityClass, r.ExpectedRuntime, r.ActiveDeadline = "research", "high", "2h", "90s"
		r.Topology = jobs.Topology{Required: "example.com/zone", SliceRequired: "example.com/rack", SliceSize: 2}
		r.BackoffLimit, r.SchedulerName = &failures, "batch-scheduler"
	}))
	if made.Service != nil {
		t.Error("it has a Service")
	}
	want := `
apiVersion: batch/v1
kind: Job
metadata:
  name: training
  namespace: team
spec:
  backoffLimit: 3
  completionMode: Indexed
  completions: 4
  parallelism: 4
  podFailurePolicy:
    rules:
    - action: Ignore
      onPodConditions:
      - status: "True"
        type: DisruptionTarget
  template:
    metadata:
      annotations:
        kubenexus.io/expected-runtime: 2h
        kubenexus.io/queue: research
        kubenexus.io/topology-required: example.com/zone
        kubenexus.io/topology-slice-required: example.com/rack
        kubenexus.io/topology-slice-size: "2"
        pod-group.scheduling.sigs.k8s.io/min-available: "3"
        pod-group.scheduling.sigs.k8s.io/name: training
    spec:
      activeDeadlineSeconds: 90
      containers:
      - args:
        - --fast
        command:
        - train
        env:
        - name: A
          value: "1"
        - name: B
          value: "2"
        image: busybox:1.37
        name: main
        resources:
          limits:
            nvidia.com/gpu: "8"
          requests:
            cpu: "2"
            ephemeral-storage: 5Gi
            memory: 1Gi
            nvidia.com/gpu: "8"
      priorityClassName: high
      restartPolicy: Never
      schedulerName: batch-scheduler
status: {}
`
	if diff := cmp.Diff(want, asYAML(t, made.Job)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	made := objects(t, request(func(r *jobs.Request) { r.Replicas = 0 }))
	spec := made.Job.Spec
	if *spec.Completions != 1 || *spec.Parallelism != 1 || spec.Template.Spec.SchedulerName != jobs.DefaultScheduler {
		t.Errorf("got %v", spec)
	}
	if got := spec.Template.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"]; got != "1" {
		t.Errorf("min-available is %q", got)
	}
}

func TestTorchrun(t *testing.T) {
	made := objects(t, request(func(r *jobs.Request) {
		r.Torchrun, r.GPU, r.Env = true, 8, map[string]string{"MASTER_PORT": "1234", "MY": "own"}
	}))
	template := made.Job.Spec.Template
	got := map[string]string{}
	for _, v := range template.Spec.Containers[0].Env {
		got[v.Name] = v.Value
		if v.ValueFrom != nil {
			got[v.Name] = v.ValueFrom.FieldRef.FieldPath
		}
	}
	index := "metadata.annotations['batch.kubernetes.io/job-completion-index']"
	want := map[string]string{
		"MASTER_ADDR": "training-0.training", "MASTER_PORT": "1234", "NNODES": "4", "NODE_RANK": index, "MY": "own",
		"PET_MASTER_ADDR": "training-0.training", "PET_MASTER_PORT": "29500", "PET_NNODES": "4", "PET_NODE_RANK": index,
		"PET_NPROC_PER_NODE": "8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if template.Spec.Subdomain != "training" || template.Annotations["kubenexus.io/restart-policy"] != "whole-gang" {
		t.Errorf("subdomain %q, annotations %v", template.Spec.Subdomain, template.Annotations)
	}
	made.Job.UID = "u"
	jobs.OwnedBy(made.Service, made.Job)
	service := `
apiVersion: v1
kind: Service
metadata:
  name: training
  namespace: team
  ownerReferences:
  - apiVersion: batch/v1
    controller: true
    kind: Job
    name: training
    uid: u
spec:
  clusterIP: None
  ports:
  - name: rendezvous
    port: 29500
    targetPort: 29500
  publishNotReadyAddresses: true
  selector:
    batch.kubernetes.io/job-name: training
status:
  loadBalancer: {}
`
	if diff := cmp.Diff(service, asYAML(t, made.Service)); diff != "" {
		t.Errorf("the Service (-want +got):\n%s", diff)
	}
}

func TestWrongFields(t *testing.T) {
	long := strings.Repeat("x", 64)
	for _, test := range []struct {
		name   string
		change func(*jobs.Request)
		want   string
	}{
		{"no name", func(r *jobs.Request) { r.Name = "" }, "name: is missing: name the Job, such as training"},
		{"a bad name", func(r *jobs.Request) { r.Name = "A b" }, "name: a lowercase RFC 1123 label"},
		{"a name that no Service has", func(r *jobs.Request) { r.Name, r.Torchrun = "1a", true }, "name: a DNS-1035 label"},
		{
			"a name too long for pods", func(r *jobs.Request) { r.Name, r.Replicas = long[:60], 1000 },
			"name: has 60 characters, and the pods' names add 4 to it: at most 63 are possible together",
		},
		{"no image", func(r *jobs.Request) { r.Image = "" }, "image: is missing"},
		{"an image with spaces", func(r *jobs.Request) { r.Image = " a" }, "image: has spaces around it"},
		{"a long image", func(r *jobs.Request) { r.Image = strings.Repeat("x", 2000) }, "image: has 2000 characters"},
		{"a long command", func(r *jobs.Request) { r.Command = make([]string, 1001) }, "command: has 1001 entries"},
		{"a bad variable", func(r *jobs.Request) { r.Env = map[string]string{"A=": ""} }, "env.A=: "},
		{"too many pods", func(r *jobs.Request) { r.Replicas = 1 << 40 }, "replicas: is 1099511627776: it can be from 1 to 100000"},
		{"more than all", func(r *jobs.Request) { r.MinAvailable = 5 }, "minAvailable: is 5: it can be from 1 to 4, the number of pods"},
		{"bad CPU", func(r *jobs.Request) { r.CPU = "two" }, `cpu: is "two": write a quantity, such as 2, 500m or 4Gi`},
		{"less than no memory", func(r *jobs.Request) { r.Memory = "-1" }, `memory: is "-1": write a quantity`},
		{"less than no GPU", func(r *jobs.Request) { r.GPU = -1 }, "gpu: is -1: it can be from 0 to 1024"},
		{
			"CPU twice", func(r *jobs.Request) { r.Resources = map[string]string{"cpu": "1"} },
			"resources.cpu: the request has cpu in another field too: remove one of them",
		},
		{"a bad resource", func(r *jobs.Request) { r.Resources = map[string]string{"a b": "1"} }, "resources.a b: name part"},
		{"a bad queue", func(r *jobs.Request) { r.Queue = "A" }, "queue: annotation kubenexus.io/queue has the value"},
		{"a bad runtime", func(r *jobs.Request) { r.ExpectedRuntime = "soon" }, "expectedRuntime: annotation kubenexus.io/expected-runtime"},
		{"a bad deadline", func(r *jobs.Request) { r.ActiveDeadline = "soon" }, `activeDeadline: is "soon": write a duration from 1s`},
		{"a bad topology", func(r *jobs.Request) { r.Topology.Required = "a b" }, "topology.required: annotation kubenexus.io/topology-required"},
		{
			"a slice without a size", func(r *jobs.Request) { r.Topology.SliceRequired = "rack" },
			"topology.sliceSize: annotation kubenexus.io/topology-slice-size is missing",
		},
		{"a bad class", func(r *jobs.Request) { r.PriorityClass = "A" }, "priorityClass: a lowercase RFC 1123"},
		{"a bad scheduler", func(r *jobs.Request) { r.SchedulerName = "A" }, "schedulerName: a lowercase RFC 1123"},
		{"less than no failures", func(r *jobs.Request) { n := int32(-1); r.BackoffLimit = &n }, "backoffLimit: is -1"},
		{"all at once", func(r *jobs.Request) { r.Name, r.Image, r.CPU = "", "", "x" }, `name: is missing: name the Job, such as training; image: is`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := request(test.change).Objects()
			wrong, ok := errors.AsType[jobs.Invalid](err)
			if !ok || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if fields := strings.Count(test.want, ": is missing"); fields < 2 && test.name != "all at once" && len(wrong) != 1 {
				t.Errorf("%d fields are wrong, want 1: %v", len(wrong), err)
			}
		})
	}
}

// TestThePods are those that the manifest of the Job makes, too.
func TestThePods(t *testing.T) {
	text, err := yaml.Marshal(objects(t, request(nil)).Job)
	if err != nil {
		t.Fatal(err)
	}
	read, err := workload.Parse(text, "other")
	if err != nil {
		t.Fatal(err)
	}
	sets := workload.Sets(read)
	if len(sets) != 1 || sets[0].Count != 4 || !sets[0].Indexed || sets[0].Namespace != "team" {
		t.Errorf("got %v", sets)
	}
}

func TestOfGang(t *testing.T) {
	job := func(name string, annotations map[string]string) batchv1.Job {
		var j batchv1.Job
		j.Name, j.UID, j.Spec.Template.Annotations = name, "u", annotations
		return j
	}
	const group, size = "pod-group.scheduling.sigs.k8s.io/name", "pod-group.scheduling.sigs.k8s.io/min-available"
	all := []batchv1.Job{
		job("named", map[string]string{group: "g", size: "2"}),
		job("g", map[string]string{size: "2"}), // the gang has the Job's name
		job("other", map[string]string{group: "h", size: "2"}),
		job("none", nil),
		job("wrong", map[string]string{group: "g", size: "x"}),
		*objects(t, request(nil)).Job,
	}
	names := func(gang string) (found []string) {
		for _, j := range jobs.OfGang(all, gang) {
			found = append(found, j.Name)
		}
		return found
	}
	if diff := cmp.Diff([]string{"named", "g"}, names("g")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"training"}, names("training")); diff != "" {
		t.Error(diff)
	}
	if got := jobs.GangOf(&all[3]); got != "" {
		t.Errorf("a Job without a gang has the gang %s", got)
	}
}

// FuzzObjects shows that what is accepted can be read by the scheduler, and by what-if.
func FuzzObjects(f *testing.F) {
	f.Add("training", "busybox", "2", "research", "2h", "rack", 4, 4, true)
	f.Add("", " ", "-1", "\x00", "1y", "a b", -1, 1<<40, false)
	f.Fuzz(func(t *testing.T, name, image, cpu, queue, runtime, key string, replicas, minAvailable int, torchrun bool) {
		r := &jobs.Request{
			Name: name, Namespace: "team", Image: image, CPU: cpu, Memory: cpu, Queue: queue, ExpectedRuntime: runtime, ActiveDeadline: runtime,
			Replicas: replicas, MinAvailable: minAvailable, Torchrun: torchrun, Topology: jobs.Topology{Required: key},
			Env: map[string]string{key: image}, Resources: map[string]string{key: cpu}, GPU: minAvailable,
		}
		made, err := r.Objects()
		if err != nil {
			if _, ok := errors.AsType[jobs.Invalid](err); !ok {
				t.Errorf("the error is %T", err)
			}
			return
		}
		if jobs.GangOf(made.Job) != name || made.Job.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
			t.Errorf("the gang %q of the Job %v", jobs.GangOf(made.Job), made.Job)
		}
	})
}
