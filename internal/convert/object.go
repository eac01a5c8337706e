package convert

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// object is a Kubernetes object of a manifest.
type object struct {
	source
	node                              *yaml.Node
	apiVersion, kind, namespace, name string
	templates                         []*template
	// written is what takes the place of the object: nil if it is written as it is, and empty if it is left out.
	written []*yaml.Node
	changed bool
}

// template is a pod template of an object, or a Pod.
type template struct {
	object *object
	// path is where it is, such as spec.template; empty for a Pod.
	path string
	node *yaml.Node
	// replicas is how many pods the template makes, or -1 if that is unknown.
	replicas int
	// given is what a conversion before this one found out about the gang of the template.
	given *claim
	// failed says that the template cannot be converted.
	failed bool
}

// source is where an object is: in a file and its number, and in which document of it.
type source struct {
	file                 string
	fileNumber, document int
}

func newObject(from source, node *yaml.Node) *object {
	o := &object{
		source: from, node: node,
		apiVersion: scalar(node, "apiVersion"), kind: scalar(node, "kind"),
		namespace: scalar(node, "metadata", "namespace"), name: scalar(node, "metadata", "name"),
	}
	if o.name == "" {
		o.name = strings.TrimRight(scalar(node, "metadata", "generateName"), "-.")
	}
	switch o.kind {
	case "Pod":
		if len(items(node, "spec", "containers")) > 0 {
			o.templates = []*template{{object: o, node: node, replicas: 1}}
		}
	case "CustomResourceDefinition": // the fields of its schema are no fields of pods
	default:
		o.templates = o.find(nil, "", node, 1)
	}
	return o
}

// String names the object for users.
func (o *object) String() string {
	if o.name == "" {
		return o.kind
	}
	return o.kind + "/" + o.name
}

func (o *object) group() string {
	group, _, _ := strings.Cut(o.apiVersion, "/")
	return group
}

// find adds the pod templates below a node. Kinds differ in where they have them, but they all have keys that end in "emplate", with the
// specification of a pod below. times is how many of what is above the node there are, or -1.
func (o *object) find(all []*template, path string, n *yaml.Node, times int) []*template {
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			all = o.find(all, fmt.Sprintf("%s[%d]", path, i), item, times)
		}
		return all
	}
	times = multiply(times, n)
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key, child := n.Content[i].Value, n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key, ".")
		if strings.HasSuffix(key, "emplate") && len(items(child, "spec", "containers")) > 0 {
			all = append(all, &template{object: o, path: at, node: child, replicas: times})
		} else {
			all = o.find(all, at, child, times)
		}
	}
	return all
}

// multiply returns how many pods are below a node that says how many there are of what is in it.
func multiply(times int, n *yaml.Node) int {
	for _, key := range [...]string{"replicas", "parallelism"} {
		if has := field(n, key); has == nil || times < 0 {
			continue
		}
		count, isNumber := number(n, key)
		if completions, bounded := number(n, "completions"); bounded && key == "parallelism" {
			count = min(count, completions)
		}
		if !isNumber || count < 0 || count > maxPods {
			return -1
		}
		if times *= count; times > maxPods {
			return -1
		}
	}
	return times
}

// maxPods is how many pods an object may have: more than any cluster.
const maxPods = 1 << 20

// key is an annotation or label of a template.
type key struct{ name, value string }

// has returns the annotation, or else the label of a name.
func (t *template) has(name string) string {
	if value := scalar(t.node, "metadata", "annotations", name); value != "" {
		return value
	}
	return scalar(t.node, "metadata", "labels", name)
}

// onOwner returns an annotation or label of the template, or else of the object itself.
func (t *template) onOwner(name string) string {
	if value := t.has(name); value != "" {
		return value
	}
	return (&template{node: t.object.node}).has(name)
}

// with returns the keys of the template that begin with one of the prefixes.
func (t *template) with(prefixes ...string) []key {
	var all []key
	for _, kind := range [...]string{"annotations", "labels"} {
		for _, name := range keys(field(t.node, "metadata", kind)) {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
				all = append(all, key{name, scalar(t.node, "metadata", kind, name)})
			}
		}
	}
	return all
}

// pod returns what the readers of conventions read.
func (t *template) pod() conventions.Pod {
	return conventions.Pod{Annotations: t.values("annotations"), Labels: t.values("labels")}
}

// parse reads the gang of the template as the scheduler does.
func (t *template) parse() (*gang.Spec, error) { return conventions.Parse(t.pod()) }

// values returns the annotations or labels of the template.
func (t *template) values(kind string) map[string]string {
	all := map[string]string{}
	for _, name := range keys(field(t.node, "metadata", kind)) {
		all[name] = scalar(t.node, "metadata", kind, name)
	}
	return all
}

func (t *template) scheduler() string { return scalar(t.node, "spec", "schedulerName") }

// at returns the path of a field of the template.
func (t *template) at(path string) string { return strings.TrimPrefix(t.path+"."+path, ".") }

// instance is what the scheduler tells gangs of one name apart by: the pods of two controllers are two gangs, unless roles tie them.
func (t *template) instance() string {
	if t.path == "" {
		return "pods"
	}
	return t.object.String()
}

// selected reports whether the object selects its pods by the label.
func (t *template) selected(label string) bool {
	selector := field(t.object.node, "spec", "selector")
	if indexOf(selector, label) >= 0 || indexOf(field(selector, "matchLabels"), label) >= 0 {
		return true
	}
	return slices.ContainsFunc(items(selector, "matchExpressions"), func(e *yaml.Node) bool { return scalar(e, "key") == label })
}
