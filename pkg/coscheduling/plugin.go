package coscheduling

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
)

// permitTimeout is the longest that upstream lets a pod wait in Permit. The ledger ends the wait long before.
const permitTimeout = 15 * time.Minute

// Plugin starts the gangs of one dialect all together or not at all. An instance serves one profile.
type Plugin struct {
	dialect   gang.Dialect
	handle    fwk.Handle
	ledger    *ledger.Ledger
	performer *performer
	places    *placeholders
	lead      func()
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
	_ fwk.FilterPlugin      = &Plugin{}
	_ fwk.PostFilterPlugin  = &Plugin{}
	_ fwk.ReservePlugin     = &Plugin{}
	_ fwk.PermitPlugin      = &Plugin{}
	_ fwk.EnqueueExtensions = &Plugin{}
)

func (p *Plugins) newPlugin(ctx context.Context, d gang.Dialect, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	args, err := parseArgs(obj, d)
	if err != nil {
		return nil, err
	}
	if err := p.connect(ctx, h); err != nil {
		return nil, err
	}
	p.ledger.Serve(h.ProfileName(), d.Name, ledger.Defaults{
		Timeout: args.Timeout.Duration, ReservationTimeout: args.ReservationTimeout.Duration, Placement: args.Placement,
		ScheduleUnknown: args.UnknownGangs == gang.ScheduleIfUnknown,
	})
	p.places.shares[h.ProfileName()] = args.ReservedShare
	plugin := &Plugin{dialect: d, handle: h, ledger: p.ledger, performer: p.performer, places: p.places, lead: p.Lead}
	p.keep(plugin)
	return plugin, nil
}

// Name returns the plugin's name, which is its dialect's.
func (pl *Plugin) Name() string { return pl.dialect.Name }

// PreFilter lets a member go on if its gang runs, or to the node that it is planned for. The representative of a gang that is
// ready plans it: every member gets its node in this one scheduling cycle, or the gang goes on waiting and holds nothing.
func (pl *Plugin) PreFilter(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (
	*fwk.PreFilterResult, *fwk.Status,
) {
	if ofGangCycle(state) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	pl.lead()
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	answer := pl.ledger.Begin(pod)
	pl.performer.perform(answer.Decisions)
	if answer.Verdict == gang.Plan {
		var err error
		if answer, err = pl.planGang(ctx, pod, answer); err != nil {
			return nil, fwk.AsStatus(err)
		}
	}
	switch {
	case answer.Verdict == gang.Refuse:
		klog.FromContext(ctx).V(3).Info("Gang member is not schedulable yet", "gang", answer.Why.Gang, "reason", answer.Why.Kind)
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, events.Sentence(answer.Why))
	case !answer.Gang:
		return nil, fwk.NewStatus(fwk.Skip)
	case answer.Pin == "":
		if len(answer.Avoid) > 0 {
			state.Write(avoidKey, avoided{sets.New(answer.Avoid...)})
		}
		return nil, nil
	}
	pl.forgetNominations(pod, answer.Pin)
	state.Write(pinKey, pin(answer.Pin))
	return &fwk.PreFilterResult{NodeNames: sets.New(answer.Pin)}, nil
}

// planGang plans a gang for the member that was popped. If the gang lay still, what changed since is first compared to what
// it lacked, and to what all others lacked that lie still: a plan is made only for one that may succeed.
func (pl *Plugin) planGang(ctx context.Context, pod *corev1.Pod, asked ledger.Answer) (ledger.Answer, error) {
	if asked.Scout != nil && !pl.look(pod, *asked.Scout) {
		return ledger.Answer{Gang: true, Verdict: gang.Refuse, Why: pl.ledger.Why(pod.UID)}, nil
	}
	began := time.Now()
	found, err := pl.plan(ctx, asked.Task, nil)
	if err != nil {
		found.finding = &gang.Finding{Detail: err.Error(), Lack: gang.Lack{Anything: true}}
	}
	pl.performer.metrics.Planned(time.Since(began), len(asked.Task.Members)+asked.Task.DeclaredMembers(), found.finding == nil)
	var answer ledger.Answer
	if found.finding != nil {
		answer = pl.ledger.Unfit(pod.UID, *found.finding)
	} else {
		answer = pl.ledger.Planned(pod.UID, found.Placed)
	}
	klog.FromContext(ctx).V(2).Info("Planned gang", "gang", asked.Task.Gang, "members", len(asked.Task.Members),
		"need", asked.Task.Need, "placed", len(found.Pins))
	pl.performer.perform(answer.Decisions)
	return answer, err
}

// look says whether a plan for the scout may succeed now.
func (pl *Plugin) look(pod *corev1.Pod, scout ledger.Lying) bool {
	found, enough := pl.enough(scout)
	var lacking []ledger.Lacking
	for _, lying := range pl.ledger.Lying() {
		if found, enough := pl.enough(lying); !enough {
			lacking = append(lacking, ledger.Lacking{Key: lying.Key, Found: found})
		}
	}
	pl.performer.perform(pl.ledger.Looked(pod.UID, enough, found, lacking))
	return enough
}

// pin is the node that a member is planned for.
type pin string

const pinKey fwk.StateKey = "kubenexus.io/pin"

// Clone returns the pin itself: it does not change.
func (p pin) Clone() fwk.StateData { return p }

// avoided are the nodes that rejected a member of the pod's gang a moment ago.
type avoided struct{ nodes sets.Set[string] }

const avoidKey fwk.StateKey = "kubenexus.io/avoid"

