package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientrest "k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// Object is an object that was created or deleted.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	UID        string `json:"uid,omitempty"`
	Gang       string `json:"gang,omitempty" doc:"The name of the gang that its pods are."`
}

// Submitted is what a submission created.
type Submitted struct {
	Items []Object `json:"items"`
}

type submitInput struct {
	InNamespace
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key again creates nothing, and has the same answer."`
	DryRun         bool   `query:"dryRun" doc:"The API server checks everything, and nothing is created."`
	RawBody        []byte
}

func (s *Server) submit(ctx context.Context, in *submitInput) (*answer[Submitted], error) {
	wanted, err := read(in.Namespace, in.RawBody)
	if err != nil {
		return nil, err
	}
	c := creation{server: s, namespace: in.Namespace, wanted: wanted}
	if key := in.IdempotencyKey; key != "" {
		marks := wanted.markedBy(key)
		c.marks = &marks
		if err := c.mayUseKey(ctx); err != nil {
			return nil, err
		}
	}
	if several := len(wanted.objects) > 1 || wanted.made != nil && wanted.made.Service != nil; several || in.DryRun {
		if err := c.createAll(ctx, metav1.DryRunAll); err != nil {
			return nil, err
		}
	}
	if !in.DryRun {
		c.items, c.objects = nil, nil
		if err := c.createAll(ctx, ""); err != nil {
			return nil, c.undo(ctx, err)
		}
	}
	return &answer[Submitted]{Submitted{Items: c.items}}, nil
}

// creation creates what a submission has.
type creation struct {
	server    *Server
	namespace string
	wanted    *submission
	// marks are nil without an Idempotency-Key.
	marks *marks
	items []Object
	// objects are those of the items, and the Service.
	objects []createdObject
}

// createdObject is an object that exists.
type createdObject struct {
	resource
	metav1.PartialObjectMetadata
	// found says that the same request with the same key created it before.
	found bool
}

// get reads the metadata that a request asks for.
func get(ctx context.Context, request *clientrest.Request, into any) error {
	text, err := answerOf(request.Do(ctx))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading what the API server answered: %w", err)
	}
	return nil
}

