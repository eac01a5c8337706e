package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
)

// expand finds the pods that the object makes.
func (o *Object) expand() error {
	switch group, _, _ := strings.Cut(o.APIVersion, "/"); group + " " + o.Kind {
	case "v1 Pod":
		return o.pod()
	case "batch Job":
		return o.job()
	case "batch CronJob":
		return o.wrong("kind", "a CronJob makes no pods when it is created: give a Job with its spec.jobTemplate")
	case "apps Deployment":
		return o.deployment()
	case "apps ReplicaSet":
		return o.replicaSet()
	case "apps StatefulSet":
		return o.statefulSet()
	case "apps DaemonSet":
		return o.wrong("kind", "a DaemonSet makes a pod for each node, which is no gang")
	case "jobset.x-k8s.io JobSet":
		return o.jobSet()
	case "leaderworkerset.x-k8s.io LeaderWorkerSet":
		return o.leaderWorkerSet()
	case "v1 Service", "v1 ConfigMap", "v1 Secret", "v1 ServiceAccount", "v1 PersistentVolumeClaim", "v1 Namespace",
		"policy PodDisruptionBudget", "scheduling.k8s.io PriorityClass",
		"resource.k8s.io ResourceClaimTemplate", "resource.k8s.io ResourceClaim":
		return nil // they make no pods, and often come with what does
	case "kubeflow.org PyTorchJob", "kubeflow.org MPIJob", "kubeflow.org TFJob", "kubeflow.org XGBoostJob", "kubeflow.org PaddleJob",
		"kubeflow.org JAXJob":
		return o.kubeflowJob()
	}
	return o.wrong("kind", "which pods %s of %s makes is not known; known are Pod, List, Job, Deployment, ReplicaSet, StatefulSet, "+
		"JobSet, LeaderWorkerSet, and the jobs of kubeflow.org: give its pods as a List", o.Kind, o.APIVersion)
}

// decode reads a part of the object, at a path, strictly: an unknown field is most often a misspelled one.
func (o *Object) decode(path string, text []byte, into any) error {
	unknown, err := kjson.UnmarshalStrict(text, into)
	if err != nil {
		return o.undecodable(path, err)
	}
	if len(unknown) == 0 {
		return nil
	}
	if at, ok := errors.AsType[kjson.FieldError](unknown[0]); ok {
		path = below(path, at.FieldPath())
	}
	what, _, _ := strings.Cut(unknown[0].Error(), " \"")
	return o.wrong(path, "%s", what)
}

// decodeLoosely reads the fields of an object of which only some are known.
func (o *Object) decodeLoosely(into any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(o.JSON, into); err != nil {
		return o.undecodable("", err)
	}
	return nil
}

// ofGo finds the names of Go's types in what its decoder says.
//
//nolint:gochecknoglobals // a constant expression
var ofGo = regexp.MustCompile(`Go (?:struct field|value of type) `)

// undecodable says what is wrong, in the words of the field.
func (o *Object) undecodable(path string, err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return o.wrong(below(path, wrong.Field), "a %s is not what this field has", wrong.Value)
	}
	return o.wrong(path, "%s", ofGo.ReplaceAllString(firstLine(err), ""))
}

func below(path, field string) string {
	if path == "" || field == "" || strings.HasPrefix(field, "[") {
		return path + field
	}
	return path + "." + field
}

// replicas returns a number of pods, 1 without one. It refuses one that no cluster has.
func (o *Object) replicas(field string, given *int32) (int, error) {
	n := 1
	if given != nil {
		n = int(*given)
	}
	if n < 0 || n > MaxPods {
		return 0, o.wrong(field, "is %d: it can be from 0 to %d", n, MaxPods)
	}
	return n, nil
}

func (o *Object) pod() error {
	var pod corev1.Pod
	if err := o.decode("", o.JSON, &pod); err != nil {
		return err
	}
	if err := o.checkSpec("spec", &pod.Spec); err != nil {
		return err
	}
	pod.Namespace = o.Namespace
	pod.Status = corev1.PodStatus{}
	o.add(pod, 1, false)
	return nil
}

