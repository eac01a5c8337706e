package conventions

import (
	"errors"
	"fmt"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Pod is the part of a pod that readers use.
type Pod struct {
	Labels, Annotations map[string]string
	Owner               Controller
}

// says returns the value of an annotation, or else of the label with the same key, and where it is.
func (p Pod) says(key string) (value string, where Where, said bool) {
	if value, said = p.Annotations[key]; said {
		return value, InAnnotation, true
	}
	value, said = p.Labels[key]
	return value, InLabel, said
}

// contradiction returns a *Problem if an annotation and the label with the same key have different values.
func (p Pod) contradiction(key string) error {
	label, labelled := p.Labels[key]
	if annotation, annotated := p.Annotations[key]; labelled && annotated && annotation != label {
		return conflict(key, annotation, label, fmt.Sprintf(
			"the label of the same name has the value %q; make both say the same, or remove one of them", shown(label)))
	}
	return nil
}

// locate completes a *Problem about a key that is a label.
func (p Pod) locate(err error) error {
	if wrong, is := errors.AsType[*Problem](err); is && wrong.Fault != Absent {
		if _, annotated := p.Annotations[wrong.Annotation]; !annotated {
			wrong.Where = InLabel
		}
	}
	return err
}

// Reader reads one convention.
type Reader interface {
	// Applies reports whether the pod uses the convention to name its gang.
	Applies(pod Pod) bool
	// Beside returns the error of a pod that uses this convention in addition to first, or nil if the two are compatible. The
	// convention of first takes precedence.
	Beside(first Reader, pod Pod) error
	// Read returns what a pod that uses the convention declares about its gang. The error is a *Problem. The checks run in a fixed
	// order, so that a pod with several errors always gets the same one.
	Read(pod Pod) (*gang.Spec, error)
}

// readers are all readers, by precedence. They are built once, because Parse runs for each pod, and are read-only.
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

// Parse reads the gang that a pod names: by the keys of the plugins, or else by equivalent keys of other products, or else by
// Spark's labels. The convention is empty if the pod uses none of the plugins' keys. Parse returns nil and no error for a pod
// without a gang. The error of an invalid pod is a *Problem.
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
	return spec, pod.locate(err)
}
