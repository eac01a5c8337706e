package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/blang/semver/v4"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/healthz"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/leaderelection"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/configz"
	utilversion "k8s.io/component-base/version"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	schedulerappconfig "k8s.io/kubernetes/cmd/kube-scheduler/app/config"
	kubefeatures "k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler"
	conversionv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/leadership"
	"github.com/kubenexus/kubenexus-scheduler/pkg/coscheduling"
)

// process is a scheduler that runs: it serves, and schedules pods while it leads.
//
// It does what upstream's app.Run does, which serves a fixed set of endpoints and none of ours.
type process struct {
	config  *schedulerappconfig.CompletedConfig
	sched   *scheduler.Scheduler
	plugins *coscheduling.Plugins
	// elector is nil without leader election.
	elector *leaderelection.LeaderElector
	// synced is closed once the caches are filled, leading is true while this process leads.
	synced  chan struct{}
	leading atomic.Bool
}

// runProcess runs the scheduler until the context ends. It returns an error if the process cannot start. If it leads and loses its lease,
// or is asked to stop, it ends the process.
func runProcess(
	ctx context.Context, config *schedulerappconfig.CompletedConfig, sched *scheduler.Scheduler, plugins *coscheduling.Plugins,
) error {
	p := &process{config: config, sched: sched, plugins: plugins, synced: make(chan struct{})}
	klog.FromContext(ctx).Info("Starting the scheduler", "version", utilversion.Get())
	if err := p.publishConfig(); err != nil {
		return err
	}
	config.EventBroadcaster.StartRecordingToSink(ctx.Done())
	defer config.EventBroadcaster.Shutdown()
	checks, ready, err := p.healthChecks(ctx)
	if err != nil {
		return err
	}
	stop := func() {}
	if config.LeaderElection != nil {
		config.LeaderElection.Callbacks = leaderelection.LeaderCallbacks{
			OnStartedLeading: p.lead,
			OnStoppedLeading: func() { exit(ctx, stop) },
		}
		if p.elector, err = leaderelection.NewLeaderElector(*config.LeaderElection); err != nil {
			return fmt.Errorf("preparing the leader election: %w", err)
		}
	}
	if config.SecureServing != nil {
		if stop, err = p.serve(ctx, checks, ready); err != nil {
			return err
		}
	}
	if config.LeaderElection == nil || !config.ComponentConfig.DelayCacheUntilActive {
		p.fillCaches(ctx)
	}
	if p.elector == nil {
		p.leading.Store(true)
		sched.Run(ctx)
		stop()
		return errors.New("the scheduler has ended")
	}
	p.elector.Run(ctx)
	return errors.New("the lease is lost")
}

// leaderCheck is the name of the check that there is a leader.
const leaderCheck = "leader"

// publishConfig shows the configuration at /configz.
func (p *process) publishConfig() error {
	shown := &configv1.KubeSchedulerConfiguration{}
	if err := conversionv1.Convert_config_KubeSchedulerConfiguration_To_v1_KubeSchedulerConfiguration(
		&p.config.ComponentConfig, shown, nil); err != nil {
		return fmt.Errorf("converting the configuration to show it: %w", err)
	}
	shown.SetGroupVersionKind(configv1.SchemeGroupVersion.WithKind("KubeSchedulerConfiguration"))
	published, err := configz.New("componentconfig")
	if err != nil {
		return fmt.Errorf("publishing the configuration: %w", err)
	}
	if err := published.Set(shown); err != nil {
		return fmt.Errorf("publishing the configuration: %w", err)
	}
	return nil
}

// healthChecks returns what has to hold for the process to be healthy, and for it to be ready. It is ready once its caches are filled, if
// it leads or has seen another lead.
func (p *process) healthChecks(ctx context.Context) (healthy, ready []healthz.HealthChecker, err error) {
	if p.config.ComponentConfig.LeaderElection.LeaderElect {
		healthy = append(healthy, p.config.LeaderElection.WatchDog)
		ready = append(ready, p.config.LeaderElection.WatchDog)
	}
	ready = append(ready, healthz.NewShutdownHealthz(ctx.Done()), healthz.NamedCheck("sched-handler-sync", func(*http.Request) error {
		select {
		case <-p.synced:
			return nil
		default:
			return errors.New("the caches are not filled yet")
		}
	}))
	if p.config.LeaderElection == nil {
		return healthy, ready, nil
	}
	if lock, ours := p.config.LeaderElection.Lock.(*leadership.Lock); ours {
		ready = append(ready, healthz.NamedCheck(leaderCheck, lock.Ready))
	}
	if !utilfeature.DefaultFeatureGate.Enabled(kubefeatures.CoordinatedLeaderElection) {
		return healthy, ready, nil
	}
	candidate, err := p.standForElection(ctx)
	return healthy, append(ready, candidate), err
}

// standForElection makes this process a candidate that the control plane may elect (coordinated leader election).
func (p *process) standForElection(ctx context.Context) (healthz.HealthChecker, error) {
	p.config.LeaderElection.Coordinated = true
	effective := p.config.ComponentGlobalsRegistry.EffectiveVersionFor(basecompatibility.DefaultKubeComponent)
	binary, err := semver.ParseTolerant(effective.BinaryVersion().String())
	if err != nil {
		return nil, fmt.Errorf("reading the version of this program: %w", err)
	}
	emulated, err := semver.ParseTolerant(effective.EmulationVersion().String())
	if err != nil {
		return nil, fmt.Errorf("reading the version that this program emulates: %w", err)
	}
	candidate, synced, err := leaderelection.NewCandidate(p.config.Client, metav1.NamespaceSystem, p.config.LeaderElection.Lock.Identity(),
		"kube-scheduler", binary.FinalizeVersion(), emulated.FinalizeVersion(), coordinationv1.OldestEmulationVersion)
	if err != nil {
		return nil, fmt.Errorf("preparing the coordinated leader election: %w", err)
	}
	go candidate.Run(ctx)
	return healthz.NewInformerSyncHealthz(synced), nil
}

// fillCaches starts the informers and waits until the scheduler knows all that they have listed.
func (p *process) fillCaches(ctx context.Context) {
	p.config.InformerFactory.Start(ctx.Done())
	if p.config.DynInformerFactory != nil {
		p.config.DynInformerFactory.Start(ctx.Done())
	}
	p.config.InformerFactory.WaitForCacheSync(ctx.Done())
	if p.config.DynInformerFactory != nil {
		p.config.DynInformerFactory.WaitForCacheSync(ctx.Done())
	}
	if err := p.sched.WaitForHandlersSync(ctx); err != nil {
		klog.FromContext(ctx).Error(err, "Failed to wait until the caches are filled")
	}
	close(p.synced)
}

// lead schedules pods until the context ends.
func (p *process) lead(ctx context.Context) {
	p.leading.Store(true)
	if p.config.SecureServing != nil {
		go p.sayWhere(ctx)
	}
	if p.config.ComponentConfig.DelayCacheUntilActive {
		p.fillCaches(ctx)
	}
	p.sched.Run(ctx)
}

// exit ends a process that does not lead any more: at once, because another one may lead already.
func exit(ctx context.Context, stop func()) {
	if ctx.Err() != nil { // it was asked to stop, and has bound what it had planned
		stop()
		klog.FromContext(ctx).Info("Stopped")
		klog.Flush()
		os.Exit(0)
	}
	klog.FromContext(ctx).Error(nil, "The lease is lost")
	klog.FlushAndExit(klog.ExitFlushTimeout, 1)
}
