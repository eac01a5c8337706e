package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	watchRoute = "GET " + apiPrefix + "watch"
	// maxWatched is how many pods a watch can be about.
	maxWatched = 20_000
	// calm is the least time between two looks at what changed.
	calm = 500 * time.Millisecond
	// writeTime is how long a watcher may take to read what it is sent.
	writeTime = 10 * time.Second
	// watchLife is how long a watch lasts: afterwards, the caller has to come with a token that is still good.
	watchLife = time.Hour
	pageSize  = 500
)

func (s *Server) registerWatch(api huma.API) {
	register(api, huma.Operation{
		OperationID: "watch", Method: http.MethodGet, Path: apiPrefix + "watch", Tags: []string{"Gangs"},
		Summary: "Watch the gangs, as server-sent events",
		Description: "First comes an event gang for each gang, and then one whenever a gang changes. An event gone says that a gang has " +
			"ended or was deleted; its data has the key only. An event reset says that all gangs follow, because events were missed for " +
			"too long. An event problem is the last one. The id of an event is for Last-Event-ID: the watch continues where it ended.",
		Responses: map[string]*huma.Response{"200": {Description: "Events", Content: textContent("text/event-stream")}},
	}, s.watch)
}

type watchInput struct {
	OfNamespace
	LastEventID string `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]*$" doc:"The id of the last event that was read."`
}

type watchOutput struct {
	ContentType string `header:"Content-Type"`
	Body        func(huma.Context)
}

func (s *Server) watch(ctx context.Context, in *watchInput) (*watchOutput, error) {
	w := watcher{server: s, namespace: in.Namespace, feed: newFeed(s.options.SchedulerNames)}
	if err := w.list(ctx); err != nil {
		return nil, err
	}
	w.version = w.listed
	if in.LastEventID != "" && versionOf(in.LastEventID) < versionOf(w.listed) {
		w.version = in.LastEventID
		w.feed.resume(versionOf(in.LastEventID), time.Now())
	}
	return &watchOutput{ContentType: "text/event-stream", Body: func(ctx huma.Context) {
		_, writer := humago.Unwrap(ctx)
		w.to, w.control = writer, http.NewResponseController(writer)
		running, stopped := untilStop(ctx.Context())
		defer stopped()
		life, cancel := context.WithTimeout(running, watchLife)
		defer cancel()
		if err := w.run(life); life.Err() == nil {
			// A caller who is gone reads nothing more.
			_ = w.event("", "problem", asProblem(life, err))
		}
	}}, nil
}

// watcher is a caller who watches.
type watcher struct {
	server    *Server
	namespace string
	feed      *feed
	// version is up to where events have been read, listed when the pods were listed.
	version, listed string
	to              http.ResponseWriter
	control         *http.ResponseController
}

// errGone says that the caller is gone, or too slow.
var errGone = errors.New("the watcher does not read")

// list reads all pods, which are few enough.
func (w *watcher) list(ctx context.Context) error {
	select {
	case w.server.limits.lists <- struct{}{}:
		defer func() { <-w.server.limits.lists }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, w.server.options.Limits.Timeout)
	defer cancel()
	var pods []*corev1.Pod
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := w.server.client.CoreV1().Pods(w.namespace).List(ctx, options)
		if err != nil {
			return aboutNamespace(w.namespace, err)
		}
		for i := range page.Items {
			pods = append(pods, &page.Items[i])
		}
		if len(pods) > maxWatched {
			return tooManyPods()
		}
		w.listed = page.ResourceVersion
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	w.feed.replace(pods)
	return nil
}

func tooManyPods() error {
	return problem(http.StatusUnprocessableEntity, fmt.Sprintf("there are more than %d pods: watch one namespace", maxWatched),
		fieldError("query.namespace", "is missing, or names a namespace with too many pods"))
}

// run sends what changes, until the caller is gone. It always returns an error.
func (w *watcher) run(ctx context.Context) error {
	// A caller learns at once that it watches, also if there is nothing to say.
	if err := w.write([]byte(": watching\n\n")); err != nil {
		return err
	}
	if err := w.send(); err != nil {
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
			clear(w.feed.sent)
			if err := w.event("", "reset", struct{}{}); err != nil {
				return err
			}
			if err := w.send(); err != nil {
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
			if err := w.write([]byte(": heartbeat\n\n")); err != nil {
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
				due = time.After(calm)
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
	case versionOf(pod.ResourceVersion) <= versionOf(w.listed):
		w.feed.missed(pod)
	case event.Type == watch.Deleted:
		w.feed.remove(pod)
	default:
		w.feed.set(pod)
	}
	if w.feed.count > maxWatched {
		return tooManyPods()
	}
	return nil
}

// send sends the gangs that changed.
func (w *watcher) send() error {
	changes := w.feed.changes(time.Now())
	for i, c := range changes {
		// The last one only has an id: a caller who has read less has to read all again.
		id := ""
		if i == len(changes)-1 {
			id = w.version
		}
		var err error
		if c.value == nil {
			err = w.event(id, "gone", gone{c.key})
		} else {
			err = w.event(id, "gang", c.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	return w.write(fmt.Appendf(nil, "%sevent: %s\ndata: %s\n\n", id, name, text))
}

// write writes at once. A watcher who does not read is dropped.
func (w *watcher) write(text []byte) error {
	deadline(w.to, writeTime)
	if _, err := w.to.Write(text); err != nil {
		return errGone
	}
	if err := w.control.Flush(); err != nil {
		return errGone
	}
	return nil
}
