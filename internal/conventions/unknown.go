package conventions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// UnknownGangs is the treatment of pods that only keys of other products tie together.
type UnknownGangs string

// The values of the plugins' argument unknownGangs.
const (
	// WaitIfUnknown parks such pods and reports the reason in an event.
	WaitIfUnknown UnknownGangs = "Wait"
	// ScheduleIfUnknown schedules them one by one, like pods without a gang.
	ScheduleIfUnknown UnknownGangs = "Schedule"
)

// Where is the location of a key on a pod.
type Where int

// A key is an annotation, a label, or a field of the specification.
const (
	InAnnotation Where = iota
	InLabel
	InField
)

func (w Where) String() string { return [...]string{"annotation", "label", "field"}[w] }

// Unknown is a key that ties a pod to others and that this scheduler does not read. Its text is a sentence for the user who wrote
// the key.
type Unknown struct {
	Where      Where
	Key, Value string
	// Product is the product that defines the key.
	Product string
	// Conventions are the conventions that the pod's profile reads.
	Conventions []Convention
}

// Same reports whether o is the same key with the same value.
func (u *Unknown) Same(o *Unknown) bool {
	return u.Where == o.Where && u.Key == o.Key && u.Value == o.Value && u.Product == o.Product
}

func (u *Unknown) Error() string {
	var ours, plugins []string
	for _, d := range u.Conventions {
		ours = append(ours, d.GroupAnnotation+" and "+d.MinAvailableAnnotation)
		plugins = append(plugins, d.Name)
	}
	remove := fmt.Sprintf("remove this %s", u.Where)
	if u.Where == InField {
		remove = "create them without this field"
	}
	return fmt.Sprintf("the %s %s of %s has the value %s: it ties this pod to others, and this scheduler does not read it; to start them "+
		"together, set the annotations %s on all of them; to schedule them one by one, %s, or set unknownGangs: %s in the arguments of "+
		"the plugin %s", u.Where, u.Key, u.Product, strconv.Quote(shown(u.Value)), strings.Join(ours, ", or "), remove, ScheduleIfUnknown,
		strings.Join(plugins, " and "))
}

// FindUnknown returns the key with which another product ties a pod to others. It returns nil if there is none or if the pod also
// has our keys. spec is the result of Parse for the pod.
func FindUnknown(pod Pod, spec *gang.Spec) *Unknown {
	if !silent(pod, spec) {
		return nil
	}
	for _, p := range products() {
		if u, found := p.find(pod); found {
			return &u
		}
	}
	return nil
}

// InSchedulingGroup returns the error of a pod that spec.schedulingGroup puts into a pod group of Kubernetes: a *Problem if the pod
// also names a gang, otherwise an *Unknown.
func InSchedulingGroup(group string, pod Pod, spec *gang.Spec) error {
	const field = "spec.schedulingGroup"
	if silent(pod, spec) {
		return &Unknown{Where: InField, Key: field, Value: group, Product: "Kubernetes"}
	}
	p := conflict(field, group, spec.Name, fmt.Sprintf("this pod also belongs to gang %q by its annotations or labels; "+
		"remove those, or create the pod without this field", shown(spec.Name)))
	p.Where = InField
	return p
}

// silent reports whether the pod declares nothing about a gang, apart from Spark's labels.
func silent(pod Pod, s *gang.Spec) bool {
	return s == nil || s.Unnamed && s.MinAvailable == 0 && pod.Annotations[RoleAnnotation] == ""
}
