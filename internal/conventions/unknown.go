package conventions

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// UnknownGangs is what happens to pods that other products' keys tie together and that say nothing in ours.
type UnknownGangs string

// What the plugins' arguments say for it.
const (
	// WaitIfUnknown lets such pods wait, and tells them why.
	WaitIfUnknown UnknownGangs = "Wait"
	// ScheduleIfUnknown schedules them one by one, as pods of no gang.
	ScheduleIfUnknown UnknownGangs = "Schedule"
)

// Where is where a pod carries a key.
type Where int

// A key is an annotation, a label, or a field of the specification.
const (
	InAnnotation Where = iota
	InLabel
	InField
)

func (w Where) String() string { return [...]string{"annotation", "label", "field"}[w] }

// Unknown is a key that ties a pod to others and that nobody here can follow. It is an error whose text is a sentence for the
// user who wrote the key.
type Unknown struct {
	Where      Where
	Key, Value string
	// Product is whose key it is.
	Product string
	// Conventions are those that the pod's profile reads.
	Conventions []Convention
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

// FindUnknown returns the key by which another product ties a pod to others, or nil if there is none, or if the pod says what
// counts in our keys. spec is what Parse returned for it.
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

// InSchedulingGroup returns what is wrong with a pod that the field spec.schedulingGroup puts into a pod group of Kubernetes: it is a
// *Problem if the pod names a gang too, and else an *Unknown.
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

// silent says whether the pod itself says nothing about a gang, but for Spark's labels.
func silent(pod Pod, s *gang.Spec) bool {
	return s == nil || s.Unnamed && s.MinAvailable == 0 && pod.Annotations[RoleAnnotation] == ""
}
