package conventions

import (
	"errors"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Pod is what a pod says of itself by what readers read.
type Pod struct {
	Labels, Annotations map[string]string
	Owner               Controller
}

// says returns what an annotation says, or else a label of the same key, and where that is.
func (p Pod) says(key string) (value string, where Where, said bool) {
	if value, said = p.Annotations[key]; said {
		return value, InAnnotation, true
	}
	value, said = p.Labels[key]
	return value, InLabel, said
}

// Reader reads one convention.
type Reader interface {
	// Applies says whether the pod uses the convention to say which gang it belongs to.
	Applies(pod Pod) bool
	// Beside returns what is wrong with a pod that uses this convention beside one that counts before it, or nil if nothing is.
	Beside(first Reader, pod Pod) error
	// Read returns what a pod that uses the convention says of its gang. The error is a *Problem. Of several, the first is returned, in
	// the order in which they are looked for: so a pod has the same one each time.
	Read(pod Pod) (*gang.Spec, error)
}

// readers has all readers, in the order in which they count. It is made once because Parse looks at each pod, and is never changed.
var readers = func() []Reader {
	var all []Reader
	for _, c := range All() {
		all = append(all, c)
	}
	for _, p := range products() {
		all = append(all, p)
	}
	return append(all, spark{})
}()

// Parse reads the gang that a pod names: by the keys of the plugins, or else by other products' keys that say the same, or else by Spark's
// labels. The convention is empty where the pod uses none of a plugin. Parse returns nil and no error for a pod of no gang, and an error
// that is a *Problem for what cannot be followed.
func Parse(pod Pod) (*gang.Spec, error) {
	var first Reader
	var err error
	for _, r := range readers {
		switch {
		case err != nil || !r.Applies(pod):
		case first == nil:
			first = r
		default:
			err = r.Beside(first, pod)
		}
	}
	if first == nil {
		return nil, nil
	}
	var spec *gang.Spec
	if err == nil {
		spec, err = first.Read(pod)
	}
	if p, wrong := errors.AsType[*Problem](err); wrong && p.Fault != Absent {
		if _, annotated := pod.Annotations[p.Annotation]; !annotated {
			p.Where = InLabel
		}
	}
	return spec, err
}
