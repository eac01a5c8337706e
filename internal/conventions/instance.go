package conventions

import (
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Controller is the object that a pod's ownerReferences name as its controller. The zero value means none.
type Controller struct {
	Kind, Name, UID string
}

// Labels that controllers set on the pods of one instance of a template. Sources: the API packages of batch/v1, apps/v1,
// kubernetes-sigs/jobset, kubernetes-sigs/lws, ray-project/kuberay and kubeflow/trainer, and Constants.scala in apache/spark.
const (
	jobSetLabel        = "jobset.sigs.k8s.io/jobset-name"
	jobSetRestartLabel = "jobset.sigs.k8s.io/restart-attempt"
	lwsLabel           = "leaderworkerset.sigs.k8s.io/name"
	lwsGroupLabel      = "leaderworkerset.sigs.k8s.io/group-index"
	lwsKeyLabel        = "leaderworkerset.sigs.k8s.io/group-key"
	rayLabel           = "ray.io/cluster"
	kubeflowLabel      = "training.kubeflow.org/job-name"
	jobLabel           = "batch.kubernetes.io/job-name"
	jobUIDLabel        = "batch.kubernetes.io/controller-uid"
	oldJobLabel        = "job-name"
	oldJobUIDLabel     = "controller-uid"
)

// revisionLabels are the labels with which the controllers of Kubernetes, and Argo's Rollout, distinguish the pods of two versions
// of a template.
func revisionLabels() [3]string {
	return [3]string{"pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash"}
}

// instance distinguishes two gangs that come from one template and therefore have one name.
type instance struct {
	// id is unique in the namespace; empty for a pod that belongs to no instance.
	id string
	// name is the name for users; it names a gang that has no name of its own.
	name string
	// revision is the revision of the controller's template if all pods of the instance have one controller.
	revision string
}

// instanceOf returns the instance of a template that a pod belongs to. The first match decides:
//
//  1. the label of a system whose gangs span several controllers: a JobSet and its restart attempt, a group of a
//     LeaderWorkerSet, a Ray cluster, a Kubeflow job, a Spark application;
//  2. roles: a gang that declares several roles spans all controllers that use its name;
//  3. the pod's controller: a Job, a Deployment (across its ReplicaSets), or any other.
//
// A pod that matches none of these belongs to the gang of its name.
func instanceOf(labels map[string]string, c Controller, spans bool) instance {
	if i := labelledInstance(labels); i.id != "" {
		return i
	}
	if spans {
		return instance{}
	}
	if i := jobInstance(labels, c); i.id != "" {
		return i
	}
	if c.UID == "" || c.Kind == "Pod" { // a pod belongs to the gang of the pod that creates it
		return instance{}
	}
	of := instance{id: c.Kind + "/" + c.UID, name: c.Name}
	for _, label := range revisionLabels() {
		of.revision = firstOf(of.revision, labels[label])
	}
	if deployment, made := strings.CutSuffix(c.Name, "-"+of.revision); made && of.revision != "" && c.Kind == "ReplicaSet" {
		of.id, of.name = "Deployment/"+deployment, deployment
	}
	return of
}

// labelledInstance reads the labels of systems whose gangs span several controllers.
func labelledInstance(labels map[string]string) instance {
	if name := labels[jobSetLabel]; name != "" {
		return instance{id: "JobSet/" + name + "/" + labels[jobSetRestartLabel], name: name}
	}
	if key := labels[lwsKeyLabel]; key != "" {
		return instance{id: "LeaderWorkerSet/" + key, name: groupName(labels, key)}
	}
	if name, group := labels[lwsLabel], labels[lwsGroupLabel]; name != "" && group != "" {
		return instance{id: "LeaderWorkerSet/" + name + "/" + group, name: groupName(labels, name)}
	}
	for _, known := range [...]struct{ kind, label string }{
		{"RayCluster", rayLabel}, {"Kubeflow", kubeflowLabel}, {"Spark", sparkAppLabel},
	} {
		if name := labels[known.label]; name != "" {
			return instance{id: known.kind + "/" + name, name: name}
		}
	}
	return instance{}
}

// groupName is the name for users of a LeaderWorkerSet's group: the name of the group's leader pod.
func groupName(labels map[string]string, otherwise string) string {
	name, group := labels[lwsLabel], labels[lwsGroupLabel]
	if name == "" || group == "" {
		return otherwise
	}
	return name + "-" + group
}

// jobInstance returns the Job that a pod belongs to. The labels without a domain count only for pods without another controller,
// because users set them for other purposes.
func jobInstance(labels map[string]string, c Controller) instance {
	name, uid := labels[jobLabel], labels[jobUIDLabel]
	if c.Kind == "Job" || c.UID == "" {
		name, uid = firstOf(name, labels[oldJobLabel]), firstOf(uid, labels[oldJobUIDLabel])
	}
	if c.Kind == "Job" {
		name, uid = c.Name, c.UID
	}
	switch {
	case uid != "":
		return instance{id: "Job/" + uid, name: firstOf(name, uid)}
	case name != "":
		return instance{id: "Job/" + name, name: name}
	}
	return instance{}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Identify completes the specification with the instance that the pod belongs to. A gang without a name gets the name of its
// instance. The error is a *Problem if there is none.
func Identify(s *gang.Spec, pod Pod) error {
	of := instanceOf(pod.Labels, pod.Owner, spans(s))
	s.Instance, s.Revision = of.id, of.revision
	if s.Name == "" {
		s.Name = of.name
	}
	if s.Name != "" {
		return nil
	}
	for _, d := range All() {
		if d.Name == s.Convention {
			return missing(d.GroupAnnotation, d.MinAvailableAnnotation, d.MinAvailableAnnotation+
				" is set, so set this one too, to a name that all members of the gang share")
		}
	}
	return missing("name", "", "name the gang")
}

// spans reports whether the pod's gang may have members of several controllers: it declares several roles, or the pod has a role
// and leaves the roles to other members.
func spans(s *gang.Spec) bool {
	if s.Roles == nil {
		return s.Role != "" && s.MinAvailable == 0
	}
	return len(s.Roles.List) > 1 || s.Roles.Apart > 0
}
