package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// volcanoJob is a Job of Volcano with the Jobs of Kubernetes that take its place, one for each task.
type volcanoJob struct {
	*object
	jobs []*object
}

// expandVolcanoJob makes Jobs of a Volcano Job, or says why that is not possible.
func (c *conversion) expandVolcanoJob(o *object) {
	if o.kind != "Job" || o.group() != "batch.volcano.sh" {
		return
	}
	o.templates = nil
	spec := field(o.node, "spec")
	if path, why := cannotExpand(o, spec); why != "" {
		c.fail(o, path, "%s", why)
		return
	}
	found := c.claimOfJob(o, spec)
	job := &volcanoJob{object: o}
	for _, task := range items(spec, "tasks") {
		made := c.jobOf(o, task)
		if len(job.jobs) == 0 { // the comment above the Volcano Job
			made.node.Content[0].HeadComment = o.node.Content[0].HeadComment
		}
		given := *found
		given.role, given.choices = roleName(scalar(task, "name")), slices.Clone(found.choices)
		c.policies(made, task, &given)
		made.templates[0].given = &given
		job.jobs = append(job.jobs, made)
		c.objects = append(c.objects, made)
	}
	c.jobs = append(c.jobs, job)
}

// cannotExpand returns why a Volcano Job has no counterpart, and the field that is the reason.
func cannotExpand(o *object, spec *yaml.Node) (path, why string) {
	tasks := items(spec, "tasks")
	if len(tasks) > maxRoles {
		return "spec.tasks", fmt.Sprintf("it has %d tasks: at most %d can become roles of a gang", len(tasks), maxRoles)
	}
	if len(tasks) == 0 || o.name == "" || field(o.node, "metadata", "name") == nil {
		return "spec.tasks", "a Job needs a name and tasks"
	}
	for _, plugin := range keys(field(spec, "plugins")) {
		if plugin != "env" && plugin != "svc" {
			return "spec.plugins." + plugin, "the plugin prepares the pods for " + plugin + ", which no Job does; write it as a job " +
				"of that kind, such as " +
				"a PyTorchJob, MPIJob or RayJob (docs/workloads), or prepare the pods in their template"
		}
	}
	if len(items(spec, "volumes")) > 0 {
		return "spec.volumes", "Volcano mounts these volumes into all containers; write them into the templates of the tasks"
	}
	seen := map[string]bool{}
	for _, task := range tasks {
		name := scalar(task, "name")
		switch {
		case name == "" && len(tasks) > 1 || seen[name]:
			return "spec.tasks", "each task needs a name of its own"
		case field(task, "dependsOn") != nil:
			return "spec.tasks", "task " + name + " waits for others (dependsOn), but a gang starts all together; write it as a " +
				"JobSet, whose Jobs may " +
				"wait for each other"
		case len(items(task, "template", "spec", "containers")) == 0:
			return "spec.tasks", "task " + name + " has no template with containers"
		}
		seen[name] = true
	}
	return "", ""
}

// claimOfJob returns what all tasks of a Volcano Job say of their gang.
func (c *conversion) claimOfJob(o *object, spec *yaml.Node) *claim {
	found := &claim{product: volcano, group: o.name, replaced: volcanoKeys(), priorityClass: scalar(spec, "priorityClassName")}
	tasks := items(spec, "tasks")
	for _, task := range tasks {
		r := role{Name: roleName(scalar(task, "name")), Min: replicasOf(task)}
		if n, said := number(task, "minAvailable"); said {
			r.Min = n
		}
		found.minAvailable += replicasOf(task)
		if len(tasks) > 1 {
			found.roles = append(found.roles, r)
		}
	}
	if n, said := number(spec, "minAvailable"); said && n > 0 {
		found.minAvailable = n
	}
	c.queue(o, "spec.queue", found, scalar(spec, "queue"))
	if runtime, err := time.ParseDuration(scalar(spec, "runningEstimate")); err == nil {
		found.choose(conventions.ExpectedRuntimeAnnotation, short(runtime))
	}
	c.policies(o, spec, found)
	c.warnOfJob(o, spec)
	return found
}

func replicasOf(task *yaml.Node) int {
	if n, said := number(task, "replicas"); said && n >= 0 {
		return n
	}
	return 1
}

