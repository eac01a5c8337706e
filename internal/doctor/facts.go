package doctor

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Read is something that was read, or why it could not be.
type Read[T any] struct {
	Value T
	Err   error
}

// Facts are what was read from a cluster.
type Facts struct {
	Now time.Time
	// Schedulers are the schedulerNames that the scheduler serves.
	Schedulers []string
	// Namespace is where the scheduler is installed, Lease the name of its lease there, and ServiceAccount who it is to the API server.
	Namespace, Lease, ServiceAccount string
	// Command is the version of this command, and Server that of the API server.
	Command string
	Server  Read[string]
	// Holder is the lease; nil if there is none.
	Holder Read[*coordinationv1.Lease]
	// Deployments and Pods of the scheduler.
	Deployments Read[[]appsv1.Deployment]
	Replicas    Read[[]corev1.Pod]
	// UserRights and SchedulerRights are in the order of those asked for.
	UserRights, SchedulerRights Read[[]bool]
	// UserNamespace is the one in which the user's rights were asked for.
	UserNamespace string
	// QueuesName is the ConfigMap with the queues. Its error may be a queueconfig.Problems.
	QueuesName string
	Queues     Read[Queues]
	// Pods are those of all namespaces, or of OnlyNamespace if it is set, because the user may not list more.
	Pods          Read[[]*corev1.Pod]
	OnlyNamespace string
	Priorities    Read[[]schedulingv1.PriorityClass]
	// Policies are the names of the ValidatingAdmissionPolicies, Bound those that are bound.
	Policies, Bound Read[[]string]
	// Groups are the PodGroups of other schedulers.
	Groups []Groups
}

// Queues is the configuration of the queues.
type Queues struct {
	Config queue.Config
	// Configured is false without a ConfigMap: then there is one queue.
	Configured bool
}

// Groups are the PodGroups of another scheduler. Count is -1 if the API server does not have the kind.
type Groups struct {
	Product, Path string
	Count         Read[int]
}

// ForeignGroups returns the kinds of PodGroups that are looked for.
func ForeignGroups() []Groups {
	return []Groups{
		{Product: "scheduler-plugins", Path: "/apis/scheduling.x-k8s.io/v1alpha1/podgroups"},
		{Product: "scheduler-plugins (or Koordinator)", Path: "/apis/scheduling.sigs.k8s.io/v1alpha1/podgroups"},
		{Product: "Volcano", Path: "/apis/scheduling.volcano.sh/v1beta1/podgroups"},
		{Product: "KAI", Path: "/apis/scheduling.run.ai/v2alpha2/podgroups"},
	}
}
