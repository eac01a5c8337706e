package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// QueueSource watches the ConfigMap that configures the queues. A bad configuration leaves the one before it in force.
type QueueSource struct {
	dispatcher *Dispatcher
	from       types.NamespacedName
	informer   cache.SharedIndexInformer
	handled    cache.ResourceEventHandlerRegistration
	// read is what was read last, nil if there was no ConfigMap.
	read *reading
	// forbidden is true once the API server said that this process has no right to read the ConfigMap.
	forbidden atomic.Bool
	// refused is the ConfigMap that is refused, to be reported by the process that leads.
	refused atomic.Pointer[refusedConfig]
}

// reading is the text of a ConfigMap, or why it has none.
type reading struct{ text, problem string }

// refusedConfig is a bad configuration.
type refusedConfig struct {
	object *corev1.ConfigMap
	reason error
}

// WatchQueues starts to watch the ConfigMap with this name.
func (p *Dispatcher) WatchQueues(ctx context.Context, from types.NamespacedName) (*QueueSource, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(p.handle.ClientSet(), 0, informers.WithNamespace(from.Namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, from.Name).String()
		}))
	s := &QueueSource{dispatcher: p, from: from, informer: factory.Core().V1().ConfigMaps().Informer()}
	if err := s.informer.SetWatchErrorHandlerWithContext(s.failed); err != nil {
		return nil, fmt.Errorf("watching ConfigMap %s: %w", from, err)
	}
	handled, err := s.informer.AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: s.isOurs, // a fake client does not select by field
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { s.seen(obj) },
			UpdateFunc: func(_, obj any) { s.seen(obj) },
			DeleteFunc: func(any) { s.gone() },
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watching ConfigMap %s: %w", from, err)
	}
	s.handled = handled
	go s.informer.RunWithContext(ctx)
	return s, nil
}

// Synced reports whether the configuration that exists is in force, or this process has no right to read it.
func (s *QueueSource) Synced() bool { return s.handled.HasSynced() || s.forbidden.Load() }

func (s *QueueSource) isOurs(obj any) bool {
	if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = unknown.Obj
	}
	configMap, ok := obj.(*corev1.ConfigMap)
	return ok && configMap.Name == s.from.Name && configMap.Namespace == s.from.Namespace
}

// failed reports an error of the watch; a missing right only once. The queues stay as they are.
func (s *QueueSource) failed(ctx context.Context, r *cache.Reflector, err error) {
	if apierrors.IsForbidden(err) {
		if s.forbidden.CompareAndSwap(false, true) {
			s.dispatcher.logger.Info("Queues cannot be configured: this scheduler may not list and watch the ConfigMap",
				"configMap", s.from, "reason", err.Error())
		}
		return
	}
	s.dispatcher.logger.Error(err, "Failed to watch the configuration of queues; the queues stay as they are", "configMap", s.from)
	cache.DefaultWatchErrorHandler(ctx, r, err)
}

func (s *QueueSource) seen(obj any) {
	configMap, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return
	}
	text, err := queueconfig.Text(configMap)
	read := reading{text: text}
	if err != nil {
		read.problem = err.Error()
	}
	if s.read != nil && *s.read == read {
		return
	}
	s.read = &read
	var config queue.Config
	if err == nil {
		config, err = queueconfig.Parse([]byte(text))
	}
	if err == nil {
		err = s.dispatcher.Configure(&config)
	}
	s.dispatcher.metrics.QueuesConfigured(err == nil)
	if err != nil {
		s.dispatcher.logger.Error(err, "The configuration of queues is refused; the one before it stays in force", "configMap", s.from)
		s.refused.Store(&refusedConfig{object: configMap, reason: err})
		s.report()
		return
	}
	s.refused.Store(nil)
	s.dispatcher.logger.Info("The configuration of queues is in force", "configMap", s.from, "version", configMap.ResourceVersion)
}

func (s *QueueSource) gone() {
	s.read = nil
	s.refused.Store(nil)
	s.dispatcher.metrics.QueuesConfigured(true)
	if err := s.dispatcher.Configure(nil); err != nil {
		s.dispatcher.logger.Error(err, "Failed to remove the configuration of queues", "configMap", s.from)
		return
	}
	s.dispatcher.logger.Info("The configuration of queues is gone; there is one queue", "configMap", s.from)
}

// Lead makes this process report what is wrong with the configuration.
func (s *QueueSource) Lead() { s.report() }

// report writes an event about a refused configuration, if this process leads.
func (s *QueueSource) report() {
	wrong := s.refused.Load()
	if wrong == nil || !s.dispatcher.leading.Load() {
		return
	}
	if !s.refused.CompareAndSwap(wrong, nil) {
		return
	}
	recorder := s.dispatcher.handle.EventRecorder()
	recorder.Eventf(wrong.object, nil, corev1.EventTypeWarning, events.ReasonInvalidQueues, "Configuring", "%s",
		noteOf(wrong.reason))
}

// noteOf returns the note of an event that says why a configuration is refused. Of many problems, it says how many more there are.
func noteOf(reason error) string {
	const after = "; the configuration before it stays in force"
	text := reason.Error()
	if problems, is := errors.AsType[queueconfig.Problems](reason); is {
		text = problems.Within(events.MaxNote - len(after))
	}
	return events.Shorten(text + after)
}
