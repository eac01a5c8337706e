package recreated_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	source "k8s.io/client-go/tools/cache/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// heard is what a handler was called for.
type heard chan string

func (h heard) handler() cache.ResourceEventHandler {
	uid := func(obj any) types.UID { return obj.(metav1.Object).GetUID() }
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { h <- fmt.Sprint("add ", uid(obj)) },
		UpdateFunc: func(before, obj any) { h <- fmt.Sprint("update ", uid(before), " to ", uid(obj)) },
		DeleteFunc: func(obj any) { h <- fmt.Sprint("delete ", uid(obj)) },
	}
}

// expect waits for the next calls.
func (h heard) expect(t *testing.T, want ...string) {
	t.Helper()
	var calls []string
	for range want {
		select {
		case call := <-h:
			calls = append(calls, call)
		case <-time.After(time.Minute):
			t.Fatalf("the handler was called for %q, want %q", calls, want)
		}
	}
	if !slices.Equal(calls, want) {
		t.Errorf("the handler was called for %q, want %q", calls, want)
	}
}

// TestAHandlerIsToldOfBothObjects of one name, the second of which was created while the watch was cut, however it is added. Upstream's
// informer reports one update: once it does not, our part is no longer needed.
func TestAHandlerIsToldOfBothObjects(t *testing.T) {
	pod := func(uid types.UID) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a", UID: uid}}
	}
	type add = func(cache.SharedIndexInformer, cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error)
	for name, add := range map[string]add{
		"AddEventHandler": cache.SharedIndexInformer.AddEventHandler,
		"AddEventHandlerWithResyncPeriod": func(i cache.SharedIndexInformer, h cache.ResourceEventHandler) (
			cache.ResourceEventHandlerRegistration, error,
		) {
			return i.AddEventHandlerWithResyncPeriod(h, 0)
		},
		"AddEventHandlerWithOptions": func(i cache.SharedIndexInformer, h cache.ResourceEventHandler) (
			cache.ResourceEventHandlerRegistration, error,
		) {
			return i.AddEventHandlerWithOptions(h, cache.HandlerOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			api, upstream, ours := source.NewFakeControllerSource(), make(heard, 10), make(heard, 10)
			plain := cache.NewSharedIndexInformer(api, &corev1.Pod{}, 0, cache.Indexers{})
			informer := recreated.Informer(plain)
			if _, err := add(plain, upstream.handler()); err != nil {
				t.Fatal(err)
			}
			if _, err := add(informer, ours.handler()); err != nil {
				t.Fatal(err)
			}
			go informer.RunWithContext(t.Context())
			api.Add(pod("first"))
			upstream.expect(t, "add first")
			api.Modify(pod("first"))
			upstream.expect(t, "update first to first")
			api.DeleteDropWatch(pod("first"))
			api.AddDropWatch(pod("second"))
			api.ResetWatch()
			upstream.expect(t, "update first to second")
			ours.expect(t, "add first", "update first to first", "delete first", "add second")
		})
	}
}
