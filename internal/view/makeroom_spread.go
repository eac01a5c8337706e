package view

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// level is what counts of a domain for a topology spread constraint.
type level struct {
	// room is for how many members of the class there is room, and gang for how many of all classes.
	room, gang int
	// run is how many of the selected pods run there, and stay how many of them stay.
	run, stay int
}

// evenly returns how many members of a class fit by its topology spread constraints, each alone: no domain has more than the maximum skew
// above the lowest domain, and that has at most what runs and fits there.
func (c *tally) evenly(i int, p preempt.Problem, room []int) int {
	of, most := c.classes[i], sum(room)
	if len(of.levels) == 0 {
		return most
	}
	var hard []corev1.TopologySpreadConstraint
	for _, constraint := range of.info.GetPod().Spec.TopologySpreadConstraints {
		if constraint.WhenUnsatisfiable == corev1.DoNotSchedule {
			hard = append(hard, constraint)
		}
	}
	for k := range hard {
		by, err := metav1.LabelSelectorAsSelector(hard[k].LabelSelector)
		plain := len(hard[k].MatchLabelKeys) == 0 && hard[k].NodeAffinityPolicy == nil && hard[k].NodeTaintsPolicy == nil
		if err != nil || !plain || !by.Matches(labels.Set(of.info.GetPod().Labels)) {
			continue
		}
		lowest, levels := math.MaxInt, c.levels(of, hard, hard[k].TopologyKey, by, room, p)
		for _, l := range levels {
			lowest = min(lowest, l.run+l.gang)
		}
		fit := 0
		for _, l := range levels {
			fit += min(l.room, max(0, int(hard[k].MaxSkew)+lowest-l.stay))
		}
		most = min(most, fit)
	}
	return most
}

// levels returns what counts of each domain. Nodes count that have the labels of all constraints and that the class selects.
func (c *tally) levels(of *class, all []corev1.TopologySpreadConstraint, key string, by labels.Selector, room []int,
	p preempt.Problem,
) map[string]*level {
	levels, at := map[string]*level{}, make([]*level, len(room))
	counts := func(pod *corev1.Pod) bool {
		return pod.Namespace == of.info.GetPod().Namespace && by.Matches(labels.Set(pod.Labels))
	}
	affinity := nodeaffinity.GetRequiredNodeAffinity(of.info.GetPod())
	for node, info := range c.snapshot {
		if !hasAll(info.Node(), all) || !matches(affinity, info.Node()) {
			continue
		}
		value := info.Node().Labels[key]
		if levels[value] == nil {
			levels[value] = &level{}
		}
		at[node] = levels[value]
		at[node].room += room[node]
		for _, other := range info.GetPods() {
			if counts(other.GetPod()) {
				at[node].run++
			}
		}
	}
	for node, info := range c.staying {
		if pod := info.GetPod(); at[node] != nil && pod.DeletionTimestamp == nil && counts(pod) {
			at[node].stay++
		}
	}
	c.addGang(at, p)
	return levels
}

// addGang adds for how many members of all classes there is room.
func (c *tally) addGang(at []*level, p preempt.Problem) {
	for class := range c.classes {
		for node, fit := range c.rooms(class, p) {
			if at[node] != nil {
				at[node].gang += fit
			}
		}
	}
}

// hasAll reports whether the node has the labels of all constraints.
func hasAll(node *corev1.Node, constraints []corev1.TopologySpreadConstraint) bool {
	for k := range constraints {
		if _, has := node.Labels[constraints[k].TopologyKey]; !has {
			return false
		}
	}
	return true
}
