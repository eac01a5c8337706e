package cycle

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// countInVain counts the victims of a gang that does not fit now that they are gone.
func (p *Preemption) countInVain(logger klog.Logger, key gang.Key, h *hold, nodes fwk.NodeInfoLister) {
	if pods := h.inVain(nodes, p.keysOf); pods > 0 {
		p.Metrics.InVain(pods)
		logger.Info("Pods were preempted in vain", "gang", key, "pods", pods)
	}
}

// keysOf returns who a pod may have started as: its gang, or alone.
func (p *Preemption) keysOf(pod *corev1.Pod) [2]gang.Key {
	alone := ledger.PodKey(pod)
	if key, member := p.Ledger.GangOf(pod.UID); member {
		return [2]gang.Key{key, alone}
	}
	return [2]gang.Key{alone, alone}
}

// lend notes that a gang, or a pod without one, may use what is held for another one because it goes before it.
func (p *Preemption) lend(of, to gang.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holds[of]
	if h == nil {
		return
	}
	if h.lent == nil {
		h.lent = map[gang.Key]struct{}{}
	}
	h.lent[to] = struct{}{}
}

// inVain returns how many pods ended for nothing if the gang does not fit on these nodes: none while one of them, or one that was waited
// for, is still on a node that is held, and none if such a node is gone, or somebody that goes before the gang has started on it.
func (h *hold) inVain(nodes fwk.NodeInfoLister, keysOf func(*corev1.Pod) [2]gang.Key) int {
	awaited := make(map[string]struct{}, len(h.victims)+len(h.leaving))
	for i := range h.victims {
		awaited[h.victims[i].Ref.UID] = struct{}{}
	}
	for _, ref := range h.leaving {
		awaited[ref.UID] = struct{}{}
	}
	excuses := func(pod *corev1.Pod) bool {
		if _, still := awaited[string(pod.UID)]; still || len(h.lent) == 0 {
			return still
		}
		for _, key := range keysOf(pod) {
			if _, lent := h.lent[key]; lent {
				return true
			}
		}
		return false
	}
	seen := make(map[string]struct{}, len(h.pins))
	for _, pin := range h.pins {
		if _, again := seen[pin.Node]; again {
			continue
		}
		seen[pin.Node] = struct{}{}
		node, err := nodes.Get(pin.Node)
		if err != nil {
			return 0 // with what ran there
		}
		for _, info := range node.GetPods() {
			if excuses(info.GetPod()) {
				return 0
			}
		}
	}
	return len(h.victims)
}
