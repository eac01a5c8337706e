package scheduler

import (
	"context"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/server/flagz"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics"
	metricsfeatures "k8s.io/component-base/metrics/features"
	zpages "k8s.io/component-base/zpages/features"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"github.com/kubenexus/kubenexus-scheduler/internal/scheduler/trim"
)

// newConfig builds what the scheduler runs with from the options. It does what upstream's Options.Config does, with clients, informers, a
// certificate and a lock of ours, and logs no warnings where nothing is wrong.
func newConfig(ctx context.Context, opts *options.Options) (*schedulerappconfig.Config, error) {
	c := &schedulerappconfig.Config{ComponentConfig: *opts.ComponentConfig, ComponentGlobalsRegistry: opts.ComponentGlobalsRegistry}
	connection := &c.ComponentConfig.ClientConnection
	var err error
	if c.KubeConfig, err = clusterConfig(opts.Master, connection.Kubeconfig); err != nil {
		return nil, err
	}
	c.KubeConfig.DisableCompression = true
	c.KubeConfig.AcceptContentTypes, c.KubeConfig.ContentType = connection.AcceptContentTypes, connection.ContentType
	c.KubeConfig.QPS, c.KubeConfig.Burst = connection.QPS, int(connection.Burst)
	if err := secureServing(opts, c); err != nil {
		return nil, err
	}
	applyMetrics(opts.Metrics)
	if opts.Deprecated != nil {
		c.PodMaxInUnschedulablePodsDuration = opts.Deprecated.PodMaxInUnschedulablePodsDuration
	}
	if utilfeature.DefaultFeatureGate.Enabled(zpages.ComponentFlagz) && opts.Flags != nil {
		c.Flagz = flagz.NamedFlagSetsReader{FlagSets: *opts.Flags}
	}
	if err := clients(ctx, c); err != nil {
		return nil, fmt.Errorf("creating the clients: %w", err)
	}
	if c.LeaderElection, err = leaderElection(c); err != nil {
		return nil, err
	}
	return c, nil
}

// clusterConfig returns how to connect to the API server: that of the kubeconfig or address, or else that of the cluster that this runs in.
// Upstream's function for both warns where neither is given, as in every cluster.
func clusterConfig(address, kubeconfig string) (config *rest.Config, err error) {
	if address == "" && kubeconfig == "" {
		config, err = rest.InClusterConfig()
	} else {
		config, err = clientcmd.BuildConfigFromFlags(address, kubeconfig)
	}
	if errors.Is(err, rest.ErrNotInCluster) || clientcmd.IsEmptyConfig(err) || os.IsNotExist(err) {
		return nil, fmt.Errorf("no cluster to connect to: %w; set --kubeconfig", err)
	}
	return config, err
}

// applyMetrics applies the flags of metrics. Upstream's Apply logs an error if no flag says which values of labels are allowed.
func applyMetrics(o *metrics.Options) {
	metricsfeatures.ApplyFeatureGates(utilfeature.DefaultFeatureGate)
	if o.AllowListMapping != nil || o.AllowListMappingManifest != "" {
		o.Apply()
		return
	}
	if o.ShowHiddenMetricsForVersion != "" {
		metrics.SetShowHidden()
	}
	metrics.SetDisabledMetrics(o.DisabledMetrics)
}

// clients creates the clients, the informers and the recorder of events. The informers keep what this scheduler reads; extenders get whole
// objects, so with an extender nothing is left out.
func clients(ctx context.Context, c *schedulerappconfig.Config) error {
	var err error
	if c.Client, err = writingClient(c.KubeConfig, writeTimeout); err != nil {
		return err
	}
	forEvents, err := kubernetes.NewForConfig(c.KubeConfig)
	if err != nil {
		return err
	}
	c.EventBroadcaster = events.NewEventBroadcasterAdapterWithContext(ctx, forEvents)
	c.InformerFactory = trim.WholeInformers(c.Client)
	if len(c.ComponentConfig.Extenders) == 0 {
		c.InformerFactory = trim.Informers(c.Client)
	}
	anything, err := dynamic.NewForConfig(c.KubeConfig)
	if err != nil {
		return err
	}
	c.DynInformerFactory = dynamicinformer.NewFilteredDynamicSharedInformerFactory(anything, 0, corev1.NamespaceAll, nil)
	return nil
}
