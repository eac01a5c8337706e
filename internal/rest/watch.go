package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
)

const (
	watchRoute = "GET " + apiPrefix + "watch"
	// calm is the least time between two looks at what changed. After a look that took long it is longer, up to maxCalm: a watch of a
	// huge gang whose pods change all the time leaves others the processor.
	calm       = 500 * time.Millisecond
	maxCalm    = 10 * calm
	calmFactor = 4
	// watchLife is how long a watch lasts: afterwards, the caller has to come with a token that is still good.
	watchLife = time.Hour
	pageSize  = 500
)

func (s *Server) registerWatch(api huma.API) {
	register(api, huma.Operation{
		OperationID: "watch", Method: http.MethodGet, Path: apiPrefix + "watch", Tags: []string{"Gangs"},
		Summary: "Watch the gangs, as server-sent events",
		Description: "First comes an event gang for each gang, then an event synced, and then an event gang whenever a gang changes. An " +
			"event gone says that a gang has ended or was deleted; its data has the key only. An event reset says that all gangs follow, " +
			"up to the next synced, because events were missed for too long. An event problem is the last one. The id of an event is for " +
			"Last-Event-ID: the watch continues where it ended.",
		Responses: map[string]*huma.Response{"200": {Description: "Events", Content: textContent("text/event-stream")}},
	}, s.watch)
}

type watchInput struct {
	OfNamespace
	Brief       bool   `query:"brief" doc:"Send of each gang a GangBrief: without members, with what they request together."`
	LastEventID string `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]*$" doc:"The id of the last event that was read."`
}

type watchOutput struct {
	ContentType string `header:"Content-Type"`
	Body        func(huma.Context)
}

func (s *Server) watch(ctx context.Context, in *watchInput) (*watchOutput, error) {
	w := watcher{server: s, namespace: in.Namespace, brief: in.Brief, calm: calm}
	if err := w.begin(ctx, in.LastEventID); err != nil {
		w.release()
		return nil, err
	}
	return &watchOutput{ContentType: "text/event-stream", Body: func(ctx huma.Context) {
		defer w.release()
		_, writer := humago.Unwrap(ctx)
		w.to, w.control = writer, http.NewResponseController(writer)
		running, stopped := untilStop(ctx.Context())
		defer stopped()
		life, cancel := context.WithTimeout(running, watchLife)
		defer cancel()
		if err := w.run(life); life.Err() == nil {
			// A caller who is gone reads nothing more.
			_ = errors.Join(w.event("", "problem", asProblem(life, err)), w.flush())
		}
	}}, nil
}

// watcher is a caller who watches.
type watcher struct {
	server    *Server
	namespace string
	brief     bool
	feed      *feed
	// reserved is how many pods count for this watch.
	reserved int
	// calm is the time until the next look at what changed.
	calm time.Duration
	// version is up to where events have been read, listed when the pods were listed.
	version, listed string
	to              http.ResponseWriter
	control         *http.ResponseController
}

// errGone says that the caller is gone, or too slow.
var errGone = errors.New("the watcher does not read")

// begin reads all pods. Who has read events before is sent what happened since then.
func (w *watcher) begin(ctx context.Context, last string) error {
	if err := w.list(ctx); err != nil {
		return err
	}
	w.version = w.listed
	if last != "" && gangread.VersionOf(last) < gangread.VersionOf(w.listed) {
		w.version = last
		return w.feed.resume(gangread.VersionOf(last), time.Now())
	}
	return nil
}

