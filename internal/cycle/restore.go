package cycle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// Restore holds capacity again for the gangs for which an earlier process preempted pods: on the nominated nodes of their members, until
// those pods have ended. If the earlier process had not asked all of them to end, the gang is planned again when it is tried.
func (p *Preemption) Restore(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leads.Store(true)
	nominated, ending := p.Dispatcher.Preemptions()
	byNode := map[string][]*corev1.Pod{}
	for _, pod := range ending {
		_, c := podutil.GetPodCondition(&pod.Status, corev1.DisruptionTarget)
		if c != nil && c.Reason == corev1.PodReasonPreemptionByScheduler {
			byNode[pod.Spec.NodeName] = append(byNode[pod.Spec.NodeName], pod)
		}
	}
	held, pods := map[gang.Key][]slots.Aside{}, map[gang.Key][]*corev1.Pod{}
	for _, pod := range nominated {
		key, member := p.Ledger.GangOf(pod.UID)
		if !member {
			continue // the scheduling queue keeps the nomination of a pod without a gang
		}
		info, err := framework.NewPodInfo(pod)
		if err != nil {
			continue
		}
		h := p.holds[key]
		if h == nil {
			h = newHold(time.Now())
			h.decided = time.Time{}
			p.holds[key] = h
		}
		node := pod.Status.NominatedNodeName
		h.members, h.pins = append(h.members, refOf(pod)), append(h.pins, gang.Pin{UID: string(pod.UID), Node: node})
		pods[key] = append(pods[key], pod)
		held[key] = append(held[key], slots.Aside{Node: node, Requests: requests.Of(info)})
	}
	for key, h := range p.holds {
		if waits, _ := p.Ledger.StillPreempts(key); !waits {
			delete(p.holds, key)
			continue
		}
		for _, pod := range endingOn(h.pins, byNode) {
			h.await(pod)
		}
		p.Ledger.Hold(key, pods[key])
		p.Slots.SetAside(klog.FromContext(ctx), key, held[key])
		klog.FromContext(ctx).Info("Holding again what preempted pods free", "gang", key, "members", len(h.members), "ending", len(h.left))
		if len(h.left) == 0 {
			h.ended, h.over = true, time.Now()
		}
	}
}

// endingOn returns the preempted pods that are on the nodes of members.
func endingOn(pins []gang.Pin, byNode map[string][]*corev1.Pod) []*corev1.Pod {
	seen := map[string]struct{}{}
	var ending []*corev1.Pod
	for _, pin := range pins {
		if _, known := seen[pin.Node]; !known {
			seen[pin.Node] = struct{}{}
			ending = append(ending, byNode[pin.Node]...)
		}
	}
	return ending
}
