package preempt

import (
	"cmp"
	"slices"
)

// cheapest returns the order of the units: first those that break no budget alone, then those of the lowest priority, then those with the
// fewest pods, gangs after others, and those that started last. Units that are equal in all this are ordered by what they are made of.
func cheapest(p Problem, units []unit) []int {
	with := make([]int, len(units)) // the pods that go with each
	drawn := make([]int, len(p.Budgets))
	keys := make([]key, len(units))
	for i := range units {
		u := &units[i]
		with[i] += u.pods
		if u.core >= 0 {
			with[u.core] += u.pods
		}
		breaks := false
		for _, b := range u.budgets {
			drawn[b]++
			breaks = breaks || drawn[b] > max(0, p.Budgets[b])
		}
		for _, b := range u.budgets {
			drawn[b]--
		}
		keys[i] = key{unit: i, breaks: breaks, gang: u.gang, highest: u.highest, started: u.started.Unix()}
	}
	for i := range keys {
		keys[i].pods = with[i]
	}
	slices.SortFunc(keys, func(a, b key) int { return compareKeys(p, &a, &b) })
	order := make([]int, len(keys))
	for i := range keys {
		order[i] = keys[i].unit
	}
	return order
}

// key is what units are ordered by.
type key struct {
	started      int64 // seconds
	unit         int
	pods         int // with its surplus
	highest      int32
	breaks, gang bool
}

func compareKeys(p Problem, a, b *key) int {
	switch {
	case a.breaks != b.breaks:
		return first(b.breaks)
	case a.highest != b.highest:
		return cmp.Compare(a.highest, b.highest)
	case a.pods != b.pods:
		return cmp.Compare(a.pods, b.pods)
	case a.gang != b.gang:
		return first(b.gang)
	case a.started != b.started:
		return cmp.Compare(b.started, a.started)
	}
	x, y := &p.Units[a.unit], &p.Units[b.unit]
	if c := y.Started.Compare(x.Started); c != 0 {
		return c
	}
	return cmp.Or(contents(p, a.unit, b.unit), cmp.Compare(a.unit, b.unit))
}

// first returns the result of a comparison in which the first value comes first, or not.
func first(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

// contents compares what two units are made of.
func contents(p Problem, a, b int) int {
	x, y := &p.Units[a], &p.Units[b]
	c := cmp.Or(
		slices.Compare(x.Frees, y.Frees),
		slices.CompareFunc(x.Pods, y.Pods, func(x, y VictimPod) int {
			return cmp.Or(cmp.Compare(x.Node, y.Node), slices.Compare(x.Requests, y.Requests), slices.Compare(x.Budgets, y.Budgets))
		}),
		cmp.Compare(x.Kind, y.Kind),
	)
	if c != 0 || x.Kind != Surplus || x.Core == y.Core {
		return c
	}
	if x.Core < 0 || y.Core < 0 {
		return first(x.Core < 0)
	}
	return cmp.Or(p.Units[y.Core].Started.Compare(p.Units[x.Core].Started), contents(p, x.Core, y.Core))
}