// Clone returns the nodes themselves: they do not change.
func (a avoided) Clone() fwk.StateData { return a }

func avoids() *fwk.Status {
	return fwk.NewStatus(fwk.Unschedulable, "node(s) recently rejected a pod of the gang")
}

// Filter keeps a member on the node that it is planned for, and off those that rejected one. PreFilter's result is not enough:
// upstream tries a nominated node before it looks at that.
func (pl *Plugin) Filter(_ context.Context, state fwk.CycleState, _ *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if data, err := state.Read(avoidKey); err == nil {
		if a, ok := data.(avoided); ok && a.nodes.Has(node.Node().Name) {
			return avoids()
		}
	}
	data, err := state.Read(pinKey)
	if err != nil {
		return nil
	}
	if planned, ok := data.(pin); ok && string(planned) != node.Node().Name {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "node(s) didn't match the node that the gang's plan has for this pod")
	}
	return nil
}

// forgetNominations drops what nominated the pod's siblings to its node: they are planned, here or elsewhere.
func (pl *Plugin) forgetNominations(pod *corev1.Pod, node string) {
	for _, nominated := range pl.handle.NominatedPodsForNode(node) {
		if other := nominated.GetPod(); other.UID != pod.UID && pl.ledger.Siblings(pod.UID, other.UID) {
			pl.handle.DeleteNominatedPodIfExists(other)
		}
	}
}

// others says whether the pod's gang is of another dialect, which another plugin of the profile speaks.
func (pl *Plugin) others(pod *corev1.Pod) bool {
	dialect := pl.ledger.Dialect(pod.UID)
	return dialect != "" && dialect != pl.dialect.Name
}

// PreFilterExtensions returns nil: what a gang may do does not depend on single pods on a node.
func (pl *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// PostFilter lets a gang plan again one of whose members does not fit where it was planned, or ends its attempt. No pod is
// evicted for a single member: its gang might not start all the same.
func (pl *Plugin) PostFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	*fwk.PostFilterResult, *fwk.Status,
) {
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	why := ""
	if pl.ledger.Pin(pod.UID) != "" {
		why = pl.reasons(statuses)
	}
	decisions, member := pl.ledger.Unplaced(pod.UID, why)
	if !member {
		if held := pl.heldFor(pod, statuses); held != "" {
			return nil, fwk.NewStatus(fwk.Unschedulable, held)
		}
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	pl.performer.perform(decisions)
	return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "preemption is not attempted for a single member of a gang")
}

// reasons says why no node would do.
func (pl *Plugin) reasons(statuses fwk.NodeToStatusReader) string {
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return "failed to list nodes: " + err.Error()
	}
	counts := map[string]int{}
	for _, node := range nodes {
		for _, reason := range statuses.Get(node.Node().Name).Reasons() {
			counts[reason]++
		}
	}
	return histogram(counts, len(nodes))
}

// Reserve counts the room that a member holds.
func (pl *Plugin) Reserve(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if !ofGangCycle(state) && !pl.others(pod) {
		pl.ledger.Reserve(pod.UID, node)
	}
	return nil
}

// Unreserve counts the room that a member gives back. While its gang is being placed, that ends the attempt.
func (pl *Plugin) Unreserve(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) {
	if !ofGangCycle(state) && !pl.others(pod) {
		pl.performer.perform(pl.ledger.Unreserve(pod.UID))
	}
}

// Permit holds members until min-available of them have room, and then lets all of them go at once.
func (pl *Plugin) Permit(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, _ string) (*fwk.Status, time.Duration) {
	if pl.others(pod) {
		return nil, 0
	}
	answer := pl.ledger.Permit(pod.UID)
	logger := klog.FromContext(ctx)
	switch answer.Verdict {
	case gang.Wait:
		level := 2
		if answer.Holding == 1 {
			level = 0 // once for each attempt
		}
		logger.V(level).Info("Gang member is waiting for the other members",
			"gang", answer.Key, "waiting", answer.Holding, "need", answer.Need)
		pl.performer.perform(pl.activateWithin(state, answer.Decisions))
		return fwk.NewStatus(fwk.Wait), permitTimeout
	case gang.Refuse:
		pl.performer.perform(answer.Decisions)
		return fwk.NewStatus(fwk.Unschedulable, events.Sentence(answer.Why)), 0
	case gang.Go, gang.Plan:
	}
	pl.performer.perform(pl.activateWithin(state, answer.Decisions))
	return nil, 0
}

// activateWithin hands activations to the scheduling cycle, which performs them before it pops the next pod, so that a
// gang's members follow each other. It returns the decisions that are left.
func (pl *Plugin) activateWithin(state fwk.CycleState, decisions []gang.Decision) []gang.Decision {
	data, err := state.Read(framework.PodsToActivateKey)
	if err != nil {
		return decisions
	}
	toActivate, ok := data.(*framework.PodsToActivate)
	if !ok {
		return decisions
	}
	toActivate.Lock()
	defer toActivate.Unlock()
	return slices.DeleteFunc(decisions, func(d gang.Decision) bool {
		activate, ok := d.(gang.Activate)
		if !ok {
			return false
		}
		for _, ref := range activate.Members {
			toActivate.Map[ref.Namespace+"/"+ref.Name] = stub(ref)
		}
		return true
	})
}

// EventsToRegister names the events that can help a gang: all that any filter of the profile reacts to. It is called once the
// profile is complete, so this is where an incomplete one is refused.
func (pl *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	if err := checkProfile(pl.handle, pl.Name()); err != nil {
		return nil, err
	}
	return pl.union(), nil
}
