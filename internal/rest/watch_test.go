package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/rest"
)

// watchServer is an API over TLS, with an API server whose watches send what the test says.
type watchServer struct {
	*world
	served *httptest.Server
	events chan string
	// from are the versions from which the API server was watched.
	from chan string
}

func newWatchServer(t *testing.T, change func(*rest.Options)) *watchServer {
	w := &watchServer{world: newWorld(t, change), events: make(chan string), from: make(chan string, 10)}
	w.api.answer = func(to http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") == "" || mayUse(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) == "" {
			return false
		}
		w.from <- r.URL.Query().Get("resourceVersion")
		to.Header().Set("Content-Type", "application/json")
		to.WriteHeader(http.StatusOK)
		for {
			_ = http.NewResponseController(to).Flush()
			select {
			case <-r.Context().Done():
				return true
			case event, open := <-w.events:
				if !open || event == "end" {
					return true
				}
				fmt.Fprintln(to, event)
			}
		}
	}
	w.served = httptest.NewTLSServer(w.Handler())
	t.Cleanup(w.served.Close)
	return w
}

// event is what the API server sends of a pod.
func event(kind string, pod map[string]any) string {
	pod["kind"], pod["apiVersion"] = "Pod", "v1"
	text, _ := json.Marshal(map[string]any{"type": kind, "object": pod})
	return string(text)
}

// stream is a watch.
type stream struct {
	t      *testing.T
	lines  *bufio.Scanner
	status int
	cancel context.CancelFunc
}

func (w *watchServer) watch(t *testing.T, token, last string) *stream {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.served.URL+"/api/v1/watch?namespace=team-a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := w.served.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return &stream{t, bufio.NewScanner(answer.Body), answer.StatusCode, cancel}
}

// next returns the next event: its id, its name and its data.
func (s *stream) next() (id, name, data string) {
	s.t.Helper()
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			if name != "" {
				return id, name, data
			}
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return "", "", ""
}

// wants reads an event.
func (s *stream) wants(id, name, part string) {
	s.t.Helper()
	gotID, gotName, data := s.next()
	if gotID != id || gotName != name || !strings.Contains(data, part) {
		s.t.Errorf("got the event %q %s %s, want %q %s with %s", gotID, gotName, data, id, name, part)
	}
}

func TestWatch(t *testing.T) {
	w := newWatchServer(t, nil)
	w.api.uid = 10 // the version of lists
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "5"))
	s := w.watch(t, ann, "")
	s.wants("10", "gang", `"phase":"Incomplete"`)
	if from := <-w.from; from != "10" {
		t.Errorf("watched from %s", from)
	}
	w.events <- event("ADDED", member("team-a", "q", "g", "11"))
	s.wants("11", "gang", `"phase":"Ready"`)
	w.events <- event("ADDED", member("team-a", "r", "h", "12"))
	w.events <- event("DELETED", member("team-a", "p", "g", "13"))
	w.events <- event("DELETED", member("team-a", "q", "g", "14"))
	s.wants("", "gone", `"name":"g"`)
	s.wants("14", "gang", `"name":"h"`)
	w.events <- "end" // watches of the API server end now and then
	if from := <-w.from; from != "14" {
		t.Errorf("watched again from %s", from)
	}
	w.events <- event("DELETED", member("team-a", "r", "h", "15"))
	s.wants("15", "gone", `"name":"h"`)
}

// TestWatchAgain: who comes again gets what it missed, and nothing else.
func TestWatchAgain(t *testing.T) {
	w := newWatchServer(t, nil)
	w.api.uid = 10
	w.api.put("/api/v1/namespaces/team-a/pods/old", member("team-a", "old", "known", "5"))
	w.api.put("/api/v1/namespaces/team-a/pods/new", member("team-a", "new", "missed", "8"))
	s := w.watch(t, ann, "7")
	s.wants("7", "gang", `"name":"missed"`)
	if from := <-w.from; from != "7" {
		t.Errorf("watched from %s", from)
	}
	w.events <- event("ADDED", member("team-a", "new", "missed", "8"))
	w.events <- event("DELETED", member("team-a", "x", "deleted", "9"))
	s.wants("", "gone", `"name":"deleted"`)
	s.wants("9", "gang", `"name":"missed"`)
}

