package rest

import (
	"fmt"
	"net/http"
	"sync"
)

// budget is what all watches may keep together, in pods.
type budget struct {
	most int

	mu   sync.Mutex
	kept int
}

// change replaces what one watch keeps. It reports whether all together keep to the budget.
func (b *budget) change(before, now int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept - before + now
	if now > before && kept > b.most {
		return false
	}
	b.kept = kept
	return true
}

// reserve counts what the watcher keeps. It refuses what is too much for one watch, or for all.
func (w *watcher) reserve() error {
	limits, weight := w.server.limits, w.feed.Weight()
	switch {
	case weight > limits.limits.WatchedPods:
		return problem(http.StatusUnprocessableEntity,
			fmt.Sprintf("there are more than %d pods of gangs: watch one namespace", limits.limits.WatchedPods),
			fieldError("query.namespace", "is missing, or names a namespace with too many pods"))
	case !limits.watched.change(w.reserved, weight):
		return tooMany("all watches together are about too many pods at the moment: try again later, or watch one namespace", "30")
	}
	w.reserved = weight
	return nil
}

// release gives back what the watcher kept.
func (w *watcher) release() {
	w.server.limits.watched.change(w.reserved, 0)
	w.reserved = 0
}
