// Package coscheduling adds gang scheduling to the Kubernetes scheduler framework. Its plugins query the ledger and carry out its
// decisions; they decide nothing themselves.
//
// To use the plugins in another scheduler, build it with the factories of one Plugins value, and attach them before it runs:
//
//	plugins := coscheduling.New()
//	sched, err := scheduler.New(..., scheduler.WithFrameworkOutOfTreeRegistry(plugins.Factories()))
//	plugins.Attach(ctx, sched)
//
// Without Attach, members of gangs are rejected with a message that says so; other pods are scheduled.
//
// In each profile, enable Coscheduling or BatchPermit, and GangQueue, under multiPoint before the default plugins. GangQueue replaces
// PrioritySort as the queueSort plugin. The scheduler does not start with an incomplete profile. If GangQueue also comes before
// DefaultBinder at bind, it limits how many pods are bound at the same time. DevicePacking is optional: it scores nodes for pods without a
// gang.
package coscheduling

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	policylisters "k8s.io/client-go/listers/policy/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
	"github.com/kubenexus/kubenexus-scheduler/internal/devicepacking"
	"github.com/kubenexus/kubenexus-scheduler/internal/devices"
	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
	"github.com/kubenexus/kubenexus-scheduler/internal/status"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// QueueName is the name of the plugin that gates members of gangs and sorts the scheduling queue. It is separate from the gang plugins
// because it must register no events: at each event that a gating plugin registers, the scheduling queue calls PreEnqueue again for every
// pod that it gates.
const QueueName = "GangQueue"

// Plugins are the plugins of one scheduler process. All their instances share one ledger.
type Plugins struct {
	ledger  *ledger.Ledger
	limiter *bindlimit.Limiter
	slots   *slots.Held
	metrics *metrics.Metrics
	devices *devices.Reader

	// mu guards what the factories set up. The framework calls them one after another before it runs anything else.
	mu         sync.Mutex
	dispatcher *dispatch.Dispatcher
	instances  map[instanceKey]*gangPlugin
	// queuesFrom is the ConfigMap that configures the queues, queues what watches it.
	queuesFrom types.NamespacedName
	queues     *dispatch.QueueSource
	lead       sync.Once
	// budgets are the disruption budgets of the cluster.
	budgets policylisters.PodDisruptionBudgetLister
	// preemption makes room for what does not fit, once Attach was called.
	preemption atomic.Pointer[cycle.Preemption]
	// scheduledEvents writes the Scheduled events, if LateEvents was called.
	scheduledEvents atomic.Pointer[status.ScheduledEvents]
	// questions answers what users ask, once Attach was called.
	questions atomic.Pointer[questions]
	// leads is true once this process schedules pods.
	leads    atomic.Bool
	leaving  atomic.Bool
	attached atomic.Bool
}

// New returns the plugins of one scheduler process.
func New() *Plugins {
	l := ledger.New(clock.RealClock{})
	return &Plugins{
		ledger: l, limiter: bindlimit.New(), slots: slots.New(l), metrics: metrics.New(), devices: &devices.Reader{},
		instances: map[instanceKey]*gangPlugin{},
	}
}

// instanceKey identifies the plugin for a convention in a profile.
type instanceKey struct{ schedulerName, convention string }

func (p *Plugins) keep(plugin *gangPlugin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances[instanceKey{plugin.handle.ProfileName(), plugin.convention.Name}] = plugin
}

// instance returns the plugin for a convention in a profile, or nil.
func (p *Plugins) instance(schedulerName, convention string) *gangPlugin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instances[instanceKey{schedulerName, convention}]
}

// RegisterMetrics registers the metrics of this scheduler. It is optional.
func (p *Plugins) RegisterMetrics(r metrics.Registry) {
	p.metrics.Register(r, struct {
		*ledger.Ledger
		*devices.Reader
	}{p.ledger, p.devices}, clock.RealClock{})
}

// Factories returns the plugin factories by plugin name, for the scheduler's registry.
func (p *Plugins) Factories() frameworkruntime.Registry {
	registry := frameworkruntime.Registry{QueueName: p.newQueue, devicepacking.Name: devicepacking.New}
	for _, convention := range conventions.All() {
		registry[convention.Name] = func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			return p.newPlugin(ctx, convention, args, h)
		}
	}
	return registry
}

