package slots

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// Instead returns a sentence if the pod would fit on nodes without what is held or set aside there, otherwise "".
func (h *Held) Instead(pod *corev1.Pod, nodes []fwk.NodeInfo, statuses fwk.NodeToStatusReader) string {
	if !h.None() {
		if held, example := without(pod, nodes, statuses, h.On); held > 0 {
			return fmt.Sprintf("The pod would fit on %d of %d nodes, but their free capacity is reserved for declared pods of gangs, "+
				"such as gang %s", held, len(nodes), example)
		}
	}
	aside := h.asideByNode()
	if len(aside) == 0 {
		return ""
	}
	on := func(node string) ([]*corev1.Pod, gang.Key) { return aside[node].pods, aside[node].example }
	if held, example := without(pod, nodes, statuses, on); held > 0 {
		return fmt.Sprintf("The pod would fit on %d of %d nodes, but their free capacity is set aside or held for what goes "+
			"first, such as %s", held, len(nodes), example)
	}
	return ""
}

// without counts the nodes on which the pod would fit without the placeholders there, and returns one of those that they are for.
func without(pod *corev1.Pod, nodes []fwk.NodeInfo, statuses fwk.NodeToStatusReader,
	on func(node string) ([]*corev1.Pod, gang.Key),
) (held int, example gang.Key) {
	info, err := framework.NewPodInfo(pod)
	if err != nil {
		return 0, example
	}
	takes := requests.Of(info)
	for _, node := range nodes {
		name := node.Node().Name
		holders, holder := on(name)
		if len(holders) == 0 || statuses.Get(name).Code() != fwk.Unschedulable || takes.Room(node) > 0 {
			continue
		}
		without := node.Snapshot()
		for _, placeholder := range holders {
			_ = without.RemovePod(klog.Background(), placeholder) // the placeholder may be newer than the snapshot
		}
		if takes.Room(without) > 0 {
			if held == 0 || holder.Compare(example) < 0 {
				example = holder
			}
			held++
		}
	}
	return held, example
}

// onNode are placeholders on a node, and the first of those that they are for.
type onNode struct {
	pods    []*corev1.Pod
	example gang.Key
}

// asideByNode returns the placeholders of what is set aside, by node.
func (h *Held) asideByNode() map[string]onNode {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.aside.set) == 0 {
		return nil
	}
	byNode := map[string]onNode{}
	for key, all := range h.aside.set {
		for _, pod := range all {
			on := byNode[pod.Spec.NodeName]
			if len(on.pods) == 0 || key.Compare(on.example) < 0 {
				on.example = key
			}
			on.pods = append(on.pods, pod)
			byNode[pod.Spec.NodeName] = on
		}
	}
	return byNode
}
