package rest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// problem returns an error as RFC 9457 has it.
func problem(status int, detail string, fields ...answers.FieldError) *huma.ErrorModel {
	p := &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail}
	for _, f := range fields {
		p.Errors = append(p.Errors, &huma.ErrorDetail{Location: f.Location, Message: f.Message})
	}
	return p
}

// The details of problems that have several causes.
const (
	detailUnauthorized = "the request needs a bearer token that Kubernetes accepts, in the header Authorization"
	detailUnavailable  = "the API server of Kubernetes cannot be reached: try again"
	detailInternal     = "something went wrong in the API server of Kubernetes: try again, and tell who runs the cluster if it stays"
	detailInvalid      = "the request has fields that are wrong"
)

// asProblem returns the problem that an error is to the caller. What is no concern of the caller is logged, and left out.
func asProblem(ctx context.Context, err error) error {
	if p, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return p
	}
	if p, ok := errors.AsType[*answers.Problem](err); ok {
		return ofScheduler(ctx, p)
	}
	if invalid, ok := errors.AsType[jobs.Invalid](err); ok {
		for i := range invalid {
			invalid[i].Location = "body." + invalid[i].Location
		}
		return problem(http.StatusUnprocessableEntity, detailInvalid, invalid...)
	}
	if p := ofManifest(err); p != nil {
		return p
	}
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return ofAPIServer(ctx, status)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, "the API server of Kubernetes did not answer in time: try again")
	case errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "the request was given up")
	}
	klog.FromContext(ctx).Error(err, "A request failed")
	return problem(http.StatusServiceUnavailable, detailUnavailable)
}

// ofScheduler returns a problem of the scheduler as ours.
func ofScheduler(ctx context.Context, p *answers.Problem) error {
	if p.Status < http.StatusBadRequest || p.Status > 599 {
		klog.FromContext(ctx).Error(p, "The scheduler answered with a problem that is none", "status", p.Status)
		return problem(http.StatusBadGateway, "the scheduler's answer cannot be understood")
	}
	return problem(p.Status, p.Detail, p.Errors...)
}

// ofManifest returns the problem of a manifest that is wrong; nil if the error is another.
func ofManifest(err error) error {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	var fields []answers.FieldError
	for _, one := range all {
		wrong, ok := errors.AsType[*workload.Error](one)
		if !ok {
			return nil
		}
		fields = append(fields, answers.FieldError{Location: "body: " + wrong.Location(), Message: wrong.Detail})
	}
	return problem(http.StatusUnprocessableEntity, "the manifest has objects that are wrong", fields...)
}

// ofAPIServer returns an error of the API server as a problem with the same status. Its message names objects that the caller named, and is
// for the caller, unless it is about the API server itself.
func ofAPIServer(ctx context.Context, of *apierrors.StatusError) error {
	status := of.Status()
	switch code := int(status.Code); {
	case code == http.StatusUnauthorized:
		return huma.ErrorWithHeaders(problem(code, detailUnauthorized), http.Header{"Www-Authenticate": {"Bearer"}})
	case code == http.StatusTooManyRequests:
		return tooMany("the API server of Kubernetes has too much to do: try again later", retryAfter(&status))
	case code < http.StatusBadRequest || code >= http.StatusInternalServerError:
		klog.FromContext(ctx).Info("The API server answered with an error", "code", code, "message", status.Message)
		if code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout {
			return problem(http.StatusServiceUnavailable, detailUnavailable)
		}
		return problem(http.StatusBadGateway, detailInternal)
	}
	var fields []answers.FieldError
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			fields = append(fields, answers.FieldError{Location: cause.Field, Message: cause.Message})
		}
	}
	return problem(int(status.Code), status.Message, fields...)
}

// tooMany returns the problem of a request that has to come later.
func tooMany(detail, after string) error {
	return huma.ErrorWithHeaders(problem(http.StatusTooManyRequests, detail), http.Header{"Retry-After": {after}})
}

// writeProblem answers a request with a problem.
func writeProblem(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*huma.ErrorModel](err)
	if !ok {
		p = problem(http.StatusInternalServerError, "the request could not be served")
	}
	if with, has := errors.AsType[huma.HeadersError](err); has {
		maps.Copy(w.Header(), with.GetHeaders())
	}
	body, err := json.Marshal(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	writeBody(w, body)
}

// writeBody writes to a caller who may be gone.
func writeBody(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }

// retryAfter is when the API server wants to be asked again.
func retryAfter(status *metav1.Status) string {
	if status.Details == nil || status.Details.RetryAfterSeconds < 1 {
		return "1"
	}
	return strconv.Itoa(int(status.Details.RetryAfterSeconds))
}

// statusOf is the status of a problem.
func statusOf(err error) int {
	if p, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return p.Status
	}
	return http.StatusInternalServerError
}
