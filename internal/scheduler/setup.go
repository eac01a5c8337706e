package scheduler

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/events"
	logsapi "k8s.io/component-base/logs/api/v1"
	metricsfeatures "k8s.io/component-base/metrics/features"
	"k8s.io/klog/v2"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/kubenexus/kubenexus-scheduler/pkg/coscheduling"
)

func newOptions() *options.Options {
	registerGates()
	// With this gate on, a pod that waits in Permit has its nominatedNodeName patched: three times the API server's work
	// for each member of a gang, and nominations that outlive a gang cycle and block other pods. The default can be
	// changed only before the flags are made; --feature-gates can still turn it on.
	if utilfeature.DefaultFeatureGate.Enabled(kubefeatures.NominatedNodeNameForExpectation) {
		utilruntime.Must(utilfeature.DefaultMutableFeatureGate.OverrideDefault(kubefeatures.NominatedNodeNameForExpectation, false))
	}
	opts := options.NewOptions()
	showElectionDefaults(opts.Flags.FlagSet(electionFlags))
	return opts
}

// registerGates adds the feature gates of logging and metrics, which upstream's command adds to a process that has it.
func registerGates() {
	gates := utilfeature.DefaultMutableFeatureGate
	if _, known := gates.GetAll()[logsapi.ContextualLogging]; !known {
		utilruntime.Must(logsapi.AddFeatureGates(gates))
		utilruntime.Must(metricsfeatures.AddFeatureGates(gates))
	}
}

// setup builds the scheduler that the flags and the configuration file describe. It replaces upstream's
// app.Setup, which cannot have other defaults: it starts from kube-scheduler's and reads the file itself.
func setup(ctx context.Context, opts *options.Options, plugins *coscheduling.Plugins) (
	*schedulerappconfig.CompletedConfig, *scheduler.Scheduler, error,
) {
	logger := klog.FromContext(ctx)
	// The options read no file: what it says is in ComponentConfig, and flags override it.
	file := opts.ConfigFile
	opts.ConfigFile = ""
	defer func() { opts.ConfigFile = file }()
	if err := configure(ctx, opts, file); err != nil {
		return nil, nil, err
	}
	delegate(opts)
	c, err := newConfig(ctx, opts)
	if err != nil {
		return nil, nil, err
	}
	completed := c.Complete()
	sched, profiles, err := newScheduler(ctx, &completed, plugins)
	if err != nil {
		return nil, nil, err
	}
	if err := options.LogOrWriteConfig(logger, opts.WriteConfigTo, &completed.ComponentConfig, profiles); err != nil {
		return nil, nil, fmt.Errorf("writing the configuration: %w", err)
	}
	plugins.Attach(ctx, sched)
	return &completed, sched, nil
}

// delegate has the API server of a kubeconfig authenticate and authorize requests, unless flags name others. Upstream then does so only in
// a cluster, and nobody outside of one could ask for metrics or answers.
func delegate(opts *options.Options) {
	kubeconfig := opts.ComponentConfig.ClientConnection.Kubeconfig
	if kubeconfig == "" {
		return
	}
	if a := opts.Authentication; a != nil && a.RemoteKubeConfigFile == "" {
		a.RemoteKubeConfigFile = kubeconfig
	}
	if a := opts.Authorization; a != nil && a.RemoteKubeConfigFile == "" {
		a.RemoteKubeConfigFile = kubeconfig
	}
}

// configure reads the configuration file, and asks the API server whether this process has to behave as an older version. It
// then reads the file again: the defaults are others.
func configure(ctx context.Context, opts *options.Options, file string) error {
	logger := klog.FromContext(ctx)
	if err := read(logger, opts, file); err != nil {
		return err
	}
	config, err := clusterConfig(opts.Master, opts.ComponentConfig.ClientConnection.Kubeconfig)
	if err != nil {
		return err
	}
	if opts.WriteConfigTo != "" {
		return nil // needs no API server
	}
	server, err := awaitAPIServer(ctx, config, opts.SecureServing)
	if err != nil {
		return err
	}
	if err := server.adapt(logger, opts.ComponentGlobalsRegistry); err != nil {
		return err
	}
	if err := read(logger, opts, file); err != nil {
		return err
	}
	if !utilfeature.DefaultFeatureGate.Enabled(kubefeatures.DynamicResourceAllocation) {
		refuseClaims(opts.ComponentConfig.Profiles)
	}
	return nil
}

// read reads the configuration file into the options, lets flags override it, and checks all.
func read(logger klog.Logger, opts *options.Options, file string) error {
	cfg, err := loadConfig(logger, file, opts.Flags.FlagSet(electionFlags))
	if err != nil {
		return err
	}
	opts.ApplyLeaderElectionTo(cfg) // it is then that of the options
	opts.ApplyDeprecated()
	if errs := opts.Validate(); len(errs) > 0 {
		return fmt.Errorf("flags or configuration: %w", errors.NewAggregate(errs))
	}
	return nil
}

func newScheduler(ctx context.Context, c *schedulerappconfig.CompletedConfig, plugins *coscheduling.Plugins) (
	*scheduler.Scheduler, []config.KubeSchedulerProfile, error,
) {
	var profiles []config.KubeSchedulerProfile
	registry := plugins.Factories()
	registry[noClaimsName] = newNoClaims
	recorders := plugins.LateEvents(ctx, c.Client, func(name string) events.EventRecorderLogger {
		return c.EventBroadcaster.NewRecorder(name)
	})
	sched, err := scheduler.New(ctx, c.Client, c.InformerFactory, c.DynInformerFactory, recorders,
		scheduler.WithComponentConfigVersion(c.ComponentConfig.APIVersion),
		scheduler.WithKubeConfig(c.KubeConfig),
		scheduler.WithProfiles(c.ComponentConfig.Profiles...),
		scheduler.WithPercentageOfNodesToScore(c.ComponentConfig.PercentageOfNodesToScore),
		scheduler.WithFrameworkOutOfTreeRegistry(registry),
		scheduler.WithPodMaxBackoffSeconds(c.ComponentConfig.PodMaxBackoffSeconds),
		scheduler.WithPodInitialBackoffSeconds(c.ComponentConfig.PodInitialBackoffSeconds),
		scheduler.WithPodMaxInUnschedulablePodsDuration(c.PodMaxInUnschedulablePodsDuration),
		scheduler.WithExtenders(c.ComponentConfig.Extenders...),
		scheduler.WithParallelism(c.ComponentConfig.Parallelism),
		scheduler.WithBuildFrameworkCapturer(func(p config.KubeSchedulerProfile) { profiles = append(profiles, p) }),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("building the scheduler: %w", err)
	}
	return sched, profiles, nil
}
