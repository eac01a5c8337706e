package coscheduling

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	kjson "sigs.k8s.io/json"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// QueueArgs are the arguments of the plugin GangQueue in the configuration file. The kind is GangQueueArgs, and may be left out. They are
// the same in all profiles: what one profile says holds for those that say nothing.
type QueueArgs struct {
	metav1.TypeMeta `json:",inline"`
	// Queues names the ConfigMap that configures the queues, under the key queues.yaml.
	Queues ConfigMapName `json:"queues,omitzero"`
}

// ConfigMapName names a ConfigMap.
type ConfigMapName struct {
	// Namespace is the ConfigMap's namespace. The default is the scheduler's own, or kube-system outside of a cluster.
	Namespace string `json:"namespace,omitempty"`
	// Name is the ConfigMap's name. The default is kubenexus-queues.
	Name string `json:"name,omitempty"`
}

const (
	// namespaceFile is where a pod finds the name of its namespace.
	namespaceFile    = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
	defaultNamespace = "kube-system"
	// queuesPatience is how long a process that begins to lead waits for the configuration of the queues.
	queuesPatience = 10 * time.Second
)

// parseQueueArgs decodes the arguments of GangQueue. It rejects unknown fields.
func parseQueueArgs(obj runtime.Object) (QueueArgs, error) {
	var args QueueArgs
	unknown, given := obj.(*runtime.Unknown)
	switch {
	case obj == nil || given && len(unknown.Raw) == 0:
		return args, nil
	case !given:
		return QueueArgs{}, fmt.Errorf("arguments of plugin %s have the type %T; write them in the configuration file", QueueName, obj)
	}
	strict, err := kjson.UnmarshalStrict(unknown.Raw, &args)
	switch {
	case err != nil:
		return QueueArgs{}, fmt.Errorf("arguments of plugin %s: %w", QueueName, err)
	case len(strict) > 0:
		return QueueArgs{}, fmt.Errorf("arguments of plugin %s: %w; the fields are apiVersion, kind, and queues with namespace and name",
			QueueName, strict[0])
	case args.APIVersion != "" && args.APIVersion != ArgsAPIVersion:
		return QueueArgs{}, fmt.Errorf("arguments of plugin %s: apiVersion is %q; use %q or leave it out",
			QueueName, args.APIVersion, ArgsAPIVersion)
	case args.Kind != "" && args.Kind != QueueName+"Args":
		return QueueArgs{}, fmt.Errorf("arguments of plugin %s: kind is %q; use %q or leave it out", QueueName, args.Kind, QueueName+"Args")
	}
	return args, nil
}

// source returns the ConfigMap that configures the queues.
func (a QueueArgs) source() types.NamespacedName {
	own, _ := os.ReadFile(namespaceFile) // outside of a cluster there is none
	return types.NamespacedName{
		Namespace: cmp.Or(a.Queues.Namespace, strings.TrimSpace(string(own)), defaultNamespace),
		Name:      cmp.Or(a.Queues.Name, queueconfig.DefaultName),
	}
}

// watchQueues starts to watch the configuration of the queues.
func (p *Plugins) watchQueues(ctx context.Context) {
	logger := klog.FromContext(ctx)
	queues, err := p.dispatcher.WatchQueues(ctx, p.queuesFrom)
	if err != nil {
		logger.Error(err, "The queues cannot be configured")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queues = queues
}

// awaitQueues waits until the configuration of the queues is in force, so that the first decision already follows it. Without the right to
// read it, the process goes on with one queue after a while.
func (p *Plugins) awaitQueues() {
	if p.queues == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), queuesPatience)
	defer cancel()
	synced := func(context.Context) (bool, error) { return p.queues.Synced(), nil }
	if err := wait.PollUntilContextCancel(ctx, 5*time.Millisecond, true, synced); err != nil {
		klog.Background().Error(err, "The configuration of queues could not be read; there is one queue until it can",
			"configMap", p.queuesFrom)
	}
}
