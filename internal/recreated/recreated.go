// Package recreated makes informers report a recreated object as a deletion and a creation. An informer that misses a deletion, because
// its watch was interrupted, and finds a new object of the same name in its next list, calls its handlers for one update: from the
// object that is gone to one with another UID. Handlers that keep something for each object would keep it for the one that is gone.
package recreated

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Both says whether an update is from one object to another one of the same name.
func Both(before, now any) bool {
	old, isOld := before.(metav1.Object)
	created, isNew := now.(metav1.Object)
	return isOld && isNew && old.GetUID() != created.GetUID()
}

// Handler calls the handler for a deletion and a creation when the informer reports an update from one object to another.
func Handler(next cache.ResourceEventHandler) cache.ResourceEventHandler { return handler{next} }

type handler struct{ cache.ResourceEventHandler }

// OnUpdate is called by the informer. The object that is gone is handed on as it was last seen, not as one of unknown state: this is
// also the state in which the handlers know it.
func (h handler) OnUpdate(before, now any) {
	if !Both(before, now) {
		h.ResourceEventHandler.OnUpdate(before, now)
		return
	}
	h.OnDelete(before)
	h.OnAdd(now, false)
}

// Informer makes every handler of the informer one that is called for both objects: also those of upstream's scheduler. That would
// otherwise end the process when the new pod is not on the node of the old one, and not schedule the new one at all while the old
// one is in a scheduling cycle.
func Informer(i cache.SharedIndexInformer) cache.SharedIndexInformer { return informer{i} }

type informer struct{ cache.SharedIndexInformer }

// AddEventHandler adds a handler.
func (i informer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	return i.SharedIndexInformer.AddEventHandler(Handler(h))
}

// AddEventHandlerWithResyncPeriod adds a handler.
func (i informer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, period time.Duration) (
	cache.ResourceEventHandlerRegistration, error,
) {
	return i.SharedIndexInformer.AddEventHandlerWithResyncPeriod(Handler(h), period)
}

// AddEventHandlerWithOptions adds a handler.
func (i informer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, options cache.HandlerOptions) (
	cache.ResourceEventHandlerRegistration, error,
) {
	return i.SharedIndexInformer.AddEventHandlerWithOptions(Handler(h), options)
}
