package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	eventslisters "k8s.io/client-go/listers/events/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/demo/view"
)

const (
	// look is how often changes of the cluster are checked.
	look = 50 * time.Millisecond
	// calm is how long nothing has to change before a change is shown: a gang's pods are created and start one by one.
	calm = 250 * time.Millisecond
	// restless is how long a change is delayed at most.
	restless = time.Second
)

// watch follows the cluster and shows it.
type watch struct {
	start  time.Time
	screen *view.Screen
	fail   context.CancelCauseFunc
	// cancel ends the watch, and done is closed when it has ended.
	cancel context.CancelFunc
	done   chan struct{}

	pods   corelisters.PodLister
	events eventslisters.EventLister
	nodes  corelisters.NodeLister

	mu      sync.Mutex
	tracker view.Tracker
	dirty   bool
	latest  view.Snapshot
	notes   []string
	// changed is when the cluster last changed; pending is since when a change is not shown, or zero.
	changed, pending time.Time
}

// newWatch starts to watch; it ends with the context.
func newWatch(
	ctx context.Context, client kubernetes.Interface, screen *view.Screen, start time.Time, fail context.CancelCauseFunc,
) (*watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, events, nodes := factory.Core().V1().Pods(), factory.Events().V1().Events(), factory.Core().V1().Nodes()
	w := &watch{
		start: start, screen: screen, fail: fail, cancel: cancel, done: make(chan struct{}), dirty: true,
		pods: pods.Lister(), events: events.Lister(), nodes: nodes.Lister(),
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), events.Informer(), nodes.Informer()} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { w.mark() },
			UpdateFunc: func(any, any) { w.mark() },
			DeleteFunc: func(any) { w.mark() },
		}); err != nil {
			cancel()
			return nil, fmt.Errorf("watching the cluster: %w", err)
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			cancel()
			return nil, fmt.Errorf("listing %v: %w", kind, context.Cause(ctx))
		}
	}
	go w.run(ctx)
	return w, nil
}

func (w *watch) mark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dirty = true
}

// close ends the watch: nothing is shown anymore.
func (w *watch) close() {
	w.cancel()
	<-w.done
}

func (w *watch) run(ctx context.Context) {
	defer close(w.done)
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.observe()
		// On a terminal the time goes on, too.
		if w.due() || w.screen.Live() && n%5 == 0 {
			w.show()
		}
		if err := w.screen.Err(); err != nil {
			w.fail(fmt.Errorf("writing the output: %w", err))
		}
	}
}

// observe looks at the cluster if it changed.
func (w *watch) observe() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty {
		return
	}
	w.dirty = false
	before := w.latest.Fingerprint()
	w.latest = w.tracker.Observe(time.Since(w.start), w.cluster())
	w.notes = append(w.notes, w.latest.Notes...)
	if w.latest.Fingerprint() == before && len(w.latest.Notes) == 0 {
		return
	}
	w.changed = time.Now()
	if w.pending.IsZero() {
		w.pending = w.changed
	}
}

func (w *watch) cluster() view.Cluster {
	// A lister's list of everything cannot fail: it is a copy of memory.
	pods, _ := w.pods.List(labels.Everything())
	events, _ := w.events.List(labels.Everything())
	nodes, _ := w.nodes.List(labels.Everything())
	return view.Cluster{Pods: pods, Events: events, Nodes: nodes, Schedulers: schedulerNames()}
}

// due says whether a change is to be shown now.
func (w *watch) due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.pending.IsZero() && (time.Since(w.changed) >= calm || time.Since(w.pending) >= restless)
}

// show shows what was seen last.
func (w *watch) show() {
	w.mu.Lock()
	snapshot := w.latest
	if w.screen.Live() {
		snapshot.At = time.Since(w.start)
	}
	snapshot.Notes, w.notes, w.pending = w.notes, nil, time.Time{}
	w.mu.Unlock()
	w.screen.Show(&snapshot)
}

// snapshot returns what was seen last, and for how long it has been so.
func (w *watch) snapshot() (view.Snapshot, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest, time.Since(w.changed)
}
