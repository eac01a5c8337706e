package view

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// Enough says whether what changed may give a gang that is parked what it lacked: the nodes that changed now have capacity for
// as many pods as were missing, or for how many at most. It may be wrong about that, but not about the contrary.
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

// capacityFor is for how many of the members that are missing the nodes that changed have capacity, and whether that is all.
func (p *Planner) capacityFor(l ledger.Parked) (found int, enough bool) {
	if l.Anything {
		return 0, true
	}
	takes := requests.From(l.Shortage.Takes)
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
		if found += takes.Room(node); found >= l.Shortage.Missing {
			return found, true
		}
	}
	return found, false
}
