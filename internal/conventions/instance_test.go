package conventions_test

import (
	"maps"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

func TestInstanceOfAPod(t *testing.T) {
	job := conventions.Controller{Kind: "Job", Name: "train-1", UID: "j1"}
	roles := map[string]string{conventions.RoleAnnotation: "a", conventions.RolesAnnotation: `[{"name":"a","min":1},{"name":"b","min":3}]`}
	for _, tc := range []struct {
		name        string
		labels      map[string]string
		annotations map[string]string
		controller  conventions.Controller
		instance    string
		// unnamed is the name of a gang that has no name of its own.
		unnamed string
	}{
		{name: "no controller"},
		{name: "a Job", controller: job, instance: "Job/j1", unnamed: "train-1"},
		{
			name: "labels of a Job", labels: map[string]string{"batch.kubernetes.io/controller-uid": "j1", "batch.kubernetes.io/job-name": "train-1"},
			instance: "Job/j1", unnamed: "train-1",
		},
		{name: "older labels of a Job", labels: map[string]string{"controller-uid": "j1", "job-name": "train-1"}, instance: "Job/j1", unnamed: "train-1"},
		{name: "the name of a Job only", labels: map[string]string{"job-name": "train-1"}, instance: "Job/train-1", unnamed: "train-1"},
		{
			name: "a label of the user's own", labels: map[string]string{"job-name": "mine"},
			controller: conventions.Controller{Kind: "StatefulSet", Name: "db", UID: "s1"}, instance: "StatefulSet/s1", unnamed: "db",
		},
		{
			name: "a Deployment, whichever ReplicaSet", labels: map[string]string{"pod-template-hash": "5f9c"},
			controller: conventions.Controller{Kind: "ReplicaSet", Name: "web-5f9c", UID: "r1"}, instance: "Deployment/web", unnamed: "web",
		},
		{
			name: "a Rollout of Argo", labels: map[string]string{"rollouts-pod-template-hash": "5f9c"},
			controller: conventions.Controller{Kind: "ReplicaSet", Name: "web-5f9c", UID: "r1"}, instance: "Deployment/web", unnamed: "web",
		},
		{name: "a ReplicaSet", controller: conventions.Controller{Kind: "ReplicaSet", Name: "web", UID: "r1"}, instance: "ReplicaSet/r1", unnamed: "web"},
		{
			name:       "a Job of a JobSet",
			labels:     map[string]string{"jobset.sigs.k8s.io/jobset-name": "set", "jobset.sigs.k8s.io/restart-attempt": "2"},
			controller: job, instance: "JobSet/set/2", unnamed: "set",
		},
		{
			name: "a group of a LeaderWorkerSet", labels: map[string]string{
				"leaderworkerset.sigs.k8s.io/name": "llama", "leaderworkerset.sigs.k8s.io/group-index": "1",
				"leaderworkerset.sigs.k8s.io/group-key": "ae58",
			},
			instance: "LeaderWorkerSet/ae58", unnamed: "llama-1",
		},
		{name: "a Ray cluster", labels: map[string]string{"ray.io/cluster": "ray-x"}, instance: "RayCluster/ray-x", unnamed: "ray-x"},
		{name: "a Ray cluster with roles", labels: map[string]string{"ray.io/cluster": "ray-x"}, annotations: roles, instance: "RayCluster/ray-x", unnamed: "ray-x"},
		{name: "the launcher of an MPIJob", labels: map[string]string{"training.kubeflow.org/job-name": "pi"}, controller: job, instance: "Kubeflow/pi", unnamed: "pi"},
		{name: "a Spark application", labels: map[string]string{"spark-app-selector": "spark-1"}, instance: "Spark/spark-1", unnamed: "spark-1"},
		{name: "several roles", annotations: roles, controller: job},
		{name: "a role only", annotations: map[string]string{conventions.RoleAnnotation: "a"}, controller: job},
		{
			name:        "one role",
			annotations: map[string]string{conventions.RoleAnnotation: "a", conventions.RolesAnnotation: `[{"name":"a","min":3}]`},
			controller:  job, instance: "Job/j1", unnamed: "train-1",
		},
		{name: "a pod created by a pod", controller: conventions.Controller{Kind: "Pod", Name: "driver", UID: "d1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			annotations := map[string]string{group: "a"}
			maps.Copy(annotations, tc.annotations)
			if len(tc.annotations) == 0 {
				annotations[size] = "3"
			}
			spec := parse(t, tc.labels, annotations)
			if err := conventions.Identify(spec, conventions.Pod{Labels: tc.labels, Owner: tc.controller}); err != nil || spec.Instance != tc.instance || spec.Name != "a" {
				t.Errorf("instance %q of gang %q, error %v; want %q of gang a", spec.Instance, spec.Name, err, tc.instance)
			}
			if len(tc.annotations) > 0 {
				return
			}
			spec = parse(t, tc.labels, map[string]string{size: "3"})
			switch err := conventions.Identify(spec, conventions.Pod{Labels: tc.labels, Owner: tc.controller}); {
			case tc.unnamed == "" && err == nil:
				t.Errorf("a gang without a name is called %q, want the error that the annotation is missing", spec.Name)
			case tc.unnamed != "" && (err != nil || spec.Name != tc.unnamed):
				t.Errorf("a gang without a name is called %q, error %v; want %q", spec.Name, err, tc.unnamed)
			}
		})
	}
}

func parse(t *testing.T, labels, annotations map[string]string) *gang.Spec {
	t.Helper()
	spec, err := conventions.Parse(conventions.Pod{Labels: labels, Annotations: annotations})
	if err != nil || spec == nil {
		t.Fatalf("Parse: %v, %v", spec, err)
	}
	return spec
}
