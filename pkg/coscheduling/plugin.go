package coscheduling

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/cycle"
	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// gangPlugin starts the gangs of one convention all together or not at all. Each profile has its own instance.
type gangPlugin struct {
	convention conventions.Convention
	handle     fwk.Handle
	ledger     *ledger.Ledger
	dispatcher *dispatch.Dispatcher
	planner    *view.Planner
	slots      *slots.Held
	attached   func() bool
	preemption func() *cycle.Preemption
	// preempts is true if this plugin plans pods without a gang, within their topology domain or to preempt others: the first of the
	// profile does.
	preempts bool
	// ends is true if the profile has DefaultPreemption, which would preempt single members of gangs. PostFilter then ends the chain.
	ends bool
}

var (
	_ fwk.PreFilterPlugin   = &gangPlugin{}
	_ fwk.FilterPlugin      = &gangPlugin{}
	_ fwk.PostFilterPlugin  = &gangPlugin{}
	_ fwk.ReservePlugin     = &gangPlugin{}
	_ fwk.PermitPlugin      = &gangPlugin{}
	_ fwk.EnqueueExtensions = &gangPlugin{}
)

func (p *Plugins) newPlugin(ctx context.Context, d conventions.Convention, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	args, err := parseArgs(obj, d)
	if err != nil {
		return nil, err
	}
	if err := p.connect(ctx, h); err != nil {
		return nil, err
	}
	p.ledger.Serve(h.ProfileName(), d.Name, ledger.Defaults{
		Timeout: args.Timeout.Duration, ReservationTimeout: args.ReservationTimeout.Duration, Placement: args.Placement,
		ScheduleUnknown: args.UnknownGangs == conventions.ScheduleIfUnknown,
	})
	p.slots.Share(h.ProfileName(), args.ReservedShare)
	f, ok := h.(framework.Framework)
	if !ok {
		return nil, fmt.Errorf("plugin %s needs the scheduler framework's own handle, not a %T", d.Name, h)
	}
	plugin := &gangPlugin{
		convention: d, handle: h, ledger: p.ledger, dispatcher: p.dispatcher, slots: p.slots, attached: p.attached.Load,
		preemption: p.preemption.Load,
		planner:    &view.Planner{Framework: f, Pods: p.dispatcher.Pod, Slots: p.slots, Ledger: p.ledger, Gate: QueueName},
	}
	p.keep(plugin)
	return plugin, nil
}

// Name returns the plugin's name, which is also the name of its convention.
func (pl *gangPlugin) Name() string { return pl.convention.Name }

// PreFilter admits a pod that is scheduled as a single pod: a pod without a gang, or a member that joins a running gang. It rejects other
// members, because the gang cycle schedules them.
func (pl *gangPlugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (
	*fwk.PreFilterResult, *fwk.Status,
) {
	if view.OfGangCycle(state) || pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	answer := pl.ledger.Single(pod)
	pl.dispatcher.Perform(answer.Decisions)
	switch {
	case answer.Verdict == gang.Refuse:
		klog.FromContext(ctx).V(3).Info("Gang member cannot be scheduled alone", "gang", answer.Why.Gang, "why", answer.Why.Kind)
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, pl.refusal(answer.Why))
	case answer.Near != nil && (answer.Gang || pl.preempts):
		return pl.near(ctx, state, *answer.Near)
	case !answer.Gang:
		return nil, fwk.NewStatus(fwk.Skip)
	case answer.Slot != "":
		pl.forgetNominations(pod, answer.Slot)
		state.Write(pinKey, pin(answer.Slot))
		return &fwk.PreFilterResult{NodeNames: sets.New(answer.Slot)}, nil
	case len(answer.Avoid) > 0:
		state.Write(avoidKey, avoided{sets.New(answer.Avoid...)})
	}
	return nil, nil
}

// near plans a single pod within its topology domain, and allows only the planned node.
func (pl *gangPlugin) near(ctx context.Context, state fwk.CycleState, task gang.Task) (*fwk.PreFilterResult, *fwk.Status) {
	plan, err := pl.planner.Plan(ctx, task, nil)
	switch {
	case err != nil:
		return nil, fwk.AsStatus(err)
	case plan.Finding != nil:
		return nil, fwk.NewStatus(fwk.Unschedulable, cmp.Or(plan.Finding.Topology, plan.Finding.Detail))
	}
	node := plan.Pins[0].Node
	state.Write(pinKey, pin(node))
	return &fwk.PreFilterResult{NodeNames: sets.New(node)}, nil
}

// refusal returns the message for a member that is rejected in a cycle of its own.
func (pl *gangPlugin) refusal(why gang.Explanation) string {
	if !pl.attached() {
		return "this scheduler cannot schedule gangs: its program does not call coscheduling.Attach"
	}
	return events.Sentence(why)
}

// pin is the node of the slot that a member takes.
type pin string

const pinKey fwk.StateKey = "kubenexus.io/pin"

// Clone returns the pin itself, because it never changes.
func (p pin) Clone() fwk.StateData { return p }

// avoided are the nodes that recently rejected a member of the pod's gang.
type avoided struct{ nodes sets.Set[string] }

const avoidKey fwk.StateKey = "kubenexus.io/avoid"

// Clone returns the nodes themselves, because they never change.
func (a avoided) Clone() fwk.StateData { return a }

