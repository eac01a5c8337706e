package coscheduling

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// clusterEvent tells the ledger of an event that the scheduler's cache knows already, as far as it may help a gang. A pod or a node that
// was deleted and created again under its name is two.
func clusterEvent(l *ledger.Ledger, p *dispatcher, before, after any) {
	if recreated.Both(before, after) {
		clusterEvent(l, p, before, nil)
		clusterEvent(l, p, nil, after)
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
