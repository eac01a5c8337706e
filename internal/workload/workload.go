// Package workload finds out which pods the objects of a manifest make. It knows how the controllers of Kubernetes, of JobSet,
// LeaderWorkerSet and Kubeflow make pods from their templates: which labels the pods get, and who their controller is. The scheduler
// reads both. It reads the manifest only; defaults and what admission changes are not in the pods.
package workload

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// The bounds of a manifest.
const (
	// MaxBytes is the maximum size of a manifest.
	MaxBytes = 1 << 20
	// MaxObjects is the maximum number of its objects.
	MaxObjects = 1000
	// MaxPods is the maximum number of pods that its objects make together.
	MaxPods = 100_000
)

// Object is an object of a manifest.
type Object struct {
	// Document is the number of the document that the object is in, from 1.
	Document int
	// APIVersion, Kind, Namespace and Name are as the manifest says, apart from the namespace: without one it is the caller's.
	APIVersion, Kind, Namespace, Name string
	// Generated says that the API server completes the name.
	Generated bool
	// JSON is the object as it is written, its namespace apart.
	JSON []byte
	// Sets are the pods that it makes; none for a Service, say.
	Sets []Set
}

// Set is a number of equal pods that an object makes.
type Set struct {
	// Object is the kind and the name of the object, such as Job/training.
	Object    string
	Namespace string
	// Pod is one of the pods as its controller would create it.
	Pod corev1.Pod
	// Count is the number of pods that the controller creates at once, at least 1.
	Count int
	// Indexed says that the pods are those of an Indexed Job.
	Indexed bool
}

// Error says what is wrong with an object of a manifest.
type Error struct {
	// Document is the number of the document, from 1.
	Document int
	// Object is the kind and the name as far as they are known.
	Object string
	// Field is the path of the field; empty if the object as a whole is wrong.
	Field string
	// Detail is a sentence.
	Detail string
}

// Error returns the problem with its place.
func (e *Error) Error() string { return e.Location() + ": " + e.Detail }

// Location returns where the problem is, such as document 2, Job/training, spec.parallelism.
func (e *Error) Location() string {
	place := []string{fmt.Sprintf("document %d", e.Document)}
	for _, part := range []string{e.Object, e.Field} {
		if part != "" {
			place = append(place, part)
		}
	}
	return strings.Join(place, ", ")
}

// Parse reads the objects of a manifest: YAML with any number of documents, or JSON. An object without a namespace is in the one given. The
// error has an *Error for each object that is wrong.
func Parse(manifest []byte, namespace string) ([]Object, error) {
	documents, err := split(manifest)
	if err != nil {
		return nil, err
	}
	var objects []Object
	var wrong []error
	pods := 0
	for i, document := range documents {
		found, err := parseDocument(i+1, document, namespace)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if objects = append(objects, found...); len(objects) > MaxObjects {
			return nil, fmt.Errorf("the manifest has more than %d objects: divide it", MaxObjects)
		}
		for j := range found {
			pods += found[j].pods()
		}
	}
	switch {
	case len(wrong) > 0:
		return nil, errors.Join(wrong...)
	case len(objects) == 0:
		return nil, errors.New("the manifest is empty: it has no object")
	case pods > MaxPods:
		return nil, fmt.Errorf("the objects make %d pods: at most %d can be read at a time", pods, MaxPods)
	}
	return objects, nil
}

// Sets returns the pods that the objects make.
func Sets(objects []Object) []Set {
	var sets []Set
	for i := range objects {
		sets = append(sets, objects[i].Sets...)
	}
	return sets
}

// PodSets returns the sets as the scheduler is asked about them.
func PodSets(sets []Set) []answers.PodSet {
	asked := make([]answers.PodSet, len(sets))
	for i := range sets {
		asked[i] = answers.PodSet{Pod: sets[i].Pod, Count: sets[i].Count, Indexed: sets[i].Indexed}
	}
	return asked
}

// made returns a pod that a controller makes from a template. The UIDs of controllers tell gangs apart, so one that does not exist yet has
// one made from its name.
func (o *Object) made(template *corev1.PodTemplateSpec, by owner, labels map[string]string) corev1.Pod {
	pod := corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: by.name + "-", Namespace: o.Namespace, Annotations: template.Annotations, Finalizers: template.Finalizers,
			Labels: map[string]string{},
		},
		Spec: template.Spec,
	}
	maps.Copy(pod.Labels, template.Labels)
	maps.Copy(pod.Labels, labels)
	controls := true
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: by.apiVersion, Kind: by.kind, Name: by.name, UID: uidOf(by.kind, by.name), Controller: &controls,
	}}
	return pod
}

// owner is the controller of a pod.
type owner struct{ apiVersion, kind, name string }

// uidOf is the UID of an object that does not exist yet. The scheduler tells objects apart by it, and the labels of Jobs have it, so that
// it is short enough to be one.
func uidOf(kind, name string) types.UID {
	const longest = 63
	uid := "new-" + strings.ToLower(kind) + "-" + name
	if len(uid) > longest {
		uid = uid[:longest-1] + "x"
	}
	return types.UID(uid)
}

func (o *Object) pods() int {
	pods := 0
	for i := range o.Sets {
		pods += o.Sets[i].Count
	}
	return pods
}

func (o *Object) id() string {
	if o.Name == "" {
		return o.Kind
	}
	return o.Kind + "/" + o.Name
}

// wrong returns the error that says what is wrong with a field of the object.
func (o *Object) wrong(field, format string, args ...any) error {
	return &Error{Document: o.Document, Object: o.id(), Field: field, Detail: fmt.Sprintf(format, args...)}
}

// add adds a set of pods to the object. It leaves out an empty one.
func (o *Object) add(pod corev1.Pod, count int, indexed bool) {
	if count > 0 {
		o.Sets = append(o.Sets, Set{Object: o.id(), Namespace: o.Namespace, Pod: pod, Count: count, Indexed: indexed})
	}
}
