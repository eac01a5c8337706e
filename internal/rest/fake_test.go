package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientrest "k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// The callers of the tests: each token may do everything in one namespace.
const (
	ann    = "token-of.ann"   // in team-a
	bob    = "token-of.bob"   // in team-b
	admin  = "token-of.admin" // in all
	forged = "forged"
)

// apiServer is an API server that keeps objects, and knows which token may use which namespace.
type apiServer struct {
	*httptest.Server
	mu sync.Mutex
	// objects are by path.
	objects map[string]map[string]any
	// asked are the requests: token, method and path with query.
	asked []string
	// answer answers in place of the server, if it returns true.
	answer func(w http.ResponseWriter, r *http.Request) bool
	uid    int
	// history are the objects that were created and deleted by requests, in this order.
	history []written
}

// written is an object at a resource version, nil if it was deleted.
type written struct {
	version int
	path    string
	object  map[string]any
}

func newAPIServer(t testing.TB) *apiServer {
	a := &apiServer{objects: map[string]map[string]any{}}
	a.Server = httptest.NewUnstartedServer(a)
	a.Config.ErrorLog = nil
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *apiServer) config() *clientrest.Config {
	return &clientrest.Config{
		Host: a.URL, BearerToken: "must-not-be-used", Username: "nobody", Password: "secret",
		TLSClientConfig: clientrest.TLSClientConfig{Insecure: true},
	}
}

// mayUse is the namespace that a token may use; * for all.
func mayUse(token string) string {
	return map[string]string{ann: "team-a", bob: "team-b", admin: "*"}[token]
}

// userOf is who has a token.
func userOf(token string) string { return "user-of-" + mayUse(token) }

func namespaceOf(path string) string {
	_, rest, _ := strings.Cut(path, "/namespaces/")
	namespace, _, _ := strings.Cut(rest, "/")
	return namespace
}

// send sends an object. Who is gone reads none.
func send(w io.Writer, object any) { _ = json.NewEncoder(w).Encode(object) }

func refuse(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	send(w, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: message,
	})
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	a.asked = append(a.asked, token+" "+r.Method+" "+r.URL.RequestURI())
	answer := a.answer
	a.mu.Unlock()
	allowed := mayUse(token)
	switch {
	case answer != nil && answer(w, r):
	case allowed == "":
		refuse(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized")
	case r.URL.Path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		send(w, map[string]any{"status": map[string]any{"userInfo": map[string]any{"username": userOf(token)}}})
	case allowed != "*" && allowed != namespaceOf(r.URL.Path):
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "forbidden: you may not do that in "+namespaceOf(r.URL.Path))
	default:
		a.store(w, r)
	}
}

