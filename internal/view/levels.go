package view

import (
	"reflect"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// levels are the numbers of pods that PodTopologySpread counts for one constraint, by domain.
//
// Upstream keeps track of the two domains with the fewest pods (lowest) and updates only these when a pod is added, because it never adds
// pods on more than one node to a state. A plan does. Once each of the two has one more pod, a third domain may have the fewest. Upstream
// misses that, and then allows more skew than the constraint.
type levels struct {
	lowest *[2]struct {
		TopologyValue string
		MatchNum      int
	}
	counts map[string]int
}

// levelsOf finds the levels in the state of PodTopologySpread, whose type is not exported. It returns none if the plugin has no state for
// the pod, or if this version of upstream has a state of another type.
func levelsOf(state fwk.CycleState) []levels {
	data, err := state.Read("PreFilter" + names.PodTopologySpread)
	if err != nil {
		return nil
	}
	fields := reflect.Indirect(reflect.ValueOf(data))
	if fields.Kind() != reflect.Struct {
		return nil
	}
	paths, counted := fields.FieldByName("CriticalPaths"), fields.FieldByName("TpValueToMatchNum")
	if !counted.IsValid() || !paths.IsValid() || paths.Kind() != reflect.Slice {
		return nil
	}
	counts, ok := reflect.TypeAssert[[]map[string]int](counted)
	if !ok || paths.Len() != len(counts) {
		return nil
	}
	found := make([]levels, len(counts))
	for i := range found {
		found[i].counts = counts[i]
		lowest := reflect.ValueOf(&found[i].lowest).Elem()
		if !paths.Index(i).CanConvert(lowest.Type()) {
			return nil
		}
		lowest.Set(paths.Index(i).Convert(lowest.Type()))
	}
	return found
}

// floor returns the numbers of pods in the two lowest domains.
func (l *levels) floor() [2]int { return [2]int{l.lowest[0].MatchNum, l.lowest[1].MatchNum} }

// settle finds the two lowest domains again after a pod was added; floor is what they had before. No domain can be below the floor, so the
// search ends when it has found two at the floor: early, if many domains are level.
func (l *levels) settle(floor [2]int) {
	if l.floor() == floor {
		return
	}
	first, second := l.lowest[0], l.lowest[1]
	for domain, count := range l.counts {
		switch {
		case domain == first.TopologyValue || domain == second.TopologyValue:
		case count < first.MatchNum:
			first.TopologyValue, first.MatchNum, second = domain, count, first
		case count < second.MatchNum:
			second.TopologyValue, second.MatchNum = domain, count
		}
		if first.MatchNum == floor[0] && second.MatchNum == floor[1] {
			break
		}
	}
	l.lowest[0], l.lowest[1] = first, second
}