// Filter allows only the node of the member's slot, and rejects nodes that recently rejected a member. PreFilter's result is not enough,
// because upstream first tries a nominated node without it.
func (pl *gangPlugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if data, err := state.Read(avoidKey); err == nil {
		if a, ok := data.(avoided); ok && a.nodes.Has(node.Node().Name) {
			return view.Avoids()
		}
	}
	data, err := state.Read(pinKey)
	if err != nil {
		return nil
	}
	if planned, ok := data.(pin); ok && string(planned) != node.Node().Name {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't match the node of the slot that is held for this pod")
	}
	return nil
}

// forgetNominations deletes the nominations of the pod's siblings on this node, because siblings are planned on this or another node.
func (pl *gangPlugin) forgetNominations(pod *corev1.Pod, node string) {
	for _, nominated := range pl.handle.NominatedPodsForNode(node) {
		if other := nominated.GetPod(); other.UID != pod.UID && pl.ledger.Siblings(pod.UID, other.UID) {
			pl.handle.DeleteNominatedPodIfExists(other)
		}
	}
}

// others reports whether the pod's gang belongs to another convention, and so to another plugin of the profile.
func (pl *gangPlugin) others(pod *corev1.Pod) bool {
	convention := pl.ledger.Convention(pod.UID)
	return convention != "" && convention != pl.convention.Name
}

// PreFilterExtensions returns nil: adding or removing single pods on a node does not change what PreFilter decided.
func (pl *gangPlugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// PostFilter makes room for a pod without a gang. It does not for a single member of a gang, because its gang might still not start. A
// member that does not fit on the node of its slot is retried on other nodes.
func (pl *gangPlugin) PostFilter(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	*fwk.PostFilterResult, *fwk.Status,
) {
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	if decisions, member := pl.ledger.Misfit(pod.UID); member {
		pl.dispatcher.Perform(decisions)
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "preemption is not attempted for a single member of a gang")
	}
	pl.ledger.Missed(pod)
	if preemption := pl.preemption(); preemption != nil && pl.preempts {
		if node, awaits := preemption.MakeRoomForPod(ctx, pod, pl.planner); awaits != nil {
			why := gang.Explanation{
				Kind: gang.KindPreempting, Pod: true, Gang: gang.Key{Namespace: pod.Namespace, Name: pod.Name}, Awaits: awaits,
			}
			return framework.NewPostFilterResultWithNominatedNode(node), fwk.NewStatus(pl.unfit(), events.Sentence(why))
		}
	}
	if held := pl.heldFor(pod, statuses); held != "" {
		return nil, fwk.NewStatus(pl.unfit(), held)
	}
	return nil, fwk.NewStatus(pl.unfit(), "Nothing that may be preempted would make room for the pod")
}

// unfit is the code of the status for a pod without a gang that does not fit.
func (pl *gangPlugin) unfit() fwk.Code {
	if pl.ends {
		return fwk.UnschedulableAndUnresolvable
	}
	return fwk.Unschedulable
}

// heldFor returns a message if the pod would have fitted without the capacity held for gangs, or "".
func (pl *gangPlugin) heldFor(pod *corev1.Pod, statuses fwk.NodeToStatusReader) string {
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return "" // the scheduler reads the same list, and reports the error
	}
	return pl.slots.Instead(pod, nodes, statuses)
}

// Reserve does nothing. Permit records what a member takes, once all Reserve plugins have succeeded.
func (pl *gangPlugin) Reserve(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	return nil
}

// Unreserve records the capacity that a member frees if it was scheduled as a single pod.
func (pl *gangPlugin) Unreserve(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) {
	if !view.OfGangCycle(state) && !pl.others(pod) {
		pl.dispatcher.Perform(pl.ledger.Unreserve(pod.UID))
	}
}

// Permit allows the members of a gang once min-available of them are reserved. In the gang cycle, all of them are.
func (pl *gangPlugin) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) (*fwk.Status, time.Duration) {
	if pl.others(pod) {
		return nil, 0
	}
	answer := pl.ledger.Permit(pod.UID, node)
	pl.dispatcher.Perform(answer.Decisions)
	pl.ledger.Placed(pod)
	if answer.Verdict == gang.Refuse {
		return fwk.NewStatus(fwk.Unschedulable, events.Sentence(answer.Why)), 0
	}
	return nil, 0
}

// EventsToRegister registers the events that may make a single pod schedulable that is planned within a topology domain. The dispatcher
// decides which events may help a gang. The framework calls this once the profile is complete, so it is also where the plugin rejects an
// incomplete profile.
func (pl *gangPlugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	if err := checkProfile(pl.handle, pl.Name()); err != nil {
		return nil, err
	}
	enabled := pl.planner.Framework.ListPlugins().PostFilter.Enabled
	pl.ends = indexOf(enabled, names.DefaultPreemption) >= 0
	pl.preempts = !slices.ContainsFunc(enabled[:indexOf(enabled, pl.Name())], func(p config.Plugin) bool {
		return slices.ContainsFunc(conventions.All(), func(c conventions.Convention) bool { return c.Name == p.Name })
	})
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete | fwk.UpdatePodScaleDown}, QueueingHintFn: pl.mayFit},
		{
			Event: fwk.ClusterEvent{
				Resource: fwk.Node, ActionType: fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint,
			},
			QueueingHintFn: pl.mayFit,
		},
	}, nil
}

// mayFit requeues a pod that was planned within a topology domain and did not fit.
func (pl *gangPlugin) mayFit(_ klog.Logger, pod *corev1.Pod, _, _ any) (fwk.QueueingHint, error) {
	if pl.others(pod) || !pl.ledger.Near(pod) {
		return fwk.QueueSkip, nil
	}
	return fwk.Queue, nil
}
