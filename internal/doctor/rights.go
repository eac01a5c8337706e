package doctor

import (
	"fmt"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
)

// Right is the right to do something.
type Right struct {
	Verb, Group, Resource, Subresource, Name string
	// Namespaced is for rights that are needed in one namespace only.
	Namespaced bool
	// Path is that of a URL that is no resource.
	Path string
	// For is the command that needs it; empty for the scheduler's own rights.
	For string
}

// String returns the right as in a sentence after "may".
func (r Right) String() string {
	what := r.Path
	if what == "" {
		what = strings.TrimSuffix(r.Resource+"/"+r.Subresource, "/")
		if r.Group != "" {
			what += " of " + r.Group
		}
		if r.Name != "" {
			what += " named " + r.Name
		}
	}
	return r.Verb + " " + what
}

// UserRights returns the rights that the commands need. Those that are Namespaced are needed in the namespace of the user.
func UserRights() []Right {
	return []Right{
		{Verb: "list", Resource: "pods", For: "gangs, explain, doctor", Namespaced: true},
		{Verb: "list", Group: "events.k8s.io", Resource: "events", For: "explain", Namespaced: true},
		{Verb: "list", Resource: "nodes", For: "explain, queues"},
		{Verb: "get", Path: "/kubenexus.io/v1alpha1/gangs", For: "explain, when it asks the scheduler"},
		{Verb: "get", Path: "/kubenexus.io/v1alpha1/queues", For: "explain, when it asks the scheduler"},
		{Verb: "post", Path: "/kubenexus.io/v1alpha1/what-if", For: "what-if, explain"},
		{Verb: "create", Group: "batch", Resource: "jobs", For: "submit", Namespaced: true},
		{Verb: "create", Resource: "services", For: "submit --torchrun", Namespaced: true},
		{Verb: "delete", Group: "batch", Resource: "jobs", For: "cancel", Namespaced: true},
		{Verb: "delete", Resource: "pods", For: "cancel, of pods without a Job", Namespaced: true},
	}
}

// SchedulerRights returns the rights of config/base/rbac.yaml. Those that are Namespaced are needed in the scheduler's namespace. lease is
// the name of its lease.
func SchedulerRights(lease string) []Right {
	var all []Right
	add := func(group, resources, verbs string) {
		for resource := range strings.FieldsSeq(resources) {
			resource, sub, _ := strings.Cut(resource, "/")
			for verb := range strings.FieldsSeq(verbs) {
				all = append(all, Right{Verb: verb, Group: group, Resource: resource, Subresource: sub})
			}
		}
	}
	add("", "pods", "get list watch delete")
	add("", "pods/binding pods/eviction", "create")
	add("", "pods/status", "patch")
	add("", "pods/finalizers", "update")
	add("batch", "jobs", "get")
	add("events.k8s.io", "events", "create patch")
	add("", "namespaces nodes replicationcontrollers services", "list watch")
	add("apps", "replicasets statefulsets", "list watch")
	add("policy", "poddisruptionbudgets", "list watch")
	add("", "persistentvolumeclaims persistentvolumes", "list watch update")
	add("storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments", "list watch")
	add("resource.k8s.io", "deviceclasses resourceslices", "list watch")
	add("resource.k8s.io", "resourceclaims", "get list watch create update delete")
	add("resource.k8s.io", "resourceclaims/binding resourceclaims/status", "update patch")
	const coordination = "coordination.k8s.io"
	return append(all,
		Right{Verb: "create", Group: coordination, Resource: "leases", Namespaced: true},
		Right{Verb: "get", Group: coordination, Resource: "leases", Name: lease, Namespaced: true},
		Right{Verb: "update", Group: coordination, Resource: "leases", Name: lease, Namespaced: true},
		Right{Verb: "create", Resource: "events", Namespaced: true},
		Right{Verb: "list", Resource: "configmaps", Name: queuesName, Namespaced: true},
		Right{Verb: "watch", Resource: "configmaps", Name: queuesName, Namespaced: true},
	)
}

// rightsOfScheduler judges what the scheduler may do.
func rightsOfScheduler(f *Facts) []Finding {
	who := fmt.Sprintf("the service account %s/%s", f.Namespace, f.ServiceAccount)
	if f.SchedulerRights.Err != nil {
		return []Finding{unread(checkRights, "what "+who+" of the scheduler may do", f.SchedulerRights.Err)}
	}
	var denied []string
	for i, right := range SchedulerRights(f.Lease) {
		if i < len(f.SchedulerRights.Value) && !f.SchedulerRights.Value[i] {
			denied = append(denied, right.String())
		}
	}
	if len(denied) == 0 {
		return []Finding{{Check: checkRights, Level: OK, Text: who + " has all rights that the scheduler needs"}}
	}
	return []Finding{{
		Check: checkRights, Level: Problem, Objects: denied,
		Text: fmt.Sprintf("%s lacks %s: it may not %s", who, events.Count(len(denied), "right"), named(denied)),
		Remedy: "apply the ClusterRole, the Role and their bindings again (docs/install.md); if the scheduler has another service " +
			"account, name it " +
			"with --service-account",
	}}
}

// rightsOfUser says which commands the user cannot use.
func rightsOfUser(f *Facts) []Finding {
	if f.UserRights.Err != nil {
		return []Finding{unread(checkRights, "what you may do", f.UserRights.Err)}
	}
	var all []Finding
	for i, right := range UserRights() {
		if i >= len(f.UserRights.Value) || f.UserRights.Value[i] {
			continue
		}
		where := ""
		if right.Namespaced {
			where = " in namespace " + f.UserNamespace
		}
		all = append(all, Finding{
			Check: checkRights, Level: Info, Text: fmt.Sprintf("you may not %s%s, which these commands need: %s", right, where, right.For),
			Remedy: "ask an administrator, if you need them",
		})
	}
	if len(all) == 0 {
		return []Finding{{Check: checkRights, Level: OK, Text: "you may do all that the commands need in namespace " + f.UserNamespace}}
	}
	return all
}
