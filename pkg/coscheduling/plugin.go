package coscheduling

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
	"github.com/kubenexus/kubenexus-scheduler/internal/view"
)

// gangPlugin starts the gangs of one convention all together or not at all. An instance serves one profile.
type gangPlugin struct {
	convention conventions.Convention
	handle     fwk.Handle
	ledger     *ledger.Ledger
	dispatcher *dispatch.Dispatcher
	planner    *view.Planner
	slots      *slots.Held
	attached   func() bool
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
		planner: &view.Planner{Framework: f, Pods: p.dispatcher.Pod, Slots: p.slots, Ledger: p.ledger, Gate: QueueName},
	}
	p.keep(plugin)
	return plugin, nil
}

// Name returns the plugin's name, which is its convention's.
func (pl *gangPlugin) Name() string { return pl.convention.Name }

// PreFilter lets a pod go on that is in a scheduling cycle of its own: one without a gang, or a member that joins a gang which runs. Other
// members are scheduled with their gang, in the gang cycle.
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

// refusal is what a member is refused with that came alone.
func (pl *gangPlugin) refusal(why gang.Explanation) string {
	if !pl.attached() {
		return "this scheduler cannot schedule gangs: its program does not call coscheduling.Attach"
	}
	return events.Sentence(why)
}

// pin is the node of the slot that a member takes.
type pin string

const pinKey fwk.StateKey = "kubenexus.io/pin"

// Clone returns the pin itself: it does not change.
func (p pin) Clone() fwk.StateData { return p }

// avoided are the nodes that rejected a member of the pod's gang a moment ago.
type avoided struct{ nodes sets.Set[string] }

const avoidKey fwk.StateKey = "kubenexus.io/avoid"

// Clone returns the nodes themselves: they do not change.
func (a avoided) Clone() fwk.StateData { return a }

// Filter keeps a member on the node of its slot, and off those that rejected one. PreFilter's result is not enough:
// upstream tries a nominated node before it looks at that.
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

// forgetNominations drops what nominated the pod's siblings to its node: they are planned, here or elsewhere.
func (pl *gangPlugin) forgetNominations(pod *corev1.Pod, node string) {
	for _, nominated := range pl.handle.NominatedPodsForNode(node) {
		if other := nominated.GetPod(); other.UID != pod.UID && pl.ledger.Siblings(pod.UID, other.UID) {
			pl.handle.DeleteNominatedPodIfExists(other)
		}
	}
}

// others says whether the pod's gang is of another convention, which another plugin of the profile reads.
func (pl *gangPlugin) others(pod *corev1.Pod) bool {
	convention := pl.ledger.Convention(pod.UID)
	return convention != "" && convention != pl.convention.Name
}

// PreFilterExtensions returns nil: what a gang may do does not depend on single pods on a node.
func (pl *gangPlugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// PostFilter keeps pods from being evicted for a single member of a gang: its gang might not start then. A member that does not fit where
// capacity is held for it is tried again elsewhere.
func (pl *gangPlugin) PostFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	*fwk.PostFilterResult, *fwk.Status,
) {
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	decisions, member := pl.ledger.Misfit(pod.UID)
	if !member {
		if held := pl.heldFor(pod, statuses); held != "" {
			return nil, fwk.NewStatus(fwk.Unschedulable, held)
		}
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	pl.dispatcher.Perform(decisions)
	return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "preemption is not attempted for a single member of a gang")
}

// heldFor says that a pod would have fitted without capacity that is held for gangs, or nothing.
func (pl *gangPlugin) heldFor(pod *corev1.Pod, statuses fwk.NodeToStatusReader) string {
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return "" // the scheduler has the same list, and says so
	}
	return pl.slots.Instead(pod, nodes, statuses)
}

// Reserve has nothing to do: what a member takes is counted in Permit, once all other plugins have reserved.
func (pl *gangPlugin) Reserve(context.Context, fwk.CycleState, *corev1.Pod, string) *fwk.Status {
	return nil
}

// Unreserve counts the capacity that a member gives back which was scheduled alone.
func (pl *gangPlugin) Unreserve(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) {
	if !view.OfGangCycle(state) && !pl.others(pod) {
		pl.dispatcher.Perform(pl.ledger.Unreserve(pod.UID))
	}
}

// Permit lets the members of a gang start once min-available of them have capacity reserved. In the gang cycle all of them have.
func (pl *gangPlugin) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) (*fwk.Status, time.Duration) {
	if pl.others(pod) {
		return nil, 0
	}
	answer := pl.ledger.Permit(pod.UID, node)
	pl.dispatcher.Perform(answer.Decisions)
	if answer.Verdict == gang.Refuse {
		return fwk.NewStatus(fwk.Unschedulable, events.Sentence(answer.Why)), 0
	}
	return nil, 0
}

// EventsToRegister names no events: what helps a gang is found out by the parked pods. It is called once the profile is complete, so
// this is where an incomplete one is refused.
func (pl *gangPlugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return nil, checkProfile(pl.handle, pl.Name())
}
