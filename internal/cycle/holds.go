package cycle

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// This file says what holds mean to each other, and to the scheduling queue.

// Holds reports whether capacity is held for a gang that preempted others.
func (p *Preemption) Holds(key gang.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds[key] != nil
}

// awaited returns what a gang waits for that preempted others, and where it is to start. It returns false if there are no such pods, or all
// of them have ended.
func (p *Preemption) awaited(key gang.Key) (awaits *gang.AwaitsWhy, pins []gang.Pin, holds bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holds[key]
	if h == nil || h.ended {
		return nil, nil, false
	}
	return h.awaits(), slices.Clone(h.pins), true
}

// None reports whether no capacity is held, and no nominated node of an earlier hold is left to clear.
func (p *Preemption) None() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.holds) == 0 && len(p.clearing) == 0
}

// awaitOthers has a gang whose victims are gone wait for the victims of others on its nodes too. The others were planned later, beside what
// is held for the gang. But until their victims are gone, what is held for them may be in its place. It returns false if there is nothing
// to wait for.
func (p *Preemption) awaitOthers(h *hold) bool {
	if h.broken {
		return false
	}
	nodes := sets.New(h.nodes()...)
	for _, other := range p.holds {
		if other == h {
			continue
		}
		if other.justGone(p.popped) && other.uses(nodes) {
			h.ended = false // the snapshot of this cycle may still have a victim of the other that is gone: try again in a moment
		}
		for _, pod := range other.left {
			if nodes.Has(pod.Spec.NodeName) {
				h.await(pod)
				h.ended = false
			}
		}
	}
	return !h.ended
}

// justGone reports whether the victims are gone now, but may still have been there when a pod was popped at this time.
func (h *hold) justGone(popped time.Time) bool {
	return len(h.left) == 0 && !h.broken && (!h.ended || !h.over.Before(popped))
}

// uses reports whether something is held on one of these nodes, or a victim was there.
func (h *hold) uses(nodes sets.Set[string]) bool {
	return nodes.HasAny(h.nodes()...) || slices.ContainsFunc(h.going, func(pod *corev1.Pod) bool { return nodes.Has(pod.Spec.NodeName) })
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
