package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/workload"
)

// apiPrefix is what the paths begin with that need a caller.
const apiPrefix = "/api/v1/"

// maxBody is the maximum size of a request's body: that of a manifest.
const maxBody = workload.MaxBytes

// Handler returns the handler of all requests.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// serve finds the route, counts the request, and answers one that nobody handles.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &recorded{ResponseWriter: w}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	_, route := s.mux.Handler(r)
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // what net/http compares
			klog.FromContext(r.Context()).Error(fmt.Errorf("%v", p), "Serving a request panicked", "route", route)
			if seen.status == 0 {
				writeProblem(seen, problem(http.StatusInternalServerError, "the request could not be served"))
			}
		}
		s.metrics.served(routeName(route), seen.code(), time.Since(began))
	}()
	switch {
	case route == "":
		s.serveUnknown(seen, r)
	case strings.Contains(route, " "+apiPrefix):
		s.serveCaller(seen, r, route)
	default:
		s.mux.ServeHTTP(seen, r)
	}
}

// routeName is the route in metrics.
func routeName(route string) string {
	if route == "" {
		return "none"
	}
	return route
}

// serveUnknown answers a request for which there is no route as a problem.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	said := &discarded{header: http.Header{}}
	s.mux.ServeHTTP(said, &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}})
	if said.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", said.header.Get("Allow"))
		writeProblem(w, problem(http.StatusMethodNotAllowed, "this path has the methods "+said.header.Get("Allow")))
		return
	}
	writeProblem(w, problem(http.StatusNotFound, "there is no such path: /openapi.json lists all"))
}

// discarded takes an answer of which only the status and the header count.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header            { return d.header }
func (d *discarded) Write(part []byte) (int, error) { return len(part), nil }
func (d *discarded) WriteHeader(status int)         { d.status = status }

// serveCaller serves a request that needs a caller, within the limits.
func (s *Server) serveCaller(w *recorded, r *http.Request, route string) {
	token := tokenOf(r)
	if token == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeProblem(w, problem(http.StatusUnauthorized, detailUnauthorized))
		return
	}
	known := fingerprintOf(token)
	if ok, retry := s.limits.admit(known, addressOf(r), time.Now()); !ok {
		writeProblem(w, tooMany("there are too many requests from you: try again later", seconds(retry)))
		return
	}
	body, err := s.readBody(w, r)
	if err != nil {
		writeProblem(w, err)
		return
	}
	release, err := s.limits.take(known, route)
	if err != nil {
		writeProblem(w, err)
		return
	}
	defer release()
	ctx := withCaller(r.Context(), &caller{token: token, accepted: func() { s.limits.accept(known) }})
	gauge := s.metrics.watches
	if route != watchRoute {
		gauge = s.metrics.inFlight
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.options.Limits.Timeout)
		defer cancel()
		deadline(w, 2*s.options.Limits.Timeout)
	}
	gauge.Inc()
	defer gauge.Dec()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mux.ServeHTTP(w, r)
}

// deadline ends a connection to a caller who does not read for so long.
func deadline(w http.ResponseWriter, after time.Duration) {
	// A writer that has no deadline is one of a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(after))
}

// readBody reads the body before the request takes one of the places in flight, so that slow callers take none.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	release, ok := tryAcquire(s.limits.bodies)
	if !ok {
		return nil, tooMany("there are too many requests at the moment: try again", "1")
	}
	defer release()
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.options.Limits.BodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return body, nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge()
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		w.Header().Set("Connection", "close")
		return nil, problem(http.StatusRequestTimeout, "the body of the request did not come in time")
	}
	return nil, problem(http.StatusBadRequest, "the body of the request ended before it was complete")
}

func tooLarge() error {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body of the request has more than %d bytes", maxBody))
}

// recorded remembers the status of an answer.
type recorded struct {
	http.ResponseWriter
	status int
}

// WriteHeader writes the status.
func (w *recorded) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a part of the body.
func (w *recorded) Write(part []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(part)
}

// Unwrap returns the writer of net/http, which has deadlines and can flush.
func (w *recorded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorded) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

type stopKey struct{}

// WithStop returns a context for requests, in which watches end when stop is done. Other requests go on until they are served.
func WithStop(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

// untilStop returns a context that is also done when the process shuts down.
func untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop, ok := ctx.Value(stopKey{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	done := context.AfterFunc(stop, cancel)
	return ctx, func() {
		done()
		cancel()
	}
}