// planner returns the planner for a convention in a profile, or nil. Without a convention, it returns any planner of the profile.
func (p *Plugins) planner(schedulerName, convention string) *view.Planner {
	if convention == "" {
		return p.anyPlanner(schedulerName)
	}
	if plugin := p.instance(schedulerName, convention); plugin != nil {
		return plugin.planner
	}
	return nil
}

func (p *Plugins) anyPlanner(schedulerName string) *view.Planner {
	for _, convention := range conventions.All() {
		if plugin := p.instance(schedulerName, convention.Name); plugin != nil {
			return plugin.planner
		}
	}
	return nil
}

// LateEvents wraps the recorders of the scheduler's profiles, so that the client writes Scheduled events when no pod is being bound. It is
// optional.
func (p *Plugins) LateEvents(ctx context.Context, client kubernetes.Interface, recorders profile.RecorderFactory) profile.RecorderFactory {
	late := status.NewScheduledEvents(ctx, client, p.limiter)
	p.scheduledEvents.Store(late)
	return late.Wrap(recorders)
}

// Goodbye is for a leader that was asked to stop. It returns when no pod is being bound and all Scheduled events are written, or after five
// seconds. Once it is called, the scheduler pops no more pods, and events do not wait for binding.
func (p *Plugins) Goodbye() {
	p.leaving.Store(true)
	if late := p.scheduledEvents.Load(); late != nil {
		late.Finish()
	}
}

// takeLead starts what only the leader may do. Until then the process writes nothing, because with leader election the standby replicas see
// every pod too.
func (p *Plugins) takeLead() {
	p.lead.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.dispatcher == nil {
			return
		}
		p.awaitQueues()
		p.dispatcher.Lead()
		if preemption := p.preemption.Load(); preemption != nil {
			preemption.Restore(context.Background())
		}
		if p.queues != nil {
			p.queues.Lead()
		}
		p.leads.Store(true)
	})
}

// connect gives the process's only dispatcher the handle of a profile, and feeds the ledger from the handle's informers.
func (p *Plugins) connect(ctx context.Context, h fwk.Handle) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dispatcher == nil {
		p.dispatcher = dispatch.New(klog.FromContext(ctx),
			dispatch.Parts{Ledger: p.ledger, Limiter: p.limiter, Slots: p.slots, Metrics: p.metrics}, h)
		if err := p.dispatcher.Watch(); err != nil {
			return err
		}
		p.budgets = h.SharedInformerFactory().Policy().V1().PodDisruptionBudgets().Lister()
		go p.dispatcher.Run(ctx)
	}
	return p.dispatcher.Serve(ctx, h)
}

// checkProfile returns an error if the plugin cannot work in the profile. The error says what to change.
func checkProfile(h fwk.Handle, plugin string) error {
	f, ok := h.(framework.Framework)
	if !ok {
		return fmt.Errorf("plugin %s needs the scheduler framework's own handle, not a %T", plugin, h)
	}
	enabled := f.ListPlugins()
	for _, need := range []struct {
		point   string
		plugin  string
		enabled []config.Plugin
		// before is the upstream plugin that must run after plugin.
		before string
	}{
		{"preEnqueue", QueueName, enabled.PreEnqueue.Enabled, ""},
		{"queueSort", QueueName, enabled.QueueSort.Enabled, ""},
		{"preFilter", plugin, enabled.PreFilter.Enabled, ""},
		{"filter", plugin, enabled.Filter.Enabled, ""},
		{"postFilter", plugin, enabled.PostFilter.Enabled, "DefaultPreemption"},
		{"reserve", plugin, enabled.Reserve.Enabled, ""},
		{"reserve", QueueName, enabled.Reserve.Enabled, ""},
		{"permit", plugin, enabled.Permit.Enabled, ""},
		{"postBind", QueueName, enabled.PostBind.Enabled, ""},
	} {
		at, later := indexOf(need.enabled, need.plugin), indexOf(need.enabled, need.before)
		if at < 0 {
			return fmt.Errorf("profile %s enables plugin %s but not %s at %s; enable %s and %s under multiPoint before the "+
				"default plugins, and disable \"*\" at queueSort with %s enabled there",
				h.ProfileName(), plugin, need.plugin, need.point, QueueName, plugin, QueueName)
		}
		if later >= 0 && later < at {
			return fmt.Errorf("profile %s runs %s before %s at %s; put %s first",
				h.ProfileName(), need.before, need.plugin, need.point, need.plugin)
		}
	}
	return nil
}

func indexOf(plugins []config.Plugin, name string) int {
	return slices.IndexFunc(plugins, func(p config.Plugin) bool { return p.Name == name })
}
