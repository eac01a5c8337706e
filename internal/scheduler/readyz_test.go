package scheduler

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/mux"
)

// TestReadyzSaysWhyNot, for each check that fails.
func TestReadyzSaysWhyNot(t *testing.T) {
	var fails error
	checks := []healthz.HealthChecker{
		healthz.NamedCheck("well", func(*http.Request) error { return nil }),
		healthz.NamedCheck(leaderCheck, func(*http.Request) error { return fails }),
	}
	paths := mux.NewPathRecorderMux("test")
	healthz.InstallReadyzHandler(explained{mux: paths, checks: checks}, checks...)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		paths.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return w.Code, w.Body.String()
	}
	if code, body := get("/readyz?verbose"); code != http.StatusOK || !strings.Contains(body, "[+]leader ok\n") {
		t.Errorf("got %d %s, want that the leader is ok", code, body)
	}
	fails = errors.New("nobody leads")
	for _, path := range []string{"/readyz?verbose", "/readyz"} {
		code, body := get(path)
		if code != http.StatusInternalServerError || !strings.Contains(body, "[+]well ok\n[-]leader failed: nobody leads\n") {
			t.Errorf("%s: got %d %s, want 500 and why", path, code, body)
		}
	}
	if code, body := get("/readyz/leader"); code != http.StatusInternalServerError || !strings.Contains(body, "nobody leads") {
		t.Errorf("got %d %s, want 500 and why", code, body)
	}
}
