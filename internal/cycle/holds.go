package cycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// This file says what holds mean to each other, and to the scheduling queue.

// Holds reports whether capacity is held for a gang that preempted others.
func (p *Preemption) Holds(key gang.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[key] != nil
}

// None reports whether nothing is held.
func (p *Preemption) None() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.holds) == 0
}

// awaitOthers has a gang whose victims are gone wait for the victims of others on its nodes too. The others were planned later, beside what
// is held for the gang. But until their victims are gone, what is held for them may be in its place. It returns false if there are none.
func (p *Preemption) awaitOthers(h *hold) bool {
	if h.broken {
		return false
	}
	nodes := map[string]struct{}{}
	for _, pin := range h.pins {
		nodes[pin.Node] = struct{}{}
	}
	for _, other := range p.holds {
		if other == h || other.ended {
			continue
		}
		for _, pod := range other.left {
			if _, here := nodes[pod.Spec.NodeName]; here {
				h.await(pod)
			}
		}
	}
	if len(h.left) > 0 {
		h.ended = false
	}
	return !h.ended
}

// Unnominate takes the pods without a gang for which capacity is held out of the nominations of the scheduling queue. Otherwise filters
// would count such a pod twice: what is held for it is in the scheduler's cache.
func (p *Preemption) Unnominate(remove func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holds {
		if h.pod != nil {
			remove(h.pod)
		}
	}
}

// tellFreed lets others have what is no longer held on these nodes.
func (p *Preemption) tellFreed(nodes []string) {
	if len(nodes) == 0 {
		return
	}
	decisions := []gang.Decision{gang.Freed{}}
	for _, node := range slices.Compact(slices.Sorted(slices.Values(nodes))) {
		decisions = append(decisions, p.Ledger.CapacityChanged(node, "")...)
	}
	p.Dispatcher.Perform(decisions)
}
