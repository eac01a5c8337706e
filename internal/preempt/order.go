package preempt

import (
	"cmp"
	"math"
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
		keys[i] = newKey(i, u, breaks)
	}
	for i := range keys {
		keys[i].kind |= uint64(min(with[i], mostPods)) << 1
	}
	slices.SortFunc(keys, func(a, b key) int {
		if c := cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.age, b.age)); c != 0 {
			return c
		}
		x, y := &p.Units[a.unit], &p.Units[b.unit]
		return cmp.Or(y.Started.Compare(x.Started), contents(p, a.unit, b.unit), cmp.Compare(a.unit, b.unit))
	})
	order := make([]int, len(keys))
	for i := range keys {
		order[i] = keys[i].unit
	}
	return order
}

// key is what units are ordered by, in few bits because there can be many units.
type key struct {
	kind uint64 // whether it breaks a budget, its priority, the number of pods that go with it, whether it is a gang
	age  uint64 // the less the later it started, in seconds
	unit int
}

// mostPods is the highest number of pods that a key can hold.
const mostPods = 1<<30 - 1

func newKey(unit int, u *unit, breaks bool) key {
	k := key{unit: unit}
	if breaks {
		k.kind = 1 << 63
	}
	k.kind |= uint64(int64(u.highest)-math.MinInt32) << 31
	if u.gang {
		k.kind |= 1
	}
	k.age = math.MaxInt64 - uint64(u.started.Unix())
	return k
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
