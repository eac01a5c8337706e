package jobs

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// DefaultScheduler is the scheduler of a request that names none.
	DefaultScheduler = "kubenexus-scheduler"
	gpuResource      = "nvidia.com/gpu"
	containerName    = "main"
	// masterPort is where torchrun's processes meet; the name of the port in the Service is that.
	masterPort = 29500
	portName   = "rendezvous"
)

// Objects are what a request asks for.
type Objects struct {
	Job *batchv1.Job
	// Service gives the pods names to find each other by; nil if they need none. It belongs to the Job: OwnedBy says so.
	Service *corev1.Service
}

// Objects returns what the request asks for. The error is an Invalid if fields are wrong.
func (r *Request) Objects() (Objects, error) {
	c := checker{request: r}
	c.check()
	job := r.job(&c)
	c.checkAnnotations(job.Spec.Template.Annotations)
	if len(c.wrong) > 0 {
		return Objects{}, c.wrong
	}
	objects := Objects{Job: job}
	if r.Torchrun {
		objects.Service = r.service()
	}
	return objects, nil
}

// OwnedBy makes the Service one that is deleted with the Job, which exists.
func OwnedBy(service *corev1.Service, job *batchv1.Job) {
	service.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	service.OwnerReferences[0].BlockOwnerDeletion = nil // it would need the right to change finalizers of Jobs
}

func (r *Request) replicas() int32 { return int32(cmp.Or(r.Replicas, 1)) }

func (r *Request) minAvailable() int { return cmp.Or(r.MinAvailable, int(r.replicas())) }

func (r *Request) job(c *checker) *batchv1.Job {
	indexed, replicas := batchv1.IndexedCompletion, r.replicas()
	job := &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Name: r.Name, Namespace: r.Namespace},
		Spec: batchv1.JobSpec{
			CompletionMode: &indexed, Completions: &replicas, Parallelism: &replicas, BackoffLimit: r.BackoffLimit,
			// A gang that is preempted did not fail.
			PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
				Action: batchv1.PodFailurePolicyActionIgnore,
				OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{
					Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
				}},
			}}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: r.annotations()},
				Spec: corev1.PodSpec{
					SchedulerName:         cmp.Or(r.SchedulerName, DefaultScheduler),
					RestartPolicy:         corev1.RestartPolicyNever,
					PriorityClassName:     r.PriorityClass,
					ActiveDeadlineSeconds: c.seconds("activeDeadline", r.ActiveDeadline),
					Containers: []corev1.Container{{
						Name: containerName, Image: r.Image, Command: r.Command, Args: r.Args, Env: r.env(), Resources: c.resources(),
					}},
				},
			},
		},
	}
	if r.Torchrun {
		job.Spec.Template.Spec.Subdomain = r.Name
	}
	return job
}

// annotations are those of the pods.
func (r *Request) annotations() map[string]string {
	convention := conventions.Coscheduling()
	said := map[string]string{
		convention.GroupAnnotation:                  r.Name,
		convention.MinAvailableAnnotation:           strconv.Itoa(r.minAvailable()),
		conventions.QueueAnnotation:                 r.Queue,
		conventions.ExpectedRuntimeAnnotation:       r.ExpectedRuntime,
		conventions.TopologyRequiredAnnotation:      r.Topology.Required,
		conventions.TopologyPreferredAnnotation:     strings.Join(r.Topology.Preferred, ","),
		conventions.TopologySpreadAnnotation:        r.Topology.Spread,
		conventions.TopologySliceRequiredAnnotation: r.Topology.SliceRequired,
	}
	if r.Topology.SliceSize != 0 {
		said[conventions.TopologySliceSizeAnnotation] = strconv.Itoa(r.Topology.SliceSize)
	}
	if r.Torchrun && r.minAvailable() == int(r.replicas()) {
		// Without one of its processes torchrun cannot go on.
		said[conventions.RestartPolicyAnnotation] = string(gang.WholeGang)
	}
	maps.DeleteFunc(said, func(_, value string) bool { return value == "" })
	return said
}

// env are the variables of the container: those of the request in the order of their names, and those of torchrun.
func (r *Request) env() []corev1.EnvVar {
	var all []corev1.EnvVar
	if r.Torchrun {
		all = r.torchrun()
	}
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		all = append(all, corev1.EnvVar{Name: name, Value: r.Env[name]})
	}
	return all
}

// torchrun returns the variables with which torchrun finds its peers. It reads each of its flags from a variable that begins with PET_; the
// others are for programs that read them.
func (r *Request) torchrun() []corev1.EnvVar {
	nodes, port := strconv.Itoa(int(r.replicas())), strconv.Itoa(masterPort)
	address := r.Name + "-0." + r.Name // the pod with index 0 in the Service
	rank := &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{
		APIVersion: "v1", FieldPath: "metadata.annotations['" + batchv1.JobCompletionIndexAnnotation + "']",
	}}
	all := []corev1.EnvVar{
		{Name: "MASTER_ADDR", Value: address},
		{Name: "MASTER_PORT", Value: port},
		{Name: "NNODES", Value: nodes},
		{Name: "NODE_RANK", ValueFrom: rank},
		{Name: "PET_MASTER_ADDR", Value: address},
		{Name: "PET_MASTER_PORT", Value: port},
		{Name: "PET_NNODES", Value: nodes},
		{Name: "PET_NODE_RANK", ValueFrom: rank},
	}
	if r.GPU > 0 {
		all = append(all, corev1.EnvVar{Name: "PET_NPROC_PER_NODE", Value: strconv.Itoa(r.GPU)})
	}
	return slices.DeleteFunc(all, func(v corev1.EnvVar) bool {
		_, own := r.Env[v.Name]
		return own
	})
}

// service is the headless Service that gives each pod a name. Processes look for each other before they are ready.
func (r *Request) service() *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: r.Name, Namespace: r.Namespace},
		Spec: corev1.ServiceSpec{
			ClusterIP:                corev1.ClusterIPNone,
			PublishNotReadyAddresses: true,
			Selector:                 map[string]string{batchv1.JobNameLabel: r.Name},
			Ports:                    []corev1.ServicePort{{Name: portName, Port: masterPort, TargetPort: intstr.FromInt32(masterPort)}},
		},
	}
}
