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
	w.served = httptest.NewUnstartedServer(w.Handler())
	w.served.EnableHTTP2 = true // as browsers use it
	w.served.StartTLS()
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
	return w.watchWith(t, token, last, "")
}

// watchWith watches with more in the query.
func (w *watchServer) watchWith(t *testing.T, token, last, query string) *stream {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.served.URL+"/api/v1/watch?namespace=team-a"+query, nil)
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
	s.wants("", "gang", `"phase":"Incomplete"`)
	s.wants("10", "synced", "{}")
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
	s.wants("", "gang", `"name":"missed"`)
	s.wants("7", "synced", "{}")
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
	s.wants("6", "synced", "{}")
	<-w.from
	w.events <- `{"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old"}}`
	s.wants("", "reset", "{}")
	s.wants("", "gang", `"name":"g"`)
	s.wants("10", "synced", "{}")
}

// TestWatchInShort has of each gang what a list shows, and an event only if that changes.
func TestWatchInShort(t *testing.T) {
	w := newWatchServer(t, nil)
	w.api.uid = 10
	w.api.put("/api/v1/namespaces/team-a/pods/p", member("team-a", "p", "g", "5"))
	s := w.watchWith(t, ann, "", "&brief=true")
	id, name, data := s.next()
	const want = `{"key":{"namespace":"team-a","name":"g","convention":"Coscheduling"},"phase":"Incomplete","scheduler":"kubenexus-scheduler",` +
		`"created":"2026-01-02T03:04:05Z","needs":{"minAvailable":2,"have":1,"running":0},"priority":0,"pods":1,"nodes":0,"requests":{},` +
		`"since":"2026-01-02T03:04:06Z"}`
	if id != "" || name != "gang" || data != want {
		t.Errorf("got %q %s %s, want a gang %s", id, name, data, want)
	}
	s.wants("10", "synced", "{}")
	<-w.from
	w.events <- event("MODIFIED", member("team-a", "p", "g", "11")) // nothing that shows
	w.events <- event("ADDED", member("team-a", "q", "g", "12"))
	s.wants("12", "gang", `"phase":"Ready"`)
}

// TestWatchOfNothing says at once that there is nothing.
func TestWatchOfNothing(t *testing.T) {
	w := newWatchServer(t, nil)
	w.api.uid = 10
	s := w.watch(t, ann, "")
	s.wants("10", "synced", "{}")
}

// TestWatchedPodsAreBounded: for one watch, also if pods come later, and for all together. A watch that ends gives back what it kept.
func TestWatchedPodsAreBounded(t *testing.T) {
	w := newWatchServer(t, func(o *rest.Options) { o.Limits.WatchedPods, o.Limits.AllWatchedPods = 2, 3 })
	w.api.uid = 10
	for _, name := range []string{"p", "q"} {
		w.api.put("/api/v1/namespaces/team-a/pods/"+name, member("team-a", name, "g", "5"))
	}
	first := w.watch(t, ann, "")
	<-w.from
	if second := w.watch(t, ann, ""); second.status != 429 {
		t.Errorf("a watch of 2 more pods than 3 has the status %d", second.status)
	}
	first.wants("", "gang", `"name":"g"`)
	first.wants("10", "synced", "{}")
	w.events <- event("ADDED", member("team-a", "r", "g", "11"))
	first.wants("", "problem", `there are more than 2 pods of gangs`)
	await(t, func() bool { return w.watch(t, ann, "").status == 200 })
	w.api.put("/api/v1/namespaces/team-a/pods/r", member("team-a", "r", "g", "11"))
	if third := w.watch(t, ann, ""); third.status != 422 {
		t.Errorf("a watch of 3 pods of at most 2 has the status %d", third.status)
	}
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

// TestAQuietWatchGoesOn: the time in which a watcher has to read what it is sent does not run while there is nothing to read.
func TestAQuietWatchGoesOn(t *testing.T) {
	w := newWatchServer(t, func(o *rest.Options) {
		o.Limits.WriteTime, o.Limits.Heartbeat = 50*time.Millisecond, 500*time.Millisecond
	})
	s := w.watch(t, ann, "")
	for beats := 0; beats < 2; {
		if !s.lines.Scan() {
			t.Fatalf("the watch ended: %v", s.lines.Err())
		}
		if s.lines.Text() == ": heartbeat" {
			beats++
		}
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