// list reads all pods, which are few enough, page by page: of a page that was read only what counts is kept.
func (w *watcher) list(ctx context.Context) error {
	select {
	case w.server.limits.lists <- struct{}{}:
		defer func() { <-w.server.limits.lists }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, w.server.options.Limits.Timeout)
	defer cancel()
	w.feed = newFeed(w.server.options.SchedulerNames, w.brief)
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := w.server.client.CoreV1().Pods(w.namespace).List(ctx, options)
		if err != nil {
			return aboutNamespace(w.namespace, err)
		}
		for i := range page.Items {
			w.feed.Set(&page.Items[i])
		}
		if err := w.reserve(); err != nil {
			return err
		}
		w.listed = page.ResourceVersion
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

// run sends what changes, until the caller is gone. It always returns an error.
func (w *watcher) run(ctx context.Context) error {
	// A caller learns at once that it watches, also if there is nothing to say.
	if err := w.say(": watching\n\n"); err != nil {
		return err
	}
	if err := w.sendAll(); err != nil {
		return err
	}
	for {
		err := w.follow(ctx)
		if err == nil {
			err = pause(ctx)
		}
		switch {
		case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
			if err := w.list(ctx); err != nil {
				return err
			}
			w.version = w.listed
			if err := w.event("", "reset", struct{}{}); err != nil {
				return err
			}
			if err := w.sendAll(); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
}

// pause keeps an API server that ends watches at once from being asked in a loop.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}

// follow reads one watch of the API server. It returns no error if that ended as watches do.
func (w *watcher) follow(ctx context.Context) error {
	pods, err := w.server.client.CoreV1().Pods(w.namespace).Watch(ctx, metav1.ListOptions{
		ResourceVersion: w.version, AllowWatchBookmarks: true,
	})
	if err != nil {
		return err
	}
	defer pods.Stop()
	heartbeat := time.NewTicker(w.server.options.Limits.Heartbeat)
	defer heartbeat.Stop()
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-heartbeat.C:
			if err := w.say(": heartbeat\n\n"); err != nil {
				return err
			}
		case <-due:
			due = nil
			if err := w.send(); err != nil {
				return err
			}
		case event, open := <-pods.ResultChan():
			if !open {
				return nil
			}
			if err := w.apply(event); err != nil {
				return err
			}
			if due == nil {
				due = time.After(w.calm)
			}
		}
	}
}

// apply records an event of the API server.
func (w *watcher) apply(event watch.Event) error {
	if event.Type == watch.Error {
		return apierrors.FromObject(event.Object)
	}
	pod, ok := event.Object.(*corev1.Pod)
	if !ok {
		return fmt.Errorf("the API server sent a %T as a pod", event.Object)
	}
	w.version = pod.ResourceVersion
	switch {
	case event.Type == watch.Bookmark:
	case gangread.VersionOf(pod.ResourceVersion) <= gangread.VersionOf(w.listed):
		w.feed.missed(pod)
	case event.Type == watch.Deleted:
		w.feed.Remove(pod.UID)
	default:
		w.feed.Set(pod)
	}
	return w.reserve()
}

// sendAll sends the gangs that the watcher does not know, and then that it knows all.
func (w *watcher) sendAll() error {
	err := w.feed.changes(time.Now(), func(c change) error { return w.event("", c.name, c.data) })
	if err != nil {
		return err
	}
	return errors.Join(w.event(w.version, "synced", struct{}{}), w.flush())
}

// send sends the gangs that changed.
func (w *watcher) send() error {
	began := time.Now()
	var last *change
	err := w.feed.changes(began, func(c change) error {
		before := last
		last = &c
		if before == nil {
			return nil
		}
		return w.event("", before.name, before.data)
	})
	if err != nil {
		return err
	}
	if last != nil {
		// Only the last one has an id: a caller who has read less has to read all again.
		err = errors.Join(w.event(w.version, last.name, last.data), w.flush())
	}
	w.calm = min(max(calm, calmFactor*time.Since(began)), maxCalm)
	return err
}

// event sends an event. Its id, if it has one, is up to where the API server's events are in what was sent.
func (w *watcher) event(id, name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	deadline(w.to, w.server.options.Limits.WriteTime)
	if _, err := fmt.Fprintf(w.to, "%sevent: %s\ndata: %s\n\n", id, name, text); err != nil {
		return errGone
	}
	return nil
}

// say sends a text at once.
func (w *watcher) say(text string) error {
	deadline(w.to, w.server.options.Limits.WriteTime)
	if _, err := io.WriteString(w.to, text); err != nil {
		return errGone
	}
	return w.flush()
}

// flush sends what was written. A watcher who does not read is dropped. Afterwards nothing is due: HTTP/2 ends a stream whose time is up
// even if there is nothing to write.
func (w *watcher) flush() error {
	if err := w.control.Flush(); err != nil {
		return errGone
	}
	_ = w.control.SetWriteDeadline(time.Time{}) // a writer that has no deadline is one of a test
	return nil
}