// answerOf returns what the API server answered, or its error with all that it says.
func answerOf(result clientrest.Result) ([]byte, error) {
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// Of objects and lists only the metadata is read.
const (
	metadataOnly       = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	metadataOfListOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
)

// createAll creates the objects, or lets the API server only check them.
func (c *creation) createAll(ctx context.Context, dryRun string) error {
	for i := range c.wanted.objects {
		o := &c.wanted.objects[i]
		object, err := c.create(ctx, c.wanted.resources[i], o.JSON, dryRun)
		if err != nil {
			return at(o.Document, len(c.wanted.objects), err)
		}
		c.items = append(c.items, Object{
			APIVersion: o.APIVersion, Kind: o.Kind, Namespace: c.namespace, Name: object.Name, UID: string(object.UID), Gang: gangOf(o),
		})
		if i == 0 && c.marks != nil && dryRun == "" {
			if err := c.decide(ctx); err != nil {
				return err
			}
		}
		if c.wanted.made == nil || c.wanted.made.Service == nil {
			continue
		}
		if err := c.createService(ctx, object, dryRun); err != nil {
			return err
		}
	}
	if dryRun == "" && slices.ContainsFunc(c.objects, func(o createdObject) bool { return o.found }) {
		return c.confirm(ctx)
	}
	return nil
}

// at says in which document an error is, if there are several.
func at(document, of int, err error) error {
	if status, ok := err.(*apierrors.StatusError); ok && of > 1 { //nolint:errorlint // as client-go returns it
		status.ErrStatus.Message = fmt.Sprintf("document %d: %s", document, status.ErrStatus.Message)
	}
	return err
}

// create creates an object, strictly. One that the same request created before is the same object.
func (c *creation) create(ctx context.Context, kind resource, text []byte, dryRun string) (*metav1.PartialObjectMetadata, error) {
	if c.marks == nil {
		return c.post(ctx, kind, text, dryRun)
	}
	text, name, err := c.marks.mark(text)
	if err != nil {
		return nil, fmt.Errorf("marking an object: %w", err)
	}
	const tries = 3
	for range tries {
		object, err := c.post(ctx, kind, text, dryRun)
		if !apierrors.IsAlreadyExists(err) {
			return object, err
		}
		object, err = c.again(ctx, objectID{kind, name}, err)
		if !apierrors.IsNotFound(err) {
			return object, err
		}
		// The request that created it has deleted it since.
	}
	return nil, changing(objectID{kind, name})
}

// post creates an object that does not exist.
func (c *creation) post(ctx context.Context, kind resource, text []byte, dryRun string) (*metav1.PartialObjectMetadata, error) {
	request := c.server.client.CoreV1().RESTClient().Post().AbsPath(kind.path(c.namespace)...).
		SetHeader("Content-Type", "application/json").SetHeader("Accept", metadataOnly).
		Param("fieldValidation", metav1.FieldValidationStrict).Body(text)
	if dryRun != "" {
		request = request.Param("dryRun", dryRun)
	}
	answer, err := answerOf(request.Do(ctx))
	if err != nil {
		return nil, err
	}
	var object metav1.PartialObjectMetadata
	if err := json.Unmarshal(answer, &object); err != nil {
		return nil, fmt.Errorf("reading what the API server created: %w", err)
	}
	if dryRun == "" {
		c.objects = append(c.objects, createdObject{kind, object, false})
	}
	return &object, nil
}

// again returns the object that exists already, if the same request with the same key created it.
func (c *creation) again(ctx context.Context, id objectID, exists error) (*metav1.PartialObjectMetadata, error) {
	var found metav1.PartialObjectMetadata
	err := get(ctx, c.server.client.CoreV1().RESTClient().Get().AbsPath(append(id.kind.path(c.namespace), id.name)...).
		SetHeader("Accept", metadataOnly), &found)
	switch {
	case err != nil:
		return nil, err
	case found.Labels[keyLabel] != c.marks.key:
		return nil, exists
	case found.Annotations[contentAnnotation] != c.marks.content:
		return nil, differs()
	case found.DeletionTimestamp != nil:
		return nil, changing(id)
	}
	c.objects = append(c.objects, createdObject{id.kind, found, true})
	return &found, nil
}

// createService creates the Service of a Job.
func (c *creation) createService(ctx context.Context, job *metav1.PartialObjectMetadata, dryRun string) error {
	service := c.wanted.made.Service.DeepCopy()
	if dryRun == "" {
		of := &batchv1.Job{ObjectMeta: job.ObjectMeta}
		jobs.OwnedBy(service, of)
	}
	text, err := json.Marshal(service)
	if err != nil {
		return fmt.Errorf("writing the Service: %w", err)
	}
	_, err = c.create(ctx, serviceResource(), text, dryRun)
	return err
}

// undo deletes what was created before an error, so that a submission is created whole or not at all. It returns the error. Of requests
// with one key, that are the same, only the one that created the first object does so: the others cannot know whether it was served.
func (c *creation) undo(ctx context.Context, cause error) error {
	if len(c.objects) == 0 || c.objects[0].found {
		return cause
	}
	// The caller may be gone, or out of time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.server.options.Limits.Timeout)
	defer cancel()
	var left []string
	propagation := metav1.DeletePropagationBackground
	for i := len(c.objects) - 1; i >= 0; i-- {
		o := &c.objects[i]
		err := c.server.client.CoreV1().RESTClient().Delete().AbsPath(append(o.path(c.namespace), o.Name)...).
			Body(&metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(o.UID)), PropagationPolicy: &propagation}).
			Do(ctx).Error()
		if err != nil && !apierrors.IsNotFound(err) {
			left = append(left, o.resource.name+"/"+o.Name)
		}
	}
	if len(left) == 0 {
		return cause
	}
	wrong := asProblem(ctx, cause)
	return problem(statusOf(wrong), wrong.Error()+"; what was created before could not be deleted: "+strings.Join(left, ", "))
}
