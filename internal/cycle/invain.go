package cycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// countInVain counts the victims of a gang that does not fit now that they are gone.
func (p *Preemption) countInVain(logger klog.Logger, key gang.Key, h *hold, nodes fwk.NodeInfoLister) {
	if pods := h.inVain(nodes, p.keysOf); pods > 0 && !p.overtaken(h) && !p.anyGone(h.members) {
		p.Metrics.InVain(pods)
		logger.Info("Pods were preempted in vain", "gang", key, "pods", pods)
	}
}

// countUnused counts the victims of a gang that did not start although they are gone.
func (p *Preemption) countUnused(logger klog.Logger, key gang.Key, h *hold) {
	if pods := h.unused(); pods > 0 && !p.anyGone(h.members) {
		p.Metrics.InVain(pods)
		logger.Info("Capacity freed by preemption was not used", "gang", key, "pods", pods)
	}
}

// unused returns how many pods ended for nothing if the gang did not use what they freed: none if a gang or pod that goes first could use
// it, or if the gang did not wait for all of them.
func (h *hold) unused() int {
	if h.broken || len(h.lent) > 0 {
		return 0
	}
	return len(h.victims)
}

// overtaken reports whether capacity is held on a node of the hold for another gang that goes before.
func (p *Preemption) overtaken(h *hold) bool {
	nodes := h.nodes()
	for key := range h.lent {
		other := p.holds[key]
		if other != nil && slices.ContainsFunc(other.nodes(), func(name string) bool { return slices.Contains(nodes, name) }) {
			return true
		}
	}
	return false
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

// lent reports whether a gang, or a pod without one, that holds capacity itself was planned with what is held for another one.
func (p *Preemption) lent(of, to gang.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holds[of]
	if h == nil || p.holds[to] == nil {
		return false
	}
	_, lent := h.lent[to]
	return lent
}

// nodes returns the names of the nodes that are held, each once.
func (h *hold) nodes() []string {
	names := make([]string, len(h.pins))
	for i, pin := range h.pins {
		names[i] = pin.Node
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// inVain returns how many pods ended for nothing if the gang does not fit on these nodes: none if a pod that it waits for hangs, a node
// that is held is gone, or a gang or pod that goes first has started on one.
func (h *hold) inVain(nodes fwk.NodeInfoLister, keysOf func(*corev1.Pod) [2]gang.Key) int {
	if h.broken {
		return 0
	}
	for _, name := range h.nodes() {
		node, err := nodes.Get(name)
		if err != nil || h.lentOn(node, keysOf) {
			return 0
		}
	}
	return len(h.victims)
}

// lentOn reports whether a gang or pod that could use the held capacity runs on the node.
func (h *hold) lentOn(node fwk.NodeInfo, keysOf func(*corev1.Pod) [2]gang.Key) bool {
	return len(h.lent) > 0 && slices.ContainsFunc(node.GetPods(), func(info fwk.PodInfo) bool {
		keys := keysOf(info.GetPod())
		return slices.ContainsFunc(keys[:], func(key gang.Key) bool {
			_, lent := h.lent[key]
			return lent
		})
	})
}
