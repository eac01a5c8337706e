package dispatch

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// ClusterEvent reports an event to the ledger if it may help a gang. The scheduler's cache must have the change already. A pod or a node
// that was deleted and created again under the same name counts as a deletion and an addition.
func (p *Dispatcher) ClusterEvent(before, after any) {
	if recreated.Both(before, after) {
		p.ClusterEvent(before, nil)
		p.ClusterEvent(nil, after)
		return
	}
	switch old, now := before, after; {
	case isPod(old) && now == nil:
		pod, _ := old.(*corev1.Pod)
		p.ended(pod.UID)
		node := pod.Spec.NodeName
		if node == "" {
			node = pod.Status.NominatedNodeName
		}
		p.Perform(p.ledger.CapacityChanged(node, pod.UID))
	case isPod(old) && isPod(now):
		p.ledger.AnythingChanged()
		if pod, _ := now.(*corev1.Pod); pod.Spec.NodeName != "" {
			p.Perform(p.ledger.CapacityChanged(pod.Spec.NodeName, "")) // it may request less than before
		}
	case isNode(now):
		node, _ := now.(*corev1.Node)
		p.ledger.AnythingChanged()
		p.nodeChanged(node.Name, node)
		p.Perform(p.ledger.CapacityChanged(node.Name, ""))
	case isNode(old):
		node, _ := old.(*corev1.Node)
		p.nodeChanged(node.Name, nil)
		p.Perform(p.ledger.NodeGone(node.Name))
	default:
		p.ledger.AnythingChanged()
	}
}

func isPod(obj any) bool  { _, ok := obj.(*corev1.Pod); return ok }
func isNode(obj any) bool { _, ok := obj.(*corev1.Node); return ok }
