package coscheduling

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

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
	lead      func()
}

var (
	_ fwk.PreFilterPlugin   = &Plugin{}
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
	p.ledger.Serve(h.ProfileName(), d.Name, args.Timeout.Duration)
	return &Plugin{dialect: d, handle: h, ledger: p.ledger, performer: p.performer, lead: p.Lead}, nil
}

// Name returns the plugin's name, which is its dialect's.
func (pl *Plugin) Name() string { return pl.dialect.Name }

// PreFilter lets a member go on if its gang is ready and has its turn, is being placed, or runs.
func (pl *Plugin) PreFilter(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (
	*fwk.PreFilterResult, *fwk.Status,
) {
	pl.lead()
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	answer := pl.ledger.Begin(pod)
	pl.performer.perform(answer.Decisions)
	switch {
	case answer.Verdict == gang.Refuse:
		klog.FromContext(ctx).V(3).Info("Gang member has to wait", "gang", answer.Why.Gang, "why", answer.Why.Kind)
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, events.Sentence(answer.Why))
	case !answer.Gang:
		return nil, fwk.NewStatus(fwk.Skip)
	}
	return nil, nil
}

// others says whether the pod's gang is of another dialect, which another plugin of the profile speaks.
func (pl *Plugin) others(pod *corev1.Pod) bool {
	dialect := pl.ledger.Dialect(pod.UID)
	return dialect != "" && dialect != pl.dialect.Name
}

// PreFilterExtensions returns nil: what a gang may do does not depend on single pods on a node.
func (pl *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// PostFilter ends the attempt of a gang one of whose members found no node. No pod is evicted for a single member: its
// gang might not start all the same.
func (pl *Plugin) PostFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, statuses fwk.NodeToStatusReader) (
	*fwk.PostFilterResult, *fwk.Status,
) {
	if pl.others(pod) {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	detail, again := pl.histogram(statuses)
	decisions, member := pl.ledger.Unplaced(pod.UID, detail, again)
	if !member {
		return nil, fwk.NewStatus(fwk.Unschedulable)
	}
	pl.performer.perform(decisions)
	return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "no pod is preempted for a single member of a gang")
}

// histogram says why no node would do: "3 of 5 nodes: Insufficient cpu; 2 of 5 nodes: Insufficient memory". again says
// that a plugin had a reason that may pass without an event that EventsToRegister names.
func (pl *Plugin) histogram(statuses fwk.NodeToStatusReader) (text string, again bool) {
	nodes, err := pl.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return "the nodes cannot be listed: " + err.Error(), true
	}
	counts := map[string]int{}
	for _, node := range nodes {
		status := statuses.Get(node.Node().Name)
		again = again || !wokenByOurEvents(status.Plugin())
		for _, reason := range status.Reasons() {
			counts[reason]++
		}
	}
	reasons := make([]string, 0, len(counts))
	for reason, count := range counts {
		reasons = append(reasons, fmt.Sprintf("%d of %d nodes: %s", count, len(nodes), reason))
	}
	slices.Sort(reasons)
	return strings.Join(reasons, "; "), again
}

// wokenByOurEvents says whether nodes that come or change, and pods that go, are all that can change the plugin's mind.
func wokenByOurEvents(plugin string) bool {
	switch plugin {
	case names.NodeResourcesFit, names.NodeName, names.NodeUnschedulable, names.TaintToleration, names.NodeAffinity,
		names.NodePorts, gang.Coscheduling().Name, gang.BatchPermit().Name:
		return true
	}
	return false
}

// Reserve counts the room that a member holds.
func (pl *Plugin) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if !pl.others(pod) {
		pl.ledger.Reserve(pod.UID, node)
	}
	return nil
}

// Unreserve counts the room that a member gives back. While its gang is being placed, that ends the attempt.
func (pl *Plugin) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	if !pl.others(pod) {
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
		logger.V(level).Info("Gang member waits for the others",
			"gang", answer.Key, "waiting", answer.Holding, "need", answer.Need)
		pl.performer.perform(pl.activateWithin(state, answer.Decisions))
		return fwk.NewStatus(fwk.Wait), permitTimeout
	case gang.Refuse:
		pl.performer.perform(answer.Decisions)
		return fwk.NewStatus(fwk.Unschedulable, events.Sentence(answer.Why)), 0
	case gang.Go:
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

// EventsToRegister names the events that can help a gang whose representative was rejected by this plugin. It is called
// once the profile is complete, so this is where an incomplete one is refused.
func (pl *Plugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	if err := checkProfile(pl.handle, pl.Name()); err != nil {
		return nil, err
	}
	const nodeChanges = fwk.Add | fwk.UpdateNodeAllocatable | fwk.UpdateNodeLabel | fwk.UpdateNodeTaint
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete}, QueueingHintFn: pl.afterPodDeleted},
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.UpdatePodScaleDown}, QueueingHintFn: pl.afterChange},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: nodeChanges}, QueueingHintFn: pl.afterChange},
	}, nil
}

func (pl *Plugin) afterPodDeleted(_ klog.Logger, pod *corev1.Pod, gone, _ any) (fwk.QueueingHint, error) {
	deleted, ok := gone.(*corev1.Pod)
	if !ok {
		return fwk.Queue, fmt.Errorf("deleted object is a %T, not a pod", gone)
	}
	return pl.hint(pod.UID, deleted.UID), nil
}

func (pl *Plugin) afterChange(_ klog.Logger, pod *corev1.Pod, _, _ any) (fwk.QueueingHint, error) {
	return pl.hint(pod.UID, ""), nil
}

func (pl *Plugin) hint(uid, gone types.UID) fwk.QueueingHint {
	if pl.ledger.WorthRetry(uid, gone) {
		return fwk.Queue
	}
	return fwk.QueueSkip
}
