package page_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/page"
)

func get(t *testing.T, path string, header map[string]string) *http.Response {
	t.Helper()
	p, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, pattern := range p.Paths() {
		mux.Handle(pattern, p)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, from io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	answer := get(t, "/", nil)
	text := body(t, answer.Body)
	if answer.StatusCode != http.StatusOK || !strings.Contains(text, `src="./assets/page.js"`) {
		t.Fatalf("status %d, %s", answer.StatusCode, text)
	}
	if strings.Contains(text, "<style") || strings.Contains(text, "://") || strings.Contains(text, " style=") {
		t.Errorf("the page has something inline, or from elsewhere, which its policy forbids:\n%s", text)
	}
	allowed := answer.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(allowed, directive) {
			t.Errorf("the policy %q has no %s", allowed, directive)
		}
	}
	if strings.Contains(allowed, "unsafe") {
		t.Errorf("the policy %q allows what is unsafe", allowed)
	}
}

func TestFilesAreCompressedAndKept(t *testing.T) {
	plain := get(t, "/assets/page.js", nil)
	if kind := plain.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/javascript") {
		t.Errorf("the script is of the type %q", kind)
	}
	packed := get(t, "/assets/page.js", map[string]string{"Accept-Encoding": "gzip, br"})
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body(t, unpacked) != body(t, plain.Body) {
		t.Error("the compressed file is another one")
	}
	again := get(t, "/assets/page.js", map[string]string{"If-None-Match": plain.Header.Get("ETag")})
	if again.StatusCode != http.StatusNotModified || body(t, again.Body) != "" {
		t.Errorf("a file that the browser has was sent again: status %d", again.StatusCode)
	}
}

func TestThereIsNothingElse(t *testing.T) {
	for _, path := range []string{"/index.html", "/assets/", "/dist/index.html", "/assets/none.js"} {
		if answer := get(t, path, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
}
