package queueconfig

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// What bounds the tree.
const (
	// maxDepth is how many levels of queues there may be.
	maxDepth = 8
	// maxQueues is how many queues there may be in the whole tree.
	maxQueues = 10_000
	// maxCells is how many queues there may be, times how many different resources. The scheduler keeps amounts of each resource for each
	// queue, whatever that one states: with so many, all together take about 40 MB, and a change half a second.
	maxCells = 50_000
	// maxPatterns is how many namespaces all queues may name together.
	maxPatterns = 10_000
	// maxPatternsOfOne is how many namespaces one queue may name.
	maxPatternsOfOne = 1_000
)

// What a weight is between, if it is not 0. Shares are divided by it.
const (
	minWeight = 0.001
	maxWeight = 1_000_000
)

// The values of fields that have few, numbered by what they mean.
var (
	orders   = []string{queue.Strict: "Strict", queue.BestEffort: "BestEffort"}
	withins  = []string{queue.NeverWithin: "Never", queue.LowerPriorityWithin: "LowerPriority"}
	reclaims = []string{queue.NeverReclaim: "Never", queue.ReclaimLowerPriority: "LowerPriority", queue.ReclaimAny: "Any"}
)

// list reads the queues below parent, which are on the given level of the tree.
func (r *reader) list(path *field.Path, n *yaml.Node, parent queue.Queue, level int) []queue.Queue {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		r.wrong(path, "must be a list of queues")
		return nil
	case level > maxDepth:
		r.report(field.Forbidden(path, fmt.Sprintf("the tree may have %d levels of queues", maxDepth)))
		return nil
	}
	var queues []queue.Queue
	for i, item := range n.Content {
		if r.queues++; r.isFull() {
			return nil
		}
		at, value := path.Index(i), target(item)
		if !r.untagged(at, value) {
			continue
		}
		if q, ok := r.queue(at, value, parent, level); ok {
			queues = append(queues, q)
		}
	}
	return queues
}

// isFull reports whether the tree is too large, and says so once.
func (r *reader) isFull() bool {
	switch {
	case r.full:
	case r.queues > maxQueues:
		r.full = true
		r.say(fmt.Sprintf("queues: Too many: the tree may have %d queues", maxQueues))
	case r.queues*len(r.resources) > maxCells:
		r.full = true
		r.say(fmt.Sprintf("queues: Too many: with %d different resources in guarantees and limits, the tree may have %d queues: "+
			"name fewer resources, or fewer queues", len(r.resources), maxCells/len(r.resources)))
	}
	return r.full
}

// queue reads a queue and those below it.
func (r *reader) queue(path *field.Path, n *yaml.Node, parent queue.Queue, level int) (queue.Queue, bool) {
	fields, ok := r.mapping(path, n,
		"name", "weight", "priority", "guarantee", "limit", "order", "maxWait", "preemption", "namespaces", "queues")
	if !ok {
		return queue.Queue{}, false
	}
	q := queue.NewQueue(r.name(path, fields["name"]))
	if weight := fields["weight"]; weight != nil {
		r.weight(path.Child("weight"), weight, &q.Weight)
	}
	if priority := fields["priority"]; priority != nil {
		r.number(path.Child("priority"), priority, "must be a whole number from -2147483648 to 2147483647", &q.Priority)
	}
	q.Guarantee = r.amounts(path.Child("guarantee"), fields["guarantee"])
	q.Limit = r.amounts(path.Child("limit"), fields["limit"])
	q.Order = oneOf(r, path.Child("order"), fields["order"], orders, parent.Order)
	q.MaxWait = r.duration(path.Child("maxWait"), fields["maxWait"], parent.MaxWait)
	q.Preemption = r.preemption(path.Child("preemption"), fields["preemption"], parent.Preemption)
	q.Namespaces = r.namespaces(path.Child("namespaces"), fields["namespaces"], parent.Namespaces)
	below := path.Child("queues")
	q.Queues = r.list(below, fields["queues"], q, level+1)
	if q.Name == queue.Default && len(q.Queues) > 0 {
		r.report(field.Forbidden(below, fmt.Sprintf("queue %s has gangs of its own, and gangs live in queues without children: "+
			"give the children to another queue", queue.Default)))
	}
	return q, true
}

