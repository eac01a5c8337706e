// Package coscheduling plugs gangs into the Kubernetes scheduler framework. Its plugins ask the ledger and perform what
// it decides; they decide nothing themselves.
//
// To use them in another scheduler, build it with the factories of one Plugins value, and attach them before it runs:
//
//	plugins := coscheduling.New()
//	sched, err := scheduler.New(..., scheduler.WithFrameworkOutOfTreeRegistry(plugins.Factories()))
//	plugins.Attach(ctx, sched)
//
// In a scheduler that is not attached, members of gangs are refused with a sentence that says so; other pods are scheduled.
//
// Enable, in each profile, Coscheduling or BatchPermit and GangQueue under multiPoint, before the default plugins; GangQueue
// replaces PrioritySort as the queueSort plugin. A profile that lacks a part of this is refused at the start. If GangQueue also
// comes before DefaultBinder at bind, it bounds how many pods are bound at the same time.
package coscheduling

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/metrics"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
	"github.com/kubenexus/kubenexus-scheduler/internal/status"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// QueueName is the name of the plugin that keeps waiting members out of the queue and sorts the others. It is apart
// from the plugins that place gangs because it must register no events: the scheduling queue asks the gating plugin of
// every gated pod again at each event that this plugin registers.
const QueueName = "GangQueue"

// Plugins are the plugins of one scheduler process. All their instances share one ledger.
type Plugins struct {
	ledger  *ledger.Ledger
	limiter *bindlimit.Limiter
	slots   *slots.Held
	metrics *metrics.Metrics

	// mu guards what the factories set up; they run one after another before anything else does.
	mu         sync.Mutex
	dispatcher *dispatch.Dispatcher
	instances  map[instanceKey]*gangPlugin
	lead       sync.Once
	// scheduledEvents writes the events of pods that were bound, if it is used.
	scheduledEvents atomic.Pointer[status.ScheduledEvents]
	leaving         atomic.Bool
	attached        atomic.Bool
}

// New returns the plugins of one scheduler process.
func New() *Plugins {
	l := ledger.New(clock.RealClock{})
	return &Plugins{
		ledger: l, limiter: bindlimit.New(), slots: slots.New(l), metrics: metrics.New(), instances: map[instanceKey]*gangPlugin{},
	}
}

// instanceKey names the plugin of a convention in a profile.
type instanceKey struct{ schedulerName, convention string }

func (p *Plugins) keep(plugin *gangPlugin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances[instanceKey{plugin.handle.ProfileName(), plugin.convention.Name}] = plugin
}

// instance returns the plugin of a convention in a profile, or nil.
func (p *Plugins) instance(schedulerName, convention string) *gangPlugin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instances[instanceKey{schedulerName, convention}]
}

// RegisterMetrics makes our metrics visible. It is optional.
func (p *Plugins) RegisterMetrics(r metrics.Registry) { p.metrics.Register(r, p.ledger.Statuses) }

// Factories returns what to register in the scheduler, by plugin name.
func (p *Plugins) Factories() frameworkruntime.Registry {
	registry := frameworkruntime.Registry{QueueName: p.newQueue}
	for _, convention := range conventions.All() {
		registry[convention.Name] = func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			return p.newPlugin(ctx, convention, args, h)
		}
	}
	return registry
}

// planner returns the planner of a convention in a profile, or nil.
func (p *Plugins) planner(schedulerName, convention string) *view.Planner {
	if plugin := p.instance(schedulerName, convention); plugin != nil {
		return plugin.planner
	}
	return nil
}

// LateEvents wraps the recorders of the scheduler's profiles, so that the event of a pod that was bound is written, by this client,
// when no other pod is being bound. Wrapping is optional.
func (p *Plugins) LateEvents(ctx context.Context, client kubernetes.Interface, recorders profile.RecorderFactory) profile.RecorderFactory {
	late := status.NewScheduledEvents(ctx, client, p.limiter)
	p.scheduledEvents.Store(late)
	return late.Wrap(recorders)
}

// Goodbye is for a process that was asked to stop, while it still leads: it returns when the pods that are being bound are, and
// their events are written, or after five seconds. From then on no pod is popped, and events do not wait.
func (p *Plugins) Goodbye() {
	p.leaving.Store(true)
	if late := p.scheduledEvents.Load(); late != nil {
		late.Finish()
	}
}

// takeLead begins what only the process that makes decisions may do. Until then it writes nothing: with leader election, the standbys see
// every pod too.
func (p *Plugins) takeLead() {
	p.lead.Do(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.dispatcher != nil {
			p.dispatcher.Lead()
		}
	})
}

// connect gives the process's one dispatcher the handle of a profile, and feeds the ledger from its informers.
func (p *Plugins) connect(ctx context.Context, h fwk.Handle) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dispatcher == nil {
		p.dispatcher = dispatch.New(klog.FromContext(ctx),
			dispatch.Parts{Ledger: p.ledger, Limiter: p.limiter, Slots: p.slots, Metrics: p.metrics}, h)
		if err := p.dispatcher.Watch(); err != nil {
			return err
		}
		go p.dispatcher.Run(ctx)
	}
	return p.dispatcher.Serve(ctx, h)
}

// checkProfile refuses a profile in which the plugin cannot work, with a sentence that says what to add.
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
		// before is the upstream plugin that must come later.
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
