package gangread

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// List returns the pods of a namespace, or of all with metav1.NamespaceAll. It reads them page by page.
func List(ctx context.Context, client kubernetes.Interface, namespace string) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	err := each(ctx, func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Pods(namespace).List(ctx, options)
	}, func(pod *corev1.Pod) { pods = append(pods, pod) })
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	return pods, nil
}

// ListNodes returns the nodes of the cluster.
func ListNodes(ctx context.Context, client kubernetes.Interface) ([]*corev1.Node, error) {
	var nodes []*corev1.Node
	err := each(ctx, func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Nodes().List(ctx, options)
	}, func(node *corev1.Node) { nodes = append(nodes, node) })
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	return nodes, nil
}

// EachEvent calls a function with each event of a namespace, or of all, that a field selector matches. It keeps one page of them at a time.
func EachEvent(ctx context.Context, client kubernetes.Interface, namespace, selector string, visit func(*eventsv1.Event)) error {
	err := each(ctx, func(options metav1.ListOptions) (runtime.Object, error) {
		options.FieldSelector = selector
		return client.EventsV1().Events(namespace).List(ctx, options)
	}, visit)
	if err != nil {
		return fmt.Errorf("listing events: %w", err)
	}
	return nil
}

// each calls a function with each object of a list.
func each[T runtime.Object](
	ctx context.Context, list func(metav1.ListOptions) (runtime.Object, error), visit func(T),
) error {
	return pager.New(pager.SimplePageFunc(list)).EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
		item, ok := object.(T)
		if !ok {
			return fmt.Errorf("the API server listed a %T as a %T", object, item)
		}
		visit(item)
		return nil
	})
}

// Queues returns the configuration of the queues. Without a ConfigMap of that name there is one queue, and configured is false. An error
// of type queueconfig.Problems, which may be wrapped, says what is wrong with the configuration.
func Queues(ctx context.Context, client kubernetes.Interface, from types.NamespacedName) (config queue.Config, configured bool, err error) {
	configMap, err := client.CoreV1().ConfigMaps(from.Namespace).Get(ctx, from.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return queue.Config{Queues: []queue.Queue{queue.NewQueue(queue.Default)}}, false, nil
	case err != nil:
		return queue.Config{}, false, fmt.Errorf("reading the configuration of queues: %w", err)
	}
	config, err = ParseQueues(configMap)
	return config, true, err
}

// ParseQueues returns the configuration of queues that a ConfigMap has.
func ParseQueues(configMap *corev1.ConfigMap) (queue.Config, error) {
	text, err := queueconfig.Text(configMap)
	var config queue.Config
	if err == nil {
		config, err = queueconfig.Parse([]byte(text))
	}
	if err != nil {
		return queue.Config{}, fmt.Errorf("the scheduler refuses ConfigMap %s/%s, and keeps the configuration before it: %w",
			configMap.Namespace, configMap.Name, err)
	}
	return config, nil
}