func TestWatchThatMissedTooMuch(t *testing.T) {
	w := newWatchServer(t, nil)
	w.api.uid = 10
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "5"))
	s := w.watch(t, ann, "6")
	<-w.from
	w.events <- `{"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old"}}`
	s.wants("", "reset", "{}")
	s.wants("10", "gang", `"name":"g"`)
}

func TestWatchesAreBounded(t *testing.T) {
	w := newWatchServer(t, func(o *rest.Options) { o.Limits.Watches, o.Limits.Heartbeat = 1, time.Millisecond })
	first := w.watch(t, ann, "")
	if first.status != 200 {
		t.Errorf("the first watch has the status %d", first.status)
	}
	beats := false
	for !beats && first.lines.Scan() {
		beats = first.lines.Text() == ": heartbeat"
	}
	if !beats {
		t.Error("there is no heartbeat")
	}
	if second := w.watch(t, ann, ""); second.status != 429 {
		t.Errorf("the second watch has the status %d", second.status)
	}
	first.cancel()
	await(t, func() bool { return w.watch(t, ann, "").status == 200 })
	if other := w.watch(t, bob, ""); other.status != 429 && other.status != 403 {
		t.Errorf("another's namespace: %d", other.status)
	}
}

// TestWatchesOfATokenAreBounded: one caller cannot take the watches of all, and has them again when its own have ended.
func TestWatchesOfATokenAreBounded(t *testing.T) {
	w := newWatchServer(t, func(o *rest.Options) { o.Limits.WatchesPerCaller = 3 })
	var open []*stream
	for range 3 {
		open = append(open, w.watch(t, ann, ""))
	}
	for _, s := range open {
		if s.status != 200 {
			t.Fatalf("a watch has the status %d", s.status)
		}
	}
	more := w.do(ann, "GET", "/api/v1/watch?namespace=team-a", "")
	w.wants(more, 429, "this token has 3 watches", "end one")
	if after := more.Header().Get("Retry-After"); after != "10" {
		t.Errorf("it says to come again after %q", after)
	}
	w.wants(w.do(ann, "GET", jobsOfA, ""), 200) // other requests are served
	if other := w.watch(t, admin, ""); other.status != 200 {
		t.Errorf("a watch of another caller has the status %d", other.status)
	}
	open[0].cancel()
	await(t, func() bool { return w.watch(t, ann, "").status == 200 })
	w.wants(w.do(ann, "GET", "/api/v1/watch?namespace=team-a", ""), 429)
}

// TestRefusedWatchesCountNot: a watch that the API server refuses leaves the place free.
func TestRefusedWatchesCountNot(t *testing.T) {
	w := newWatchServer(t, func(o *rest.Options) { o.Limits.WatchesPerCaller = 1 })
	for range 3 {
		w.wants(w.do(bob, "GET", "/api/v1/watch?namespace=team-a", ""), 403)
	}
}

// TestWatchesEndWithTheProcess, so that it can stop.
func TestWatchesEndWithTheProcess(t *testing.T) {
	w := newWatchServer(t, nil)
	stop, cancel := context.WithCancel(t.Context())
	served := httptest.NewUnstartedServer(w.Handler())
	served.Config.BaseContext = nil
	handler := w.Handler()
	served.Config.Handler = http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(to, r.WithContext(rest.WithStop(r.Context(), stop)))
	})
	served.StartTLS()
	defer served.Close()
	w.served = served
	s := w.watch(t, ann, "")
	<-w.from
	cancel()
	for s.lines.Scan() {
	}
	if err := s.lines.Err(); err != nil {
		t.Errorf("the watch did not end: %v", err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("waited for 30 seconds")
		}
	}
}

// TestSlowBodies: who does not send the body of a request is told so, and takes no place of others.
func TestSlowBodies(t *testing.T) {
	w := newWorld(t, func(o *rest.Options) { o.Limits.BodyTimeout, o.Limits.InFlight = 50*time.Millisecond, 1 })
	served := httptest.NewTLSServer(w.Handler())
	defer served.Close()
	body := &pipe{ctx: t.Context()}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, served.URL+jobsOfA, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+ann)
	answer, err := served.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("the status is %d", answer.StatusCode)
	}
	w.wants(w.do(ann, "GET", jobsOfA, ""), 200)
}

// pipe is a body that never comes.
type pipe struct{ ctx context.Context }

func (p *pipe) Read([]byte) (int, error) {
	<-p.ctx.Done()
	return 0, p.ctx.Err()
}
