package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// Job is a Job and how far it is.
type Job struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       string    `json:"uid"`
	Gang      string    `json:"gang,omitempty" doc:"The name of the gang that its pods are."`
	Created   time.Time `json:"created"`
	State     JobState  `json:"state" enum:"Pending,Running,Suspended,Succeeded,Failed,Terminating"`
	Pods      int       `json:"pods" doc:"How many pods it wants at once."`
	Active    int       `json:"active" doc:"How many of its pods have not ended."`
	Ready     int       `json:"ready" doc:"How many of its pods are ready."`
	Succeeded int       `json:"succeeded"`
	Failed    int       `json:"failed"`
	Why       string    `json:"why,omitempty" doc:"Why it failed, or is suspended."`
}

// JobState is how far a Job is.
type JobState string

// The states of a Job.
const (
	JobPending     JobState = "Pending" // none of its pods is ready
	JobRunning     JobState = "Running"
	JobSuspended   JobState = "Suspended"
	JobSucceeded   JobState = "Succeeded"
	JobFailed      JobState = "Failed"
	JobTerminating JobState = "Terminating"
)

// Jobs are the Jobs of a namespace.
type Jobs struct {
	Items []Job `json:"items"`
	// Continue is for the next page; empty if there is none.
	Continue string `json:"continue,omitempty" doc:"The value of the parameter continue that gets the next page."`
}

// jobOf returns what the API says of a Job.
func jobOf(j *batchv1.Job) Job {
	job := Job{
		Namespace: j.Namespace, Name: j.Name, UID: string(j.UID), Gang: jobs.GangOf(j), Created: j.CreationTimestamp.Time,
		State:  JobPending,
		Active: int(j.Status.Active), Succeeded: int(j.Status.Succeeded), Failed: int(j.Status.Failed),
	}
	if j.Spec.Parallelism != nil {
		job.Pods = int(*j.Spec.Parallelism)
	}
	if j.Status.Ready != nil {
		job.Ready = int(*j.Status.Ready)
	}
	if job.Ready > 0 {
		job.State = JobRunning
	}
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobSuspended:
			job.State, job.Why = JobSuspended, c.Message
		case batchv1.JobComplete:
			job.State = JobSucceeded
		case batchv1.JobFailed:
			job.State, job.Why = JobFailed, c.Message
		default: // it says that one of these is coming
		}
	}
	if j.DeletionTimestamp != nil {
		job.State = JobTerminating
	}
	return job
}

// InNamespace is what all routes of a namespace have in their path.
type InNamespace struct {
	Namespace string `path:"namespace" maxLength:"63" example:"team-a" doc:"The namespace."`
}

// Resolve refuses a namespace that cannot exist.
func (in *InNamespace) Resolve(huma.Context) []error {
	return checkNamespace("path.namespace", in.Namespace)
}

func checkNamespace(location, namespace string) []error {
	return checked(location, validation.IsDNS1123Label(namespace))
}

func checkName(name string) []error { return checked("path.name", validation.IsDNS1123Subdomain(name)) }

func checked(location string, wrong []string) []error {
	if len(wrong) == 0 {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: location, Message: wrong[0]}}
}

// OfJob is what all routes of a Job have in their path.
type OfJob struct {
	InNamespace
	Name string `path:"name" maxLength:"253" example:"training" doc:"The name of the Job."`
}

// Resolve refuses a name that cannot exist.
func (in *OfJob) Resolve(ctx huma.Context) []error {
	return append(in.InNamespace.Resolve(ctx), checkName(in.Name)...)
}

// answer is a body, as huma wants it.
type answer[T any] struct{ Body T }

// fieldError is what is wrong with a field.
func fieldError(location, message string) answers.FieldError {
	return answers.FieldError{Location: location, Message: message}
}

// register adds a route, of which every error becomes a problem.
func register[I, O any](api huma.API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	op.MaxBodyBytes = -1 // the body was read before
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, asProblem(ctx, err)
		}
		return out, nil
	})
}

func (s *Server) registerJobs(api huma.API) {
	const path = apiPrefix + "namespaces/{namespace}/jobs"
	tags := []string{"Jobs"}
	register(api, huma.Operation{
		OperationID: "submit", Method: http.MethodPost, Path: path, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Submit a gang",
		Description: "The body is a request for a Job, in JSON, or a manifest with Jobs, JobSets and pods, in YAML or JSON. All of it is " +
			"created, or nothing.",
		Errors: []int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge},
	}, s.submit)
	register(api, huma.Operation{
		OperationID: "listJobs", Method: http.MethodGet, Path: path, Tags: tags, Summary: "List the Jobs of a namespace",
	}, s.listJobs)
	register(api, huma.Operation{
		OperationID: "getJob", Method: http.MethodGet, Path: path + "/{name}", Tags: tags, Summary: "Get a Job",
		Errors: []int{http.StatusNotFound},
	}, s.getJob)
	register(api, huma.Operation{
		OperationID: "cancelJob", Method: http.MethodDelete, Path: path + "/{name}", Tags: tags, Summary: "Cancel a Job",
		Description: "The Job, its pods and its Service are deleted.", Errors: []int{http.StatusNotFound},
	}, s.cancelJob)
	register(api, huma.Operation{
		OperationID: "getLogs", Method: http.MethodGet, Path: path + "/{name}/logs", Tags: tags, Summary: "Get the log of a pod of a Job",
		Errors:    []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {Description: "The log", Content: textContent("text/plain")}},
	}, s.getLogs)
	register(api, huma.Operation{
		OperationID: "listEvents", Method: http.MethodGet, Path: path + "/{name}/events", Tags: tags,
		Summary: "List the events of a Job and its pods", Errors: []int{http.StatusNotFound},
	}, s.listEvents)
}

func textContent(mediaType string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString}}}
}

type listJobsInput struct {
	InNamespace
	Limit    int64  `query:"limit" minimum:"1" maximum:"500" default:"500" doc:"How many Jobs a page has at most."`
	Continue string `query:"continue" maxLength:"4096" doc:"What the page before says in continue."`
}

func (s *Server) listJobs(ctx context.Context, in *listJobsInput) (*answer[Jobs], error) {
	list, err := s.client.BatchV1().Jobs(in.Namespace).List(ctx, metav1.ListOptions{Limit: in.Limit, Continue: in.Continue})
	if err != nil {
		return nil, err
	}
	found := Jobs{Items: make([]Job, len(list.Items)), Continue: list.Continue}
	for i := range list.Items {
		found.Items[i] = jobOf(&list.Items[i])
	}
	return &answer[Jobs]{found}, nil
}

func (s *Server) getJob(ctx context.Context, in *OfJob) (*answer[Job], error) {
	job, err := s.client.BatchV1().Jobs(in.Namespace).Get(ctx, in.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &answer[Job]{jobOf(job)}, nil
}

func (s *Server) cancelJob(ctx context.Context, in *OfJob) (*answer[Object], error) {
	propagation := metav1.DeletePropagationBackground
	err := s.client.BatchV1().Jobs(in.Namespace).Delete(ctx, in.Name, metav1.DeleteOptions{PropagationPolicy: &propagation})
	if err != nil {
		return nil, err
	}
	return &answer[Object]{Object{APIVersion: "batch/v1", Kind: "Job", Namespace: in.Namespace, Name: in.Name}}, nil
}
