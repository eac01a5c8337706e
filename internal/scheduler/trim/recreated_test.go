package trim

import (
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
)

// watches are those of a kind, which say nothing and can be cut.
type watches struct {
	mu   sync.Mutex
	open []*watch.FakeWatcher
}

func (w *watches) react(clienttesting.Action) (bool, watch.Interface, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, watch.NewFakeWithChanSize(1, false))
	return true, w.open[len(w.open)-1], nil
}

// cut ends the watches so that what they missed has to be listed; it says whether there was one.
func (w *watches) cut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, open := range w.open {
		status := apierrors.NewResourceExpired("too old resource version").Status()
		open.Error(&status)
	}
	cut := len(w.open) > 0
	w.open = nil
	return cut
}

// TestInformersTellOfBothObjectsOfOneName: all handlers of the scheduler's informers, upstream's own among them, see the deletion of an
// object and the creation of another one with its name, with extenders or without.
func TestInformersTellOfBothObjectsOfOneName(t *testing.T) {
	for name, newInformers := range map[string]func(kubernetes.Interface) informers.SharedInformerFactory{
		"trimmed": Informers, "whole": WholeInformers,
	} {
		for _, kind := range []struct {
			resource  schema.GroupVersionResource
			namespace string
			object    func(types.UID) runtime.Object
			informer  func(informers.SharedInformerFactory) cache.SharedIndexInformer
		}{
			{
				corev1.SchemeGroupVersion.WithResource("pods"), "default",
				func(uid types.UID) runtime.Object {
					return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a", UID: uid}}
				},
				func(f informers.SharedInformerFactory) cache.SharedIndexInformer {
					return f.Core().V1().Pods().Informer()
				},
			},
			{
				corev1.SchemeGroupVersion.WithResource("nodes"), "",
				func(uid types.UID) runtime.Object {
					return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: uid}}
				},
				func(f informers.SharedInformerFactory) cache.SharedIndexInformer {
					return f.Core().V1().Nodes().Informer()
				},
			},
		} {
			t.Run(name+" "+kind.resource.Resource, func(t *testing.T) {
				client, cuts, calls := fake.NewClientset(kind.object("first")), &watches{}, make(chan string, 10)
				client.PrependWatchReactor(kind.resource.Resource, cuts.react)
				factory := newInformers(client)
				say := func(what string) func(any) {
					return func(obj any) { calls <- fmt.Sprint(what, " ", obj.(metav1.Object).GetUID()) }
				}
				if _, err := kind.informer(factory).AddEventHandler(cache.ResourceEventHandlerFuncs{
					AddFunc: say("add"), DeleteFunc: say("delete"), UpdateFunc: func(_, obj any) { say("update")(obj) },
				}); err != nil {
					t.Fatal(err)
				}
				factory.Start(t.Context().Done())
				heard := func(want string) {
					t.Helper()
					select {
					case got := <-calls:
						if got != want {
							t.Fatalf("the handler was called for %q, want %q", got, want)
						}
					case <-time.After(time.Minute):
						t.Fatalf("the handler was not called for %q", want)
					}
				}
				heard("add first")
				if err := client.Tracker().Update(kind.resource, kind.object("second"), kind.namespace); err != nil {
					t.Fatal(err)
				}
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for !cuts.cut() { // the watch begins after the list
					<-tick.C
				}
				heard("delete first")
				heard("add second")
			})
		}
	}
}
