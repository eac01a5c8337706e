package cycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// This file says what holds mean to each other, and to the scheduling queue.

// Holds reports whether capacity is held for a gang that preempted others.
func (p *Preemption) Holds(key gang.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[key] != nil
}

// None reports whether no capacity is held, and no nominated node of an earlier hold is left to clear.
func (p *Preemption) None() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.holds) == 0 && len(p.clearing) == 0
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
// would count such a pod twice: what is held for it is in the scheduler's cache. It also removes the
// nominations of holds that have ended, until the API server has cleared the nominated nodes: other plans do not count them.
func (p *Preemption) Unnominate(remove func(*corev1.Pod)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holds {
		if h.pod != nil {
			remove(h.pod)
		}
	}
	for uid, ref := range p.clearing {
		pod, err := p.Dispatcher.Pod(ref)
		if err != nil || pod == nil || pod.UID != uid || pod.Spec.NodeName != "" || pod.Status.NominatedNodeName == "" {
			delete(p.clearing, uid)
		}
		remove(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, UID: uid}})
	}
}

// clear records that the nominated nodes of these pods are being cleared.
func (p *Preemption) clear(members []gang.Ref) {
	for _, m := range members {
		p.clearing[types.UID(m.UID)] = m
	}
}

// anyGone reports whether a member of a hold is being deleted, or gone.
func (p *Preemption) anyGone(members []gang.Ref) bool {
	return slices.ContainsFunc(members, func(ref gang.Ref) bool {
		pod, err := p.Dispatcher.Pod(ref)
		return err != nil || pod == nil || pod.DeletionTimestamp != nil
	})
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
