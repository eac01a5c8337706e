package convert

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// The products whose objects are read.
const (
	plugins     = "scheduler-plugins"
	volcano     = "Volcano"
	yunikorn    = "YuniKorn"
	koordinator = "Koordinator"
	kubeflow    = "Kubeflow"
)

// podGroup is a PodGroup of another product.
type podGroup struct {
	*object
	product string
	spec    *yaml.Node
	// users is how many templates refer to it, and failed how many of them could not be converted.
	users, failed int
}

// productOf returns the product whose PodGroup the object is, or "".
func productOf(o *object) string {
	if o.kind != "PodGroup" {
		return ""
	}
	switch o.group() {
	case "scheduling.x-k8s.io", "scheduling.sigs.k8s.io", "pod-group.scheduling.sigs.k8s.io":
		return plugins
	case "scheduling.volcano.sh", "scheduling.incubator.k8s.io":
		return volcano
	}
	return ""
}

func (c *conversion) addGroup(o *object) {
	if product := productOf(o); product != "" {
		c.groups[groupKey{product, o.namespace, o.name}] = &podGroup{object: o, product: product, spec: field(o.node, "spec")}
	}
}

// groupOf returns the PodGroup that the object is, or nil.
func (c *conversion) groupOf(o *object) *podGroup {
	return c.groups[groupKey{productOf(o), o.namespace, o.name}]
}

// inGroup returns what a PodGroup says of the gang of a template. It fails if the PodGroup is not in the files: its size is unknown then.
func (c *conversion) inGroup(t *template, product, name string) *claim {
	g := c.groups[groupKey{product, t.object.namespace, name}]
	if g == nil {
		t.failed = true
		where := "the namespace of the pods"
		if t.object.namespace != "" {
			where = "namespace " + t.object.namespace
		}
		c.fail(t.object, t.at("metadata"), "PodGroup %s of %s, in %s, is in none of the files, so it is not known how many pods have "+
			"to start "+
			"together; pass its manifest with -f too", name, product, where)
		return nil
	}
	found := &claim{product: product, group: name, podGroup: g, minAvailable: 1}
	if n, said := number(g.spec, "minMember"); said && n > 0 {
		found.minAvailable = n
	}
	if field(g.spec, "minResources") != nil {
		c.warn(g.object, "spec.minResources", "it has no counterpart, and is not needed: what the pods request counts")
	}
	c.timeout(g.object, "spec.scheduleTimeoutSeconds", found, scalar(g.spec, "scheduleTimeoutSeconds"))
	return found
}

// timeout sets after which time a gang that waits gets a warning. The text is a duration, or a number of seconds.
func (c *conversion) timeout(o *object, field string, of *claim, text string) {
	if text == "" {
		return
	}
	d, err := time.ParseDuration(text)
	if n, isNumber := number(textMapping(text), "n"); isNumber {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 || d > conventions.MaxTimeout {
		c.warn(o, field, "%q has no counterpart: %s is a time above 0 and up to %s", text, conventions.TimeoutAnnotation,
			conventions.MaxTimeout)
		return
	}
	of.choose(conventions.TimeoutAnnotation, short(d))
	c.warn(o, field, "converted to %s: %s", conventions.TimeoutAnnotation,
		"after this time the gang gets a warning event and keeps waiting; the original scheduler rejects the gang or retries it")
}

func textMapping(text string) *yaml.Node { return mapping("n", text) }

// short writes a duration without what is zero.
func short(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return d.String()
}

// queue sets the queue of a gang.
func (c *conversion) queue(o *object, field string, of *claim, name string) {
	if name == "" {
		return
	}
	of.choose(conventions.QueueAnnotation, name)
	if name != "default" {
		c.warn(o, field, "queue %s has to be in the configuration of queues of this scheduler too, or its pods wait; see "+
			"docs/concepts/queues.md",
			name)
	}
}

// The labels with which pods name their PodGroup.
const (
	pluginsLabel    = "scheduling.x-k8s.io/pod-group"
	oldPluginsLabel = "pod-group.scheduling.sigs.k8s.io"
)

// coscheduling reads the labels of the scheduler-plugins.
func (c *conversion) coscheduling(t *template) *claim {
	for _, label := range [...]string{pluginsLabel, oldPluginsLabel} {
		if name := t.has(label); name != "" {
			found := c.inGroup(t, plugins, name)
			if found != nil {
				found.replaced = []string{pluginsLabel, oldPluginsLabel}
				c.warnGangKeys(found.podGroup.object)
			}
			return found
		}
	}
	return nil
}

// warnGangKeys says which annotations of Koordinator on a PodGroup have no counterpart.
func (c *conversion) warnGangKeys(o *object) {
	onGroup := &template{object: o, node: o.node}
	c.leftOver(onGroup, koordinator, nil, "gang.scheduling.koordinator.sh/")
}

// kubeflow reads the scheduling policy of a job of the training operator.
func (c *conversion) kubeflow(t *template) *claim {
	run := field(t.object.node, "spec", "runPolicy")
	policy := field(run, "schedulingPolicy")
	if policy == nil {
		return nil
	}
	found := &claim{product: kubeflow, group: t.object.name}
	for _, other := range t.object.templates {
		if other.replicas < 0 {
			t.failed = true
			c.fail(t.object, other.path, "it is not known how many pods it makes; write its replicas")
			return nil
		}
		found.minAvailable += other.replicas
	}
	if n, said := number(policy, "minAvailable"); said {
		found.minAvailable = n
	}
	const path = "spec.runPolicy.schedulingPolicy."
	c.queue(t.object, path+"queue", found, scalar(policy, "queue"))
	found.priorityClass = scalar(policy, "priorityClass")
	c.timeout(t.object, path+"scheduleTimeoutSeconds", found, scalar(policy, "scheduleTimeoutSeconds"))
	if field(policy, "minResources") != nil {
		c.warn(t.object, path+"minResources", "it has no counterpart, and is not needed: what the pods request counts")
	}
	found.done = func() {
		remove(run, "schedulingPolicy")
		if len(run.Content) == 0 {
			remove(field(t.object.node, "spec"), "runPolicy")
		}
	}
	c.warn(t.object, path[:len(path)-1], "an operator that runs with --gang-scheduler-name overwrites the schedulerName of the pods; "+
		"run it without")
	return found
}
