package view

import (
	"reflect"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// levels are the pods that PodTopologySpread counts in the domains of one constraint.
//
// Upstream remembers the two domains with the fewest pods (lowest) and only looks at these when a pod is added: it never adds
// pods on more than one node to a state. A plan does. Once both have a pod more, a third one may have the fewest, which
// upstream does not notice, and it then allows more skew than the constraint.
type levels struct {
	lowest *[2]struct {
		TopologyValue string
		MatchNum      int
	}
	counts map[string]int
}

// levelsOf finds the levels in the state of PodTopologySpread, whose type is not exported. There are none if the plugin keeps
// no state for the pod, or another one than this version of upstream does.
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

// floor is how many pods the two lowest domains have.
func (l *levels) floor() [2]int { return [2]int{l.lowest[0].MatchNum, l.lowest[1].MatchNum} }

// settle looks for the two lowest domains again after a pod was added, which were at the floor before. They are never lower
// than that, so it ends when it has found two at the floor: while many domains are level, with the first ones.
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