// policies reads what happens when pods of the job end.
func (c *conversion) policies(o *object, n *yaml.Node, of *claim) {
	for _, policy := range items(n, "policies") {
		events := []string{scalar(policy, "event")}
		for _, event := range items(policy, "events") {
			events = append(events, event.Value)
		}
		lost := slices.ContainsFunc(events, func(e string) bool { return e == "PodEvicted" || e == "PodFailed" || e == "*" })
		if action := scalar(policy, "action"); lost && action == "RestartJob" {
			whole := key{conventions.RestartPolicyAnnotation, string(gang.WholeGang)}
			if !slices.Contains(of.choices, whole) {
				of.choices = append(of.choices, whole)
			}
		} else {
			c.warn(o, "policies", "%s on %s has no counterpart; a Job ends when its pods have succeeded, or backoffLimit of them failed",
				action, strings.Trim(strings.Join(events, ", "), ", "))
		}
	}
}

// warnOfJob says which fields of a Volcano Job have no counterpart.
func (c *conversion) warnOfJob(o *object, spec *yaml.Node) {
	known := []string{
		"minAvailable", "schedulerName", "queue", "priorityClassName", "tasks", "policies", "plugins", "maxRetry",
		"ttlSecondsAfterFinished",
		"runningEstimate",
	}
	for _, name := range keys(spec) {
		if !slices.Contains(known, name) {
			c.warn(o, "spec."+name, "it has no counterpart; it was left out")
		}
	}
	for _, task := range items(spec, "tasks") {
		for _, name := range keys(task) {
			if !slices.Contains([]string{"name", "replicas", "minAvailable", "template", "policies"}, name) {
				c.warn(o, "spec.tasks."+name, "it has no counterpart; it was left out")
			}
		}
	}
	if field(spec, "plugins", "env") != nil {
		c.warn(o, "spec.plugins.env", "VC_TASK_INDEX and VK_TASK_INDEX are not set; the pods of an Indexed Job have JOB_COMPLETION_INDEX")
	}
	if field(spec, "plugins", "svc") != nil {
		c.warn(o, "spec.plugins.svc", "no Service is made; make a headless Service %s that selects the pods, and set subdomain: %s "+
			"in their "+
			"templates: their host names are then what they were. The variables and files with the hosts of each task are not there",
			o.name, o.name)
	}
}

// jobOf returns a Job that makes the pods of a task.
func (c *conversion) jobOf(o *object, task *yaml.Node) *object {
	name := o.name
	if len(items(o.node, "spec", "tasks")) > 1 {
		name += "-" + scalar(task, "name")
	}
	metadata := clone(field(o.node, "metadata"))
	set(metadata, 0, "name", textNode(name))
	for _, kind := range [...]string{"annotations", "labels"} {
		values := field(metadata, kind)
		for _, k := range keys(values) {
			if slices.Contains(volcanoKeys(), k) {
				remove(values, k)
			}
		}
		if values != nil && len(values.Content) == 0 {
			remove(metadata, kind)
		}
	}
	replicas := numberNode(replicasOf(task))
	made := mapping("parallelism", replicas, "completions", clone(replicas), "completionMode", "Indexed")
	for _, same := range [...][2]string{{"maxRetry", "backoffLimit"}, {"ttlSecondsAfterFinished", "ttlSecondsAfterFinished"}} {
		if n, said := number(o.node, "spec", same[0]); said {
			set(made, len(made.Content), same[1], numberNode(n))
		}
	}
	template := clone(field(task, "template"))
	set(made, len(made.Content), "template", template)
	node := mapping("apiVersion", "batch/v1", "kind", "Job", "metadata", metadata, "spec", made)
	if policy := scalar(template, "spec", "restartPolicy"); policy != "Never" && policy != "OnFailure" {
		set(field(template, "spec"), 0, "restartPolicy", textNode("OnFailure"))
		c.warn(o, "spec.tasks", "the pods of task %s have no restartPolicy that a Job may have; it is OnFailure now", scalar(task, "name"))
	}
	return newObject(o.source, node)
}

// volcanoJobs puts the Jobs into the places of the Volcano Jobs of which all tasks could be converted.
func (c *conversion) volcanoJobs() {
	for _, job := range c.jobs {
		var written []*yaml.Node
		for _, made := range job.jobs {
			if made.templates[0].failed {
				written = nil
				break
			}
			written = append(written, made.node)
		}
		job.written, job.changed = written, written != nil
	}
}
