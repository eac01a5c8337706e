package preempt

import (
	"cmp"
	"math"
	"time"
)

// Rank says how dear a set of victims is.
type Rank struct {
	// Broken is the number of disruptions beyond what budgets allow.
	Broken int
	// Highest is the highest priority of a victim; the lowest possible one without victims.
	Highest int32
	// Pods is the number of pods, Gangs that of gangs that go as a whole.
	Pods, Gangs int
	// Started is when the victim that has run longest started. It is zero without victims.
	Started time.Time
}

// Compare returns a negative number if r is cheaper than o, and a positive one if it is dearer.
func (r Rank) Compare(o Rank) int {
	return cmp.Or(
		cmp.Compare(r.Broken, o.Broken),
		cmp.Compare(r.Highest, o.Highest),
		cmp.Compare(r.Pods, o.Pods),
		cmp.Compare(r.Gangs, o.Gangs),
		o.Started.Compare(r.Started),
	)
}

// rank returns the rank of a set of units.
func (m *model) rank(set []int) Rank {
	r := Rank{Highest: math.MinInt32, Broken: m.broken(set)}
	for i, id := range set {
		u := &m.units[id]
		r.Highest = max(r.Highest, u.own)
		r.Pods += u.pods
		if u.gang {
			r.Gangs++
		}
		if i == 0 || u.started.Before(r.Started) {
			r.Started = u.started
		}
	}
	return r
}

// broken returns how many disruptions of the set are beyond what budgets allow.
func (m *model) broken(set []int) int {
	drawn, broken := map[int]int{}, 0
	for _, id := range set {
		for _, b := range m.units[id].budgets {
			if drawn[b]++; drawn[b] > m.allowed[b] {
				broken++
			}
		}
	}
	return broken
}
