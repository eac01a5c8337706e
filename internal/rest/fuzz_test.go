package rest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// hostile are texts that break programs.
func hostile() []string {
	return []string{
		"", "{}", "[]", "null", `{"name": "x"}`, training, `{"name": null, "replicas": 1e400}`, strings.Repeat("[", 100_000),
		`{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "../../secrets/x"}}`, "a: &a [*a]", "\x00\xff", "---\n---",
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "kube-system"}, "spec": {"containers": [{}]}}`,
		"..%2f..%2fapi%2fv1%2fsecrets", "a/b", "%00", "' OR 1=1 --", "<script>", "x\r\nAuthorization: Bearer y", "2147483648", "-1",
	}
}

// FuzzRoutes shows of each route that whatever is in its path, query, headers and body gets an answer without a 5xx, that an error is a problem
// which leaks nothing, and that the API server is asked with the caller's token and about the caller's namespace only.
func FuzzRoutes(f *testing.F) {
	for i := range routes() {
		for _, text := range hostile() {
			f.Add(i, ann, "", text, "")
			f.Add(i, ann, text, "", "")
			f.Add(i, text, "", text, text)
			f.Add(i, ann, "?limit="+url.QueryEscape(text)+"&tail="+url.QueryEscape(text), training, text)
		}
	}
	w := newWorld(f, func(o *rest.Options) {
		o.Scheduler = &scheduler{}
		o.Limits.Burst, o.Limits.StrangersBurst = 1<<40, 1<<40
	})
	w.api.answer = func(to http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") == "" {
			return false
		}
		refuse(to, http.StatusForbidden, "Forbidden", "you may not watch") // so that a watch ends
		return true
	}
	f.Fuzz(func(t *testing.T, route int, token, suffix, body, header string) {
		all := routes()
		if route < 0 || route >= len(all) {
			return
		}
		method, path := all[route][0], all[route][1]
		target, err := url.Parse(path + suffix)
		if err != nil {
			target = &url.URL{Path: path + "/" + url.PathEscape(suffix)}
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL = target
		r.Header["Authorization"] = []string{"Bearer " + token}
		r.Header["Idempotency-Key"], r.Header["Last-Event-Id"], r.Header["Content-Type"] = []string{header}, []string{header}, []string{header}
		answer := httptest.NewRecorder()
		w.Handler().ServeHTTP(answer, r)
		if answer.Code >= 500 {
			t.Errorf("%s %s answers %d %s", method, target, answer.Code, answer.Body)
		}
		if answer.Code >= 400 {
			checkProblem(t, answer)
		}
		for _, asked := range w.api.requests() {
			used, of, _ := strings.Cut(asked, " ")
			if used != token && used != strings.TrimSpace(token) {
				t.Errorf("%s %s with the token %q was made at the API server with %q", method, target, token, used)
			}
			if !ofGangs(of) && of != "POST /apis/authentication.k8s.io/v1/selfsubjectreviews" {
				t.Errorf("%s %s asked the API server for %s", method, target, of)
			}
		}
	})
}

// ofGangs reports whether a request to the API server is about what makes gangs, and not about Secrets, say.
func ofGangs(of string) bool {
	path, _, _ := strings.Cut(of, "?")
	for _, resource := range []string{"/pods", "/jobs", "/services", "/jobsets", "/events", "/nodes", "/configmaps/kubenexus-queues"} {
		if strings.Contains(path, resource) {
			return true
		}
	}
	return false
}
