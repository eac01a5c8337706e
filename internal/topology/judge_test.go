package topology

import "slices"

// world is a small cluster and a request, and what is true about it, found by trying everything.
type world struct {
	toy      *toy
	request  Request
	capacity []int // how many members of the first class really fit on each node
	members  int   // of all classes
}

func newWorld(t *toy, r Request) *world {
	w := &world{toy: t, request: r}
	for n := range t.free {
		capacity := 0
		if !slices.Contains(t.forbidden[0], n) {
			capacity = min(t.Room(0, n), r.Gang.Classes[0].Members)
		}
		w.capacity = append(w.capacity, capacity)
	}
	for _, class := range r.Gang.Classes {
		w.members += class.Members
	}
	return w
}

// by adds up numbers of nodes by domain. ok is false if a node with a number has no domain.
func by(l *Level, numbers []int) (sums []int, ok bool) {
	sums, ok = make([]int, len(l.Names)), true
	for n, number := range numbers {
		if d := l.Of[n]; d >= 0 {
			sums[d] += number
		} else if number > 0 {
			ok = false
		}
	}
	return sums, ok
}

// oneDomain returns the only domain with members, -1 if there is none, or false.
func oneDomain(l *Level, counts []int) (int, bool) {
	sums, ok := by(l, counts)
	if !ok {
		return -1, false
	}
	found := -1
	for d, sum := range sums {
		if sum > 0 && found >= 0 {
			return -1, false
		} else if sum > 0 {
			found = d
		}
	}
	return found, true
}

// used is how many domains have members; nodes in no domain are one more.
func used(l *Level, counts []int) int {
	sums, ok := by(l, counts)
	n := 0
	for _, sum := range sums {
		if sum > 0 {
			n++
		}
	}
	if !ok {
		n++
	}
	return n
}

// legal reports whether the numbers of members on the nodes keep the hard rules.
func (w *world) legal(counts []int) bool {
	r := &w.request.Rules
	region := func(int) bool { return true }
	if r.Required != nil {
		d, ok := oneDomain(r.Required, counts)
		if !ok {
			return false
		}
		region = func(n int) bool { return int(r.Required.Of[n]) == d }
	}
	if r.Slice != nil {
		sums, ok := by(r.Slice, counts)
		if !ok {
			return false
		}
		smaller := 0
		for _, sum := range sums {
			if sum%r.SliceSize > 0 {
				smaller++
			}
		}
		if smaller > 1 {
			return false
		}
	}
	return r.Spread == nil || w.even(counts, region) || w.evenInPreferred(counts, region)
}

// evenInPreferred reports whether all members are placed in one domain of a preferred level, and evenly there.
func (w *world) evenInPreferred(counts []int, region func(n int) bool) bool {
	all := 0
	for _, count := range counts {
		all += count
	}
	if all < w.members {
		return false
	}
	for _, l := range slices.Backward(w.request.Preferred) {
		if !inside(w.request.Spread, l) {
			return false
		}
		d, ok := oneDomain(l, counts)
		if ok && w.even(counts, func(n int) bool { return region(n) && int(l.Of[n]) == d }) {
			return true
		}
	}
	return false
}

// try calls f with all legal plans of one class of at most so many members.
func (w *world) try(f func(counts []int, placed int)) {
	counts := make([]int, len(w.capacity))
	var next func(n, left int)
	next = func(n, left int) {
		if n == len(counts) {
			if w.legal(counts) {
				f(counts, w.request.Gang.Classes[0].Members-left)
			}
			return
		}
		for k := range min(left, w.capacity[n]) + 1 {
			counts[n] = k
			next(n+1, left-k)
		}
		counts[n] = 0
	}
	next(0, w.request.Gang.Classes[0].Members)
}

// counts are the members on each node in a result.
func (w *world) counts(r Result) []int {
	counts := make([]int, len(w.capacity))
	for _, n := range r.Nodes[0] {
		counts[n]++
	}
	return counts
}

// even reports whether all domains that count in the region have equally many members, or one more. A domain in which more run already gets
// none.
func (w *world) even(counts []int, region func(n int) bool) bool {
	r := &w.request.Rules
	added, ok := by(r.Spread, counts)
	if !ok {
		return false
	}
	all := make([]int, len(added))
	countsIn := make([]bool, len(added))
	for n, d := range r.Spread.Of {
		if d < 0 || !region(n) {
			continue
		}
		if r.Running != nil {
			all[d] += int(r.Running[n])
		}
		countsIn[d] = countsIn[d] || r.Usable == nil || r.Usable[n]
	}
	least := -1
	for d := range all {
		all[d] += added[d]
		if countsIn[d] && (least < 0 || all[d] < least) {
			least = all[d]
		}
	}
	for d := range all {
		if added[d] > 0 && (!countsIn[d] || all[d] > least+1) {
			return false
		}
	}
	return true
}