func (a *apiServer) store(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path, parts := r.URL.Path, strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	w.Header().Set("Content-Type", "application/json")
	switch object := a.objects[path]; {
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		var created map[string]any
		if json.Unmarshal(body, &created) != nil {
			refuse(w, http.StatusBadRequest, metav1.StatusReasonBadRequest, "bad JSON")
			return
		}
		metadata := created["metadata"].(map[string]any)
		if metadata["name"] == nil {
			a.uid++
			metadata["name"] = fmt.Sprint(metadata["generateName"], a.uid)
		}
		path += "/" + metadata["name"].(string)
		if a.objects[path] != nil {
			refuse(w, http.StatusConflict, metav1.StatusReasonAlreadyExists, fmt.Sprintf("%s already exists", path))
			return
		}
		a.uid++
		metadata["uid"], metadata["namespace"] = fmt.Sprintf("uid-%d", a.uid), namespaceOf(path)
		metadata["resourceVersion"], metadata["creationTimestamp"] = fmt.Sprint(a.uid), "2026-01-02T03:04:05Z"
		if r.URL.Query().Get("dryRun") == "" {
			a.objects[path] = created
			a.history = append(a.history, written{a.uid, path, created})
		}
		w.WriteHeader(http.StatusCreated)
		send(w, created)
	case object != nil && r.Method == http.MethodDelete:
		var options metav1.DeleteOptions
		uid := object["metadata"].(map[string]any)["uid"]
		if json.NewDecoder(r.Body).Decode(&options) == nil && options.Preconditions != nil && string(*options.Preconditions.UID) != uid {
			refuse(w, http.StatusConflict, metav1.StatusReasonConflict, "it is another object")
			return
		}
		delete(a.objects, path)
		a.uid++
		a.history = append(a.history, written{a.uid, path, nil})
		send(w, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Success"})
	case object != nil:
		send(w, object)
	case parts[len(parts)-1] == "log":
		fmt.Fprint(w, "a line of "+parts[len(parts)-2]+"\n")
	case strings.HasSuffix(path, "s") && r.Method == http.MethodGet:
		a.list(w, r)
	default:
		refuse(w, http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf("%s not found", parts[len(parts)-1]))
	}
}

func (a *apiServer) list(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	key, value, _ := strings.Cut(r.URL.Query().Get("labelSelector"), "=")
	objects := a.objects
	if r.URL.Query().Get("resourceVersionMatch") == "Exact" {
		objects = a.at(r.URL.Query().Get("resourceVersion"))
	}
	for path, object := range objects {
		labels, _ := object["metadata"].(map[string]any)["labels"].(map[string]any)
		resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/"):]
		below := strings.HasPrefix(path, r.URL.Path+"/") || !strings.Contains(r.URL.Path, "/namespaces/") && strings.Contains(path, resource+"/")
		if below && (key == "" || labels[key] == value) {
			items = append(items, object)
		}
	}
	send(w, map[string]any{"metadata": map[string]any{"resourceVersion": fmt.Sprint(a.uid)}, "items": items})
}

// at are the objects of a resource version.
func (a *apiServer) at(version string) map[string]map[string]any {
	until, _ := strconv.Atoi(version)
	then := map[string]map[string]any{}
	for _, w := range a.history {
		switch {
		case w.version > until:
		case w.object == nil:
			delete(then, w.path)
		default:
			then[w.path] = w.object
		}
	}
	return then
}

// put keeps an object.
func (a *apiServer) put(path string, object map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.objects[path] = object
}

// names are the paths of the objects that there are.
func (a *apiServer) has(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.objects[path] != nil
}

// requests are those that the server was asked, since the last call.
func (a *apiServer) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	return asked
}

// world is the API with an API server.
type world struct {
	testing.TB
	api *apiServer
	*rest.Server
}

func newWorld(t testing.TB, change func(*rest.Options)) *world {
	api := newAPIServer(t)
	options := rest.Options{
		APIServer: api.config(), Version: "test", SchedulerNames: []string{"kubenexus-scheduler"}, Limits: rest.DefaultLimits(),
		Queues: types.NamespacedName{Namespace: "kube-system", Name: "kubenexus-queues"},
	}
	options.Limits.Timeout = 20 * time.Second
	if change != nil {
		change(&options)
	}
	server, err := rest.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, api, server}
}

// do makes a request.
func (w *world) do(token, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	w.Handler().ServeHTTP(answer, r)
	return answer
}

// wants checks the status of an answer, and that each text is in it.
func (w *world) wants(answer *httptest.ResponseRecorder, status int, texts ...string) {
	w.Helper()
	body := answer.Body.String()
	if answer.Code != status {
		w.Errorf("the status is %d, want %d: %s", answer.Code, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			w.Errorf("no %s in: %s", text, body)
		}
	}
	if answer.Code >= 400 {
		checkProblem(w, answer)
	}
}

// checkProblem checks that an error is a problem that says nothing of the API server.
func checkProblem(t testing.TB, answer *httptest.ResponseRecorder) {
	t.Helper()
	var p struct {
		Title, Detail string
		Status        int
	}
	err := json.Unmarshal(answer.Body.Bytes(), &p)
	if err != nil || p.Status != answer.Code || p.Title == "" || p.Detail == "" || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("not a problem: %d %v %s (%v)", answer.Code, answer.Header(), answer.Body, err)
	}
	for _, secret := range []string{"127.0.0.1", "dial tcp", "goroutine", ".go:", "must-not-be-used", ann, bob, admin} {
		if strings.Contains(answer.Body.String(), secret) {
			t.Errorf("%q leaked: %s", secret, answer.Body)
		}
	}
}
