// Package setaside decides which capacity to set aside for a gang that was passed by for too long, what that gang waits for, and who may
// use the capacity in the meantime. A pod without a gang is a gang of one.
package setaside

import (
	"cmp"
	"slices"
	"time"
)

// Release is a running pod whose end frees capacity.
type Release struct {
	// Pod and Node are numbers that the caller chose.
	Pod, Node int
	// Ends is when the pod ends. It is zero if that is unknown.
	Ends time.Time
	// Stays says that the pod is not expected to end by itself.
	Stays bool
}

// Known reports whether it is known when the pod ends.
func (r Release) Known() bool { return !r.Ends.IsZero() }

// Order sorts releases in the order in which they are waited for. Those with a known end come first, the earliest first. An end that is
// overdue counts as now. Then the others follow node by node: first nodes without pods that stay; then those where capacity is set aside
// already, so that it does not move without need; then those with the fewest pods to wait for.
func Order(releases []Release, aside func(node int) bool, now time.Time) {
	type load struct{ stay, unknown int }
	loads := map[int]load{}
	for i := range releases {
		r := &releases[i]
		if r.Known() {
			if r.Ends.Before(now) {
				r.Ends = now
			}
			continue
		}
		on := loads[r.Node]
		on.unknown++
		if r.Stays {
			on.stay++
		}
		loads[r.Node] = on
	}
	slices.SortFunc(releases, func(a, b Release) int {
		if a.Known() && b.Known() {
			return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Pod, b.Pod))
		}
		if a.Known() != b.Known() {
			return first(a.Known())
		}
		if a.Node != b.Node {
			on, other := loads[a.Node], loads[b.Node]
			switch {
			case (on.stay > 0) != (other.stay > 0):
				return first(on.stay == 0)
			case aside(a.Node) != aside(b.Node):
				return first(aside(a.Node))
			}
			return cmp.Or(cmp.Compare(on.stay, other.stay), cmp.Compare(on.unknown, other.unknown), cmp.Compare(a.Node, b.Node))
		}
		if a.Stays != b.Stays {
			return first(b.Stays)
		}
		return cmp.Compare(a.Pod, b.Pod)
	})
}

// first returns the result of a comparison in which the first value comes first, or not.
func first(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

// Shortest returns the fewest of the first n releases, at least low of them, after which fits returns true. It returns false if none is
// enough. fits should be monotone. Where it is not, the result is a number that fits while one less does not.
//
// It calls fits about 2 log2(result - low) times, and never with much more than twice the result, because a call costs the more the more
// pods end.
func Shortest(low, n int, fits func(ended int) bool) (ended int, found bool) {
	lacks, step := low-1, 1 // with lacks releases it does not fit
	for ended = low; !fits(ended); step *= 2 {
		if ended >= n {
			return 0, false
		}
		lacks, ended = ended, min(ended+step, n)
	}
	for ended-lacks > 1 {
		if middle := lacks + (ended-lacks)/2; fits(middle) {
			ended = middle
		} else {
			lacks = middle
		}
	}
	return ended, true
}

// Estimate returns the release that the gang starts after, if the ends of all releases that it waits for are known.
func Estimate(awaited []Release) (last Release, known bool) {
	if len(awaited) == 0 || !awaited[len(awaited)-1].Known() { // the unknown ends come last
		return Release{}, false
	}
	return awaited[len(awaited)-1], true
}
