package view

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
)

// This file puts units back that a plan was without. Nodes without members stay as they are then, because nothing looks at them before
// confirm.

// Back puts a unit back if the members planned on its nodes still fit there.
func (s *roomSearch) Back(unit int) bool {
	switch {
	case s.err != nil:
		return false
	case s.local():
		return s.backOnNodes(unit, s.holdsMembers)
	case !s.exact && s.neutral(unit):
		return s.backOnNodes(unit, func(int) bool { return true })
	}
	return s.backSlowly(unit)
}

// local reports whether for all members only the node decides.
func (s *roomSearch) local() bool {
	return !slices.ContainsFunc(s.classes, func(c *class) bool { return !c.local })
}

// backOnNodes puts a unit back if what members request is still free on its nodes, and if they fit.
func (s *roomSearch) backOnNodes(unit int, fits func(node int) bool) bool {
	before := len(s.undo)
	for _, at := range s.units[unit].Pods {
		node := s.nodes[at]
		if len(s.on[node]) == 0 {
			continue
		}
		if !s.leavesFree(node, s.infos[at]) {
			s.undoTo(before)
			return false
		}
		s.addBack(node, s.infos[at])
		if !fits(node) {
			s.undoTo(before)
			return false
		}
	}
	return true
}

// addBack puts a pod back on a node.
func (s *roomSearch) addBack(node int, info fwk.PodInfo) {
	empty, filled := s.snapshot[node], s.view.nodes[node]
	s.change(func() { s.snapshot[node], s.view.nodes[node] = empty, filled })
	s.snapshot[node], s.view.nodes[node] = empty.Snapshot(), filled.Snapshot()
	s.snapshot[node].AddPodInfo(info)
	s.view.nodes[node].AddPodInfo(info)
}

// leavesFree reports whether a pod fits beside the members on the node, by what these request.
func (s *roomSearch) leavesFree(node int, info fwk.PodInfo) bool {
	if !s.bounded {
		return true
	}
	filled, takes := s.view.nodes[node], requests.Of(info)
	if requests.Free(filled, string(corev1.ResourcePods)) < 1 {
		return false
	}
	if !s.counts {
		return true
	}
	for _, class := range s.on[node] {
		for _, a := range s.asks[class] {
			if takes.Amount(a.Resource) > 0 && requests.Free(filled, a.Resource) < takes.Amount(a.Resource) {
				return false
			}
		}
	}
	return true
}

// holdsMembers reports whether the members that are planned on a node fit there.
func (s *roomSearch) holdsMembers(node int) bool {
	filled := s.view.nodes[node]
	defer func() { s.view.nodes[node] = filled }()
	s.view.nodes[node] = s.snapshot[node].Snapshot()
	for _, class := range s.on[node] {
		if s.Room(class, node) == 0 || !s.Fits(class, node) {
			return false
		}
		s.view.nodes[node].AddPodInfo(s.classes[class].info)
	}
	return true
}

// neutral reports whether the filters do not distinguish, for members, between nodes with and without the pods of the unit, beyond the
// resources that these request.
func (s *roomSearch) neutral(unit int) bool {
	for _, at := range s.units[unit].Pods {
		pod := s.pods[at]
		inert := pod.Spec.Affinity == nil && len(pod.Spec.ResourceClaims) == 0 && len(util.GetHostPorts(pod)) == 0
		for i := range pod.Spec.Volumes {
			inert = inert && !matters(&pod.Spec.Volumes[i])
		}
		if !inert || slices.ContainsFunc(s.selectors, func(of labels.Selector) bool { return of.Matches(labels.Set(pod.Labels)) }) {
			return false
		}
	}
	return true
}

// selectorsOf returns by what labels members select other pods that decide where they fit.
func selectorsOf(classes []*class) []labels.Selector {
	var selectors []labels.Selector
	for _, c := range classes {
		for _, terms := range [][]fwk.AffinityTerm{c.info.GetRequiredAffinityTerms(), c.info.GetRequiredAntiAffinityTerms()} {
			for i := range terms {
				selectors = append(selectors, terms[i].Selector)
			}
		}
		for _, constraint := range c.info.GetPod().Spec.TopologySpreadConstraints {
			if of, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector); err == nil {
				selectors = append(selectors, of)
			}
		}
	}
	return selectors
}

// backSlowly does what Back does for members that do not depend on their node alone: it places them all again.
func (s *roomSearch) backSlowly(unit int) bool {
	if s.slow += len(s.placed); s.slow > slowMost {
		return false
	}
	placed, on := slices.Clone(s.placed), slices.Clone(s.view.on)
	s.begin()
	if s.assumeAll(s.changesOf(unit, false)) && s.placeAgain(placed, on) {
		s.commit()
		return true
	}
	s.rollBack()
	return false
}

// placeAgain places members on their nodes, and reports whether all of them fit.
func (s *roomSearch) placeAgain(classes, on []int) bool {
	for i, class := range classes {
		if !s.Fits(class, on[i]) {
			return false
		}
		s.Place(class, on[i])
	}
	return s.err == nil
}
