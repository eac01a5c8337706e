package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	kjson "sigs.k8s.io/json"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// submission is what a caller wants to create: a request, or the objects of a manifest.
type submission struct {
	objects []workload.Object
	// resources are those of the objects, in their order.
	resources []resource
	// made is not nil for a request: it may have a Service.
	made *jobs.Objects
}

// resource is where the API server has objects of a kind.
type resource struct{ prefix, name string }

// path is the path of the objects of a namespace.
func (r resource) path(namespace string) []string {
	return []string{r.prefix, "namespaces", namespace, r.name}
}

// resourceOf returns the resource of a kind that makes a gang by itself. Others are not created here.
func resourceOf(apiVersion, kind string) (resource, bool) {
	switch apiVersion + " " + kind {
	case "batch/v1 Job":
		return jobResource(), true
	case "v1 Pod":
		return podResource(), true
	case "jobset.x-k8s.io/v1alpha2 JobSet":
		return jobSetResource(), true
	}
	return resource{}, false
}

func podResource() resource     { return resource{"/api/v1", "pods"} }
func jobResource() resource     { return resource{"/apis/batch/v1", "jobs"} }
func jobSetResource() resource  { return resource{"/apis/jobset.x-k8s.io/v1alpha2", "jobsets"} }
func serviceResource() resource { return resource{"/api/v1", "services"} }

// has reports whether the submission has objects of a kind.
func (s *submission) has(kind resource) bool { return slices.Contains(s.resources, kind) }

// hasObject reports whether the submission has an object.
func (s *submission) hasObject(id objectID) bool {
	for i, kind := range s.resources {
		if kind == id.kind && s.objects[i].Name == id.name {
			return true
		}
	}
	return false
}

// read reads the body of a submission: a request, or a manifest, which is YAML or has an apiVersion.
func read(namespace string, body []byte) (*submission, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, problem(http.StatusBadRequest, "the request has no body: give a request for a Job, or a manifest")
	}
	var s submission
	request, err := readRequest(namespace, body)
	if err != nil {
		return nil, err
	}
	if request != nil {
		made, err := request.Objects()
		if err != nil {
			return nil, err
		}
		s.made = &made
		if body, err = json.Marshal(made.Job); err != nil {
			return nil, fmt.Errorf("writing the Job: %w", err)
		}
	}
	if s.objects, err = workload.Parse(body, namespace); err != nil {
		if ofManifest(err) == nil {
			return nil, problem(http.StatusUnprocessableEntity, err.Error())
		}
		return nil, err
	}
	var wrong []error
	for i := range s.objects {
		o := &s.objects[i]
		kind, known := resourceOf(o.APIVersion, o.Kind)
		switch {
		case !known:
			wrong = append(wrong, &workload.Error{
				Document: o.Document, Object: o.Kind + "/" + o.Name, Field: "kind",
				Detail: fmt.Sprintf("%s of %s is not submitted here: give a Job, a JobSet of v1alpha2, or pods", o.Kind, o.APIVersion),
			})
		case o.Namespace != namespace:
			wrong = append(wrong, &workload.Error{
				Document: o.Document, Object: o.Kind + "/" + o.Name, Field: "metadata.namespace",
				Detail: "is not the namespace of the path: leave it out",
			})
		}
		s.resources = append(s.resources, kind)
	}
	return &s, errors.Join(wrong...)
}

// readRequest reads a request. It returns nil for a manifest.
func readRequest(namespace string, body []byte) (*jobs.Request, error) {
	trimmed := bytes.TrimSpace(body)
	if trimmed[0] != '{' {
		return nil, nil
	}
	var kind struct {
		APIVersion json.RawMessage `json:"apiVersion"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(trimmed, &kind); err != nil {
		return nil, problem(http.StatusBadRequest, "the body is not JSON: "+err.Error())
	}
	if kind.APIVersion != nil {
		return nil, nil
	}
	request := &jobs.Request{Namespace: namespace}
	unknown, err := kjson.UnmarshalStrict(trimmed, request)
	if err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, jobs.Invalid{{Location: wrong.Field, Message: "a " + wrong.Value + " is not what this field has"}}
		}
		return nil, problem(http.StatusBadRequest, "the body is not JSON: "+err.Error())
	}
	if len(unknown) == 0 {
		return request, nil
	}
	var invalid jobs.Invalid
	for _, problem := range unknown {
		location := ""
		if at, ok := errors.AsType[kjson.FieldError](problem); ok {
			location = at.FieldPath()
		}
		what, _, _ := bytes.Cut([]byte(problem.Error()), []byte(` "`))
		invalid = append(invalid, fieldError(location, string(what)))
	}
	return nil, invalid
}

// gang is the name of the gang of an object; empty if its pods are none.
func gangOf(o *workload.Object) string {
	if len(o.Sets) == 0 {
		return ""
	}
	pod := &o.Sets[0].Pod
	said := conventions.Pod{Labels: pod.Labels, Annotations: pod.Annotations}
	for _, by := range pod.OwnerReferences {
		said.Owner = conventions.Controller{Kind: by.Kind, Name: by.Name, UID: string(by.UID)}
	}
	spec, err := conventions.Parse(said)
	if err != nil || spec == nil || conventions.Identify(spec, said) != nil {
		return ""
	}
	return spec.Name
}

// The marks of objects that were submitted with an Idempotency-Key. Both are hashes.
const (
	keyLabel          = "kubenexus.io/idempotency-key"
	contentAnnotation = "kubenexus.io/submitted"
)

// marks are what an Idempotency-Key leaves on the objects.
type marks struct{ key, content string }

// markedBy returns the marks of a submission with a key.
func (s *submission) markedBy(key string) marks {
	content := sha256.New()
	for i := range s.objects {
		content.Write(s.objects[i].JSON)
		content.Write([]byte{0})
	}
	if s.made != nil && s.made.Service != nil {
		content.Write([]byte("service"))
	}
	hashed := sha256.Sum256([]byte(key))
	return marks{hex.EncodeToString(hashed[:16]), hex.EncodeToString(content.Sum(nil))}
}

// mark writes the marks on an object, and returns its name, too.
func (m marks) mark(object []byte) (marked []byte, name string, err error) {
	var fields map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(object, &fields); err != nil {
		return nil, "", err
	}
	metadata := fieldOf(fields, "metadata")
	fieldOf(metadata, "labels")[keyLabel] = m.key
	fieldOf(metadata, "annotations")[contentAnnotation] = m.content
	name, _ = metadata["name"].(string)
	marked, err = json.Marshal(fields)
	return marked, name, err
}

// fieldOf returns the mapping in a field, which it makes if there is none.
func fieldOf(of map[string]any, name string) map[string]any {
	fields, ok := of[name].(map[string]any)
	if !ok {
		fields = map[string]any{}
		of[name] = fields
	}
	return fields
}
