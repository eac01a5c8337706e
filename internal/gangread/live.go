package gangread

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Live are the pods of a namespace, or of all, and the nodes if they are wanted, as they are now. It keeps one copy of each that exists.
type Live struct {
	pods, nodes cache.Store
	synced      []cache.InformerSynced
	changed     chan struct{}
	failed      chan error
}

// Follow starts to follow the pods, and the nodes if they are wanted, until the context ends. When the connection is lost it goes on where
// it was, or reads all again.
func Follow(ctx context.Context, client kubernetes.Interface, namespace string, withNodes bool) (*Live, error) {
	l := &Live{changed: make(chan struct{}, 1), failed: make(chan error, 1)}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace), informers.WithTransform(trim))
	var err error
	if l.pods, err = l.follow(factory.Core().V1().Pods().Informer()); err != nil {
		return nil, fmt.Errorf("following pods: %w", err)
	}
	if withNodes {
		if l.nodes, err = l.follow(factory.Core().V1().Nodes().Informer()); err != nil {
			return nil, fmt.Errorf("following nodes: %w", err)
		}
	}
	factory.StartWithContext(ctx)
	return l, nil
}

// follow adds an informer.
func (l *Live) follow(informer cache.SharedIndexInformer) (cache.Store, error) {
	err := informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
			return // the informer tries again
		}
		select {
		case l.failed <- err:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	handled, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { l.change() },
		UpdateFunc: func(any, any) { l.change() },
		DeleteFunc: func(any) { l.change() },
	})
	if err != nil {
		return nil, err
	}
	l.synced = append(l.synced, handled.HasSynced)
	return informer.GetStore(), nil
}

func (l *Live) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// trim leaves out what is long and is never shown.
func trim(object any) (any, error) {
	if object, ok := object.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	if node, ok := object.(*corev1.Node); ok {
		node.Status.Images = nil
	}
	return object, nil
}

// syncInterval is how often Sync looks whether everything was read.
const syncInterval = 20 * time.Millisecond

// Sync waits until everything was read once. The error is why it may not be read, or that of the context.
func (l *Live) Sync(ctx context.Context) error {
	look := time.NewTicker(syncInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.failed:
			return err
		case <-look.C:
		}
		all := true
		for _, synced := range l.synced {
			all = all && synced()
		}
		if all {
			return nil
		}
	}
}

// Changed receives after something changed. Several changes may be received as one.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// Failed receives why something may not be read any more.
func (l *Live) Failed() <-chan error { return l.failed }

// Pods returns the pods. They must not be changed.
func (l *Live) Pods() []*corev1.Pod { return listed[*corev1.Pod](l.pods) }

// Nodes returns the nodes. They must not be changed.
func (l *Live) Nodes() []*corev1.Node { return listed[*corev1.Node](l.nodes) }

func listed[T any](store cache.Store) []T {
	all := store.List()
	typed := make([]T, 0, len(all))
	for _, object := range all {
		if object, ok := object.(T); ok {
			typed = append(typed, object)
		}
	}
	return typed
}
