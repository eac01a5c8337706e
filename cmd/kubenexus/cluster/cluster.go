// Package cluster is how the commands that read a cluster reach it: with kubectl's flags and kubeconfig.
package cluster

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler"
)

// Options say which cluster is meant, and how KubeNexus is installed in it.
type Options struct {
	flags *genericclioptions.ConfigFlags
	// Schedulers are the schedulerNames that KubeNexus serves.
	Schedulers []string
	queues     string
}

// NewOptions returns options with the defaults.
func NewOptions() *Options {
	o := &Options{flags: genericclioptions.NewConfigFlags(true), Schedulers: scheduler.Names()}
	o.flags.CacheDir = nil // nothing is cached
	return o
}

// AddFlags adds the flags for the options to those of a command.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.Schedulers, "scheduler-names", o.Schedulers, "the schedulerNames that KubeNexus serves in this cluster")
	o.flags.AddFlags(flags)
}

// AddQueueFlag adds the flag that says where the configuration of the queues is.
func (o *Options) AddQueueFlag(flags *pflag.FlagSet) {
	flags.StringVar(&o.queues, "configmap", "kube-system/"+queueconfig.DefaultName,
		"the ConfigMap with the configuration of queues, as namespace/name")
}

// Queues is the name of the ConfigMap with the configuration of the queues.
func (o *Options) Queues() (types.NamespacedName, error) {
	namespace, name, found := strings.Cut(o.queues, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, fmt.Errorf("--configmap is %q: write it as namespace/name, such as kube-system/%s",
			o.queues, queueconfig.DefaultName)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

// requestsPerSecond bounds the requests of a command. The API server has its own bounds for each user.
const requestsPerSecond = 50

// Connect returns a client of the cluster, and the namespace that is meant.
func (o *Options) Connect() (client kubernetes.Interface, namespace string, err error) {
	config, namespace, err := o.Config()
	if err != nil {
		return nil, "", err
	}
	// Thousands of pods and nodes are read faster in this form.
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	client, err = kubernetes.NewForConfig(config)
	if err != nil {
		return nil, "", fmt.Errorf("preparing to reach the cluster: %w", err)
	}
	return client, namespace, nil
}

// Config returns how to reach the cluster, and the namespace that is meant.
func (o *Options) Config() (config *rest.Config, namespace string, err error) {
	config, err = o.flags.ToRESTConfig()
	if err != nil {
		return nil, "", fmt.Errorf("finding out how to reach the cluster: %w", err)
	}
	config.QPS, config.Burst = requestsPerSecond, 2*requestsPerSecond
	namespace, _, err = o.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("finding out which namespace to look at: %w", err)
	}
	return config, namespace, nil
}
