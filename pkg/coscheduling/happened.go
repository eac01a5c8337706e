package coscheduling

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// happened tells the ledger of an event that the scheduler's cache knows already, as far as it may help a gang. A pod or a node that
// was deleted and created again under its name is two.
func happened(l *ledger.Ledger, p *performer, before, after any) {
	if recreated.Both(before, after) {
		happened(l, p, before, nil)
		happened(l, p, nil, after)
		return
	}
	switch old, now := before, after; {
	case isPod(old) && now == nil:
		pod, _ := old.(*corev1.Pod)
		node := pod.Spec.NodeName
		if node == "" {
			node = pod.Status.NominatedNodeName
		}
		p.perform(l.RoomChanged(node, pod.UID))
	case isPod(old) && isPod(now):
		l.AnythingChanged()
		if pod, _ := now.(*corev1.Pod); pod.Spec.NodeName != "" {
			p.perform(l.RoomChanged(pod.Spec.NodeName, "")) // it may take less than before
		}
	case isNode(now):
		node, _ := now.(*corev1.Node)
		l.AnythingChanged()
		p.perform(l.RoomChanged(node.Name, ""))
	case isNode(old):
		node, _ := old.(*corev1.Node)
		p.perform(l.NodeGone(node.Name))
	default:
		l.AnythingChanged()
	}
}

func isPod(obj any) bool  { _, ok := obj.(*corev1.Pod); return ok }
func isNode(obj any) bool { _, ok := obj.(*corev1.Node); return ok }

// union is what the other plugins of the profile register, each with our hint.
func (pl *Plugin) union() []fwk.ClusterEventWithHint {
	f, ok := pl.handle.(framework.Framework)
	if !ok {
		return nil // checkProfile refused it
	}
	actions := map[fwk.EventResource]fwk.ActionType{fwk.Pod: fwk.Delete | fwk.UpdatePodScaleDown, fwk.Node: fwk.Add}
	for _, plugin := range f.EnqueueExtensions() {
		if ours, ok := plugin.(*Plugin); ok && ours.ledger == pl.ledger {
			continue
		}
		events, err := plugin.EventsToRegister(context.Background())
		if err != nil {
			continue // the scheduler asks it too, and does not start
		}
		for _, e := range events {
			if e.Event.Resource != fwk.WildCard {
				actions[e.Event.Resource] |= e.Event.ActionType
			}
		}
	}
	var union []fwk.ClusterEventWithHint
	for _, resource := range slices.Sorted(maps.Keys(actions)) {
		union = append(union, fwk.ClusterEventWithHint{
			Event: fwk.ClusterEvent{Resource: resource, ActionType: actions[resource]}, QueueingHintFn: pl.hint,
		})
	}
	return union
}

// hint tells the ledger of the event and leaves the pod where it is: the ledger wakes the gang that comes first. It is asked
// only where pods that wait lie in the scheduler's own queue, without a waiting room.
func (pl *Plugin) hint(_ klog.Logger, _ *corev1.Pod, before, after any) (fwk.QueueingHint, error) {
	happened(pl.ledger, pl.performer, before, after)
	return fwk.QueueSkip, nil
}
