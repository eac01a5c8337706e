package scheduler

import (
	"bytes"
	"fmt"
	"net/http"

	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/mux"
)

// readyz is the path of readiness.
const readyz = "/readyz"

// explained is a mux whose /readyz says why a check failed. Upstream withholds that, because a check may say what not everybody may know.
// Those of this process say only whether it and its lease are well.
type explained struct {
	mux    *mux.PathRecorderMux
	checks []healthz.HealthChecker
}

// Handle has the handler answer requests of the path.
func (e explained) Handle(path string, handler http.Handler) {
	if path != readyz {
		e.mux.Handle(path, handler)
		return
	}
	e.mux.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(explaining{ResponseWriter: w, request: r, checks: e.checks}, r)
	}))
}

// explaining writes a response of healthz with the reasons in it.
type explaining struct {
	http.ResponseWriter
	request *http.Request
	checks  []healthz.HealthChecker
}

// Write writes the response, which comes in one piece if a check failed.
func (e explaining) Write(body []byte) (int, error) {
	written := len(body)
	for _, check := range e.checks {
		withheld := fmt.Appendf(nil, "[-]%s failed: reason withheld\n", check.Name())
		if !bytes.Contains(body, withheld) {
			continue
		}
		if err := check.Check(e.request); err != nil {
			body = bytes.Replace(body, withheld, fmt.Appendf(nil, "[-]%s failed: %v\n", check.Name(), err), 1)
		}
	}
	if _, err := e.ResponseWriter.Write(body); err != nil {
		return 0, err
	}
	return written, nil
}

// Unwrap returns what is written to.
func (e explaining) Unwrap() http.ResponseWriter { return e.ResponseWriter }
