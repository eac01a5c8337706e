package view

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// Enough reports whether the changes since the last plan may give a parked gang what it lacked: whether the changed nodes have free
// capacity for all missing pods. found is the number of pods that they have capacity for. Enough may report true for a gang that still does
// not fit, but never false for one that does.
func (p *Planner) Enough(l ledger.Parked) (found int, enough bool) {
	found, enough = p.capacityFor(l)
	if !enough {
		return found, false
	}
	whole, differs := p.Ledger.SincePlan(l.Key)
	if !differs {
		return found, true
	}
	all, enough := p.capacityFor(whole)
	return all - (whole.Shortage.Missing - l.Shortage.Missing), enough
}

// capacityFor returns for how many of the missing members the changed nodes have capacity, and whether that is all of them.
func (p *Planner) capacityFor(l ledger.Parked) (found int, enough bool) {
	if l.Anything {
		return 0, true
	}
	takes, usable := requests.From(l.Shortage.Takes), p.Slots.For(l.Key)
	var like *corev1.Pod
	var affinity nodeaffinity.RequiredNodeAffinity
	if l.Shortage.Like != nil {
		if pod, err := p.Pods(*l.Shortage.Like); err == nil && pod != nil {
			like, affinity = pod, nodeaffinity.GetRequiredNodeAffinity(pod)
		}
	}
	for _, name := range l.Nodes {
		node, err := p.Framework.SnapshotSharedLister().NodeInfos().Get(name)
		if err != nil || like != nil && !admits(node.Node(), like, affinity) {
			continue
		}
		if found += takes.RoomCounting(usable(node), l.Shortage.Counted); found >= l.Shortage.Missing {
			return found, true
		}
	}
	return found, false
}