// checkSpec refuses a pod that no API server would take: without it the scheduler would be asked about nothing.
func (o *Object) checkSpec(path string, spec *corev1.PodSpec) error {
	if len(spec.Containers) == 0 {
		return o.wrong(path+".containers", "is missing: a pod has at least one container")
	}
	return nil
}

func (o *Object) job() error {
	var job batchv1.Job
	if err := o.decode("", o.JSON, &job); err != nil {
		return err
	}
	count, err := o.podsOfJob("spec", &job.Spec)
	if err != nil {
		return err
	}
	o.add(o.podOfJob(&job.Spec.Template, o.Name, nil), count, isIndexed(&job.Spec))
	return nil
}

// podsOfJob returns how many pods a Job has at once.
func (o *Object) podsOfJob(path string, spec *batchv1.JobSpec) (int, error) {
	if err := o.checkSpec(path+".template.spec", &spec.Template.Spec); err != nil {
		return 0, err
	}
	count, err := o.replicas(path+".parallelism", spec.Parallelism)
	if err != nil || spec.Completions == nil {
		return count, err
	}
	completions, err := o.replicas(path+".completions", spec.Completions)
	return min(count, completions), err
}

func isIndexed(spec *batchv1.JobSpec) bool {
	return spec.CompletionMode != nil && *spec.CompletionMode == batchv1.IndexedCompletion
}

// podOfJob returns a pod with the labels that the API server adds to the template of a Job.
func (o *Object) podOfJob(template *corev1.PodTemplateSpec, job string, more map[string]string) corev1.Pod {
	uid := string(uidOf("Job", job))
	labels := map[string]string{
		batchv1.JobNameLabel: job, batchv1.ControllerUidLabel: uid, "job-name": job, "controller-uid": uid,
	}
	maps.Copy(labels, more)
	return o.made(template, owner{"batch/v1", "Job", job}, labels)
}

// revision is the hash of a template that does not exist yet.
const revision = "0"

func (o *Object) deployment() error {
	var d appsv1.Deployment
	if err := o.decode("", o.JSON, &d); err != nil {
		return err
	}
	return o.replicated(&d.Spec.Template, d.Spec.Replicas, owner{"apps/v1", "ReplicaSet", o.Name + "-" + revision},
		map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: revision})
}

func (o *Object) replicaSet() error {
	var r appsv1.ReplicaSet
	if err := o.decode("", o.JSON, &r); err != nil {
		return err
	}
	return o.replicated(&r.Spec.Template, r.Spec.Replicas, owner{"apps/v1", "ReplicaSet", o.Name}, nil)
}

func (o *Object) statefulSet() error {
	var s appsv1.StatefulSet
	if err := o.decode("", o.JSON, &s); err != nil {
		return err
	}
	if one := int32(1); s.Spec.PodManagementPolicy != appsv1.ParallelPodManagement && (s.Spec.Replicas == nil || *s.Spec.Replicas > 1) {
		s.Spec.Replicas = &one // the second is created when the first is ready
	}
	return o.replicated(&s.Spec.Template, s.Spec.Replicas, owner{"apps/v1", "StatefulSet", o.Name},
		map[string]string{appsv1.ControllerRevisionHashLabelKey: o.Name + "-" + revision})
}

// replicated adds the pods of a controller that has a template and a number of replicas.
func (o *Object) replicated(template *corev1.PodTemplateSpec, replicas *int32, by owner, labels map[string]string) error {
	if err := o.checkSpec("spec.template.spec", &template.Spec); err != nil {
		return err
	}
	count, err := o.replicas("spec.replicas", replicas)
	if err != nil {
		return err
	}
	o.add(o.made(template, by, labels), count, false)
	return nil
}

// template reads a pod template of a kind that is not one of Kubernetes itself.
func (o *Object) template(path string, text json.RawMessage) (*corev1.PodTemplateSpec, error) {
	if len(text) == 0 {
		return nil, o.wrong(path, "is missing: write the template of the pods")
	}
	var template corev1.PodTemplateSpec
	if err := o.decode(path, text, &template); err != nil {
		return nil, err
	}
	if err := o.checkSpec(path+".spec", &template.Spec); err != nil {
		return nil, err
	}
	return &template, nil
}

// item returns the path of an item of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
