package convert

import (
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// The keys of Volcano.
const (
	volcanoGroup       = "scheduling.k8s.io/group-name"
	otherVolcanoGroup  = "scheduling.volcano.sh/group-name"
	volcanoSize        = "scheduling.volcano.sh/group-min-member"
	volcanoQueue       = "scheduling.volcano.sh/queue-name"
	otherVolcanoQueue  = "volcano.sh/queue-name"
	volcanoTask        = "volcano.sh/task-spec"
	volcanoPreemptable = "volcano.sh/preemptable"
)

func volcanoKeys() []string {
	return []string{
		volcanoGroup, otherVolcanoGroup, volcanoSize, volcanoQueue, otherVolcanoQueue, volcanoTask, volcanoPreemptable,
	}
}

// volcano reads the annotations of Volcano. The group's name comes with the size of the group, or with a PodGroup.
func (c *conversion) volcano(t *template) *claim {
	name := t.has(volcanoGroup)
	if name == "" {
		name = t.has(otherVolcanoGroup)
	}
	size := t.onOwner(volcanoSize)
	if name == "" && size == "" && t.scheduler() != "volcano" {
		return nil
	}
	found := &claim{product: volcano, group: name}
	switch sized, isNumber := number(textMapping(size), "n"); {
	case size != "" && (!isNumber || sized < 1):
		t.failed = true
		c.fail(t.object, t.at("metadata"), "%s is %.64q, and has to be a whole number from 1", volcanoSize, size)
		return nil
	case size != "":
		if found.minAvailable = sized; name == "" { // Volcano makes a PodGroup for the pods of the object
			found.group = t.object.name
		}
	case name != "":
		if found = c.inGroup(t, volcano, name); found == nil {
			return nil
		}
		c.readVolcanoGroup(t, found)
	}
	found.replaced = volcanoKeys()
	if !slices.ContainsFunc(found.choices, func(k key) bool { return k.name == conventions.QueueAnnotation }) {
		queue := t.onOwner(volcanoQueue)
		if queue == "" {
			queue = t.onOwner(otherVolcanoQueue)
		}
		c.queue(t.object, t.at("metadata"), found, queue)
	}
	c.preemptable(t, found)
	c.leftOver(t, volcano, volcanoKeys(), "volcano.sh/", "scheduling.volcano.sh/")
	return found
}

// preemptable reads whether others may preempt the pods.
func (c *conversion) preemptable(t *template, found *claim) {
	switch preemptable := t.onOwner(volcanoPreemptable); preemptable {
	case "true", "false":
		found.choose(conventions.PreemptibleAnnotation, preemptable)
	case "":
	default:
		c.warn(t.object, t.at("metadata"), "%s is %.64q, which is neither true nor false; it was removed", volcanoPreemptable, preemptable)
	}
}

// readVolcanoGroup reads what only Volcano's PodGroups say.
func (c *conversion) readVolcanoGroup(t *template, of *claim) {
	g := of.podGroup
	c.queue(g.object, "spec.queue", of, scalar(g.spec, "queue"))
	of.priorityClass = scalar(g.spec, "priorityClassName")
	if field(g.spec, "networkTopology") != nil {
		c.warn(g.object, "spec.networkTopology", "it names tiers of Volcano's HyperNodes; name a node label instead, with the "+
			"annotation %s or %s "+
			"on the pods", conventions.TopologyRequiredAnnotation, conventions.TopologyPreferredAnnotation)
	}
	minimums := field(g.spec, "minTaskMember")
	if len(keys(minimums)) == 0 {
		return
	}
	if n := len(keys(minimums)); n > maxRoles {
		c.warn(g.object, "spec.minTaskMember", "it has %d tasks: at most %d can become roles; only minMember counts", n, maxRoles)
		return
	}
	of.role = roleName(t.has(volcanoTask))
	if of.role == "" {
		c.warn(g.object, "spec.minTaskMember", "the pods of %s do not have the annotation %s, so it is not known of which task they are; "+
			"only minMember counts", t.object, volcanoTask)
		return
	}
	for _, task := range keys(minimums) {
		n, _ := number(minimums, task)
		of.roles = append(of.roles, role{Name: roleName(task), Min: n})
	}
}