// name reads the name of a queue.
func (r *reader) name(path *field.Path, n *yaml.Node) string {
	path = path.Child("name")
	if n == nil {
		r.report(field.Required(path, "each queue has a name"))
		return ""
	}
	name, ok := r.text(path, n)
	if !ok {
		return ""
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		r.report(field.Invalid(path, name, "must be a DNS label: at most 63 lower case letters, digits and '-', with a letter or digit "+
			"at both ends"))
		return ""
	}
	if first, there := r.names[name]; there {
		r.report(&field.Error{
			Type: field.ErrorTypeDuplicate, Field: path.String(), BadValue: name,
			Detail: first + " has the same; names are unique in the whole tree",
		})
		return ""
	}
	r.names[name] = path.String()
	return name
}

// weight reads the weight of a queue.
func (r *reader) weight(path *field.Path, n *yaml.Node, weight *float64) {
	must := fmt.Sprintf("must be a number from %g to %d, or 0 for what nobody else wants", minWeight, maxWeight)
	if r.number(path, n, must, weight) && *weight != 0 && (*weight < minWeight || *weight > maxWeight) {
		r.report(field.Invalid(path, n.Value, must))
	}
}

// preemption reads what a queue may take and give; each field that is left out is its parent's.
func (r *reader) preemption(path *field.Path, n *yaml.Node, parent queue.Preemption) queue.Preemption {
	if n == nil {
		return parent
	}
	fields, ok := r.mapping(path, n, "withinQueue", "reclaim", "minRuntime")
	if !ok {
		return parent
	}
	return queue.Preemption{
		WithinQueue: oneOf(r, path.Child("withinQueue"), fields["withinQueue"], withins, parent.WithinQueue),
		Reclaim:     oneOf(r, path.Child("reclaim"), fields["reclaim"], reclaims, parent.Reclaim),
		MinRuntime:  r.duration(path.Child("minRuntime"), fields["minRuntime"], parent.MinRuntime),
	}
}

// namespaces reads the patterns of namespaces; without the field they are the parent's.
func (r *reader) namespaces(path *field.Path, n *yaml.Node, parent []string) []string {
	switch {
	case n == nil:
		return parent
	case n.Kind != yaml.SequenceNode:
		r.wrong(path, `must be a list of namespaces, such as ["ml-*", web]`)
		return parent
	case len(n.Content) == 0:
		r.report(field.Required(path, `an empty list could mean all or none: name namespaces, write ["*"] for all, `+
			`or leave the field out for those of the parent`))
		return parent
	case len(n.Content) > maxPatternsOfOne:
		r.wrong(path, fmt.Sprintf("must have at most %d namespaces", maxPatternsOfOne))
		return parent
	}
	if r.patterns += len(n.Content); r.patterns > maxPatterns {
		r.wrong(path, fmt.Sprintf("all queues together may name %d namespaces", maxPatterns))
		return parent
	}
	var patterns []string
	first := map[string]int{}
	for i, item := range n.Content {
		at, value := path.Index(i), target(item)
		if !r.untagged(at, value) {
			continue
		}
		pattern, ok := r.text(at, value)
		if !ok || !r.isPattern(at, pattern) {
			continue
		}
		if before, there := first[pattern]; there {
			r.report(&field.Error{
				Type: field.ErrorTypeDuplicate, Field: at.String(), BadValue: pattern,
				Detail: path.Index(before).String() + " is the same: remove one",
			})
			continue
		}
		first[pattern] = i
		patterns = append(patterns, pattern)
	}
	if i, all := first["*"]; all && len(n.Content) > 1 {
		r.report(field.Invalid(path.Index(i), "*", "stands for all namespaces: remove it or the others"))
	}
	return patterns
}

// patternLike is what a pattern is made of. No namespace begins or ends with '-'.
var patternLike = regexp.MustCompile(`^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$`)

// isPattern reports whether namespaces can match a pattern.
func (r *reader) isPattern(path *field.Path, pattern string) bool {
	switch {
	case pattern == "":
		r.report(field.Required(path, `write the name of a namespace, or "*" for all`))
	case len(pattern) > validation.DNS1123LabelMaxLength, !patternLike.MatchString(pattern):
		r.report(field.Invalid(path, pattern, "must be the name of a namespace: at most 63 lower case letters, digits and '-', in which "+
			"* stands for any characters"))
	case strings.Contains(pattern, "**"):
		r.report(field.Invalid(path, pattern, "** means the same as *: write *"))
	default:
		return true
	}
	return false
}
