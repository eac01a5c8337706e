package status

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	kubeevents "k8s.io/client-go/tools/events"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
)

// eventServer is an API server that stores events and answers as a test defines.
type eventServer struct {
	// open lets requests in once it is closed.
	open chan struct{}

	mu sync.Mutex
	// answers are the status codes of the next answers for a pod. After those, events are created.
	answers map[string][]int
	asked   map[string]int
	created []eventsv1.Event
}

func (s *eventServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	<-s.open
	var event eventsv1.Event
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, code := event.Regarding.Name, http.StatusCreated
	if s.asked[name]++; len(s.answers[name]) > 0 {
		code, s.answers[name] = s.answers[name][0], s.answers[name][1:]
	}
	if code == http.StatusCreated {
		s.created = append(s.created, event)
	}
	reason := map[int]metav1.StatusReason{
		http.StatusConflict: metav1.StatusReasonAlreadyExists, http.StatusTooManyRequests: metav1.StatusReasonTooManyRequests,
		http.StatusInternalServerError: metav1.StatusReasonInternalError, http.StatusForbidden: metav1.StatusReasonForbidden,
	}[code]
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	status := metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Code: int32(code), Reason: reason}
	if err := json.NewEncoder(w).Encode(status); err != nil {
		return // the client is gone
	}
}

func (s *eventServer) names() (created []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, event := range s.created {
		created = append(created, event.Regarding.Name)
	}
	slices.Sort(created)
	return created
}

// newScheduledEvents returns events that are written to the server, and the recorder of the profile "ours".
func newScheduledEvents(t *testing.T, s *eventServer) (*ScheduledEvents, kubeevents.EventRecorderLogger) {
	t.Helper()
	s.asked, s.open = map[string]int{}, make(chan struct{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	events := NewScheduledEvents(ctx, client, bindlimit.New())
	recorders := events.Wrap(func(string) kubeevents.EventRecorderLogger { return kubeevents.NewFakeRecorder(10) })
	return events, recorders("ours")
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	asked := func(context.Context) (bool, error) { return yes(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, wait.ForeverTestTimeout, true, asked); err != nil {
		t.Fatalf("waited for %s: %v", what, err)
	}
}

func scheduled(recorder kubeevents.EventRecorderLogger, name string) {
	recorder.Eventf(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}, nil, corev1.EventTypeNormal, "Scheduled", "Binding", "Successfully assigned %s to %s", name, "n")
}

// TestEachBoundPodsEventIsWrittenOnce, also if the API server is busy. An event that the API server refuses is dropped, and delays no
// others.
func TestEachBoundPodsEventIsWrittenOnce(t *testing.T) {
	s := &eventServer{answers: map[string][]int{
		"busy": {http.StatusTooManyRequests}, "broken": {http.StatusInternalServerError}, "forbidden": {http.StatusForbidden},
		"lost": {http.StatusConflict}, // it was created, and the answer was lost
	}}
	events, recorder := newScheduledEvents(t, s)
	close(s.open)
	for _, name := range []string{"well", "busy", "broken", "forbidden", "lost"} {
		scheduled(recorder, name)
	}
	eventually(t, "all to be written", events.written)
	if got := s.names(); !slices.Equal(got, []string{"broken", "busy", "well"}) {
		t.Errorf("the events of %v were written", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, want := range map[string]int{"well": 1, "busy": 2, "broken": 2, "forbidden": 1, "lost": 1} {
		if s.asked[name] != want {
			t.Errorf("the event of %s was sent %d times, want %d", name, s.asked[name], want)
		}
	}
	event := s.created[0]
	if event.ReportingController != "ours" || event.Reason != "Scheduled" || event.Type != corev1.EventTypeNormal ||
		event.Note != fmt.Sprintf("Successfully assigned %s to n", event.Regarding.Name) {
		t.Errorf("%+v", event)
	}
}

// TestOnlyScheduledEventsAreLate: all others go to upstream's recorder.
func TestOnlyScheduledEventsAreLate(t *testing.T) {
	events, _ := newScheduledEvents(t, &eventServer{})
	upstream := kubeevents.NewFakeRecorder(10)
	late := &lateRecorder{EventRecorderLogger: upstream, events: events, controller: "ours"}
	late.Eventf(&corev1.Pod{}, nil, corev1.EventTypeWarning, "FailedScheduling", "Scheduling", "no node fits")
	late.Eventf(&corev1.Node{}, nil, corev1.EventTypeNormal, "Scheduled", "Binding", "not of a pod")
	if len(upstream.Events) != 2 || !events.written() {
		t.Errorf("%d events went to upstream's recorder, want 2", len(upstream.Events))
	}
}

// TestTooManyEventsDoNotWaitForBinding: the queue is bounded, so beyond the bound events are written while pods are being bound.
func TestTooManyEventsDoNotWaitForBinding(t *testing.T) {
	a := &ScheduledEvents{}
	a.more = sync.NewCond(&a.mu)
	for range maxScheduledEvents + 2 {
		a.add(scheduledEvent{})
	}
	for i, want := range []bool{true, true, false, false} {
		if _, crowded, ok := a.next(t.Context()); !ok || crowded != want {
			t.Errorf("event %d does not wait for binding: %t, want %t", i, crowded, want)
		}
	}
}

// TestFinishWritesAllEvents: it returns only when no pod is being bound and all events are written.
func TestFinishWritesAllEvents(t *testing.T) {
	s := &eventServer{}
	events, recorder := newScheduledEvents(t, s)
	events.limiter.Reserved("being bound")
	scheduled(recorder, "bound")
	left := make(chan []string)
	go func() {
		events.Finish()
		left <- s.names()
	}()
	scheduled(recorder, "being-bound")
	events.limiter.Done("being bound")
	close(s.open)
	if written := <-left; !slices.Equal(written, []string{"being-bound", "bound"}) {
		t.Errorf("Finish returned when the events of %v were written", written)
	}
}
