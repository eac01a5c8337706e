package gang

import (
	"cmp"
	"container/heap"
)

// A first is the member that comes first among those of a kind, such as the oldest that names an owner. It is kept while members come
// and go, so that what follows from it costs a gang of thousands no more for each member than a small one.
type first int

const (
	firstCreated first = iota
	firstScheduled
	firstPriority
	firstOwner
	firstRoles
	firstRestarts
	firstPartial
	firstPlacement
	firstDefaultPlacement
	firstTimeout
	firstDefaultTimeout
	firstReservation
	firstDefaultReservation
	firsts
)

// qualifies says whether the member is of the kind.
func (f first) qualifies(m *member) bool {
	switch f {
	case firstCreated, firstPriority:
		return true
	case firstScheduled:
		return m.started() && !m.Scheduled.IsZero()
	case firstOwner:
		return m.Owner != ""
	case firstRoles:
		return m.Spec.Roles != nil
	case firstRestarts:
		return m.Spec.RestartPolicy != ""
	case firstPartial:
		return m.Spec.OnPartial != ""
	case firstPlacement:
		return m.Spec.Placement != ""
	case firstDefaultPlacement:
		return m.DefaultPlacement != ""
	default:
		return f.longest(m) > 0
	}
}

// longest is the time of which the longest comes first, or 0.
func (f first) longest(m *member) int64 {
	switch f { //nolint:exhaustive // the others are no times
	case firstTimeout:
		return int64(m.Spec.Timeout)
	case firstDefaultTimeout:
		return int64(m.DefaultTimeout)
	case firstReservation:
		return int64(m.Spec.ReservationTimeout)
	case firstDefaultReservation:
		return int64(m.DefaultReservationTimeout)
	}
	return 0
}

// compare is negative if a comes before b.
func (f first) compare(a, b *member) int {
	switch f { //nolint:exhaustive // of most it is the oldest
	case firstCreated:
		return a.Created.Compare(b.Created)
	case firstScheduled:
		return a.Scheduled.Compare(b.Scheduled)
	case firstPriority:
		return cmp.Compare(b.Priority, a.Priority)
	case firstRoles: // creators before others
		if a.Spec.Creates != b.Spec.Creates {
			if a.Spec.Creates {
				return -1
			}
			return 1
		}
	case firstTimeout, firstDefaultTimeout, firstReservation, firstDefaultReservation:
		return cmp.Compare(f.longest(b), f.longest(a))
	}
	return compareMembers(a, b)
}

// compareMembers orders members by age.
func compareMembers(a, b *member) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// line is a heap of members of a kind. Those that left the gang, or are of the kind no more, stay in it until they come first.
type line struct {
	members []*member
	compare func(a, b *member) int
}

func (l *line) Len() int           { return len(l.members) }
func (l *line) Less(i, j int) bool { return l.compare(l.members[i], l.members[j]) < 0 }
func (l *line) Swap(i, j int)      { l.members[i], l.members[j] = l.members[j], l.members[i] }

// Push is for package heap.
func (l *line) Push(x any) {
	if m, ok := x.(*member); ok {
		l.members = append(l.members, m)
	}
}

// Pop is for package heap.
func (l *line) Pop() any {
	last := len(l.members) - 1
	m := l.members[last]
	l.members[last] = nil
	l.members = l.members[:last]
	return m
}

// top returns the member that comes first of those for which yes holds, and drops the others before it.
func (l *line) top(yes func(*member) bool) *member {
	for len(l.members) > 0 {
		if yes(l.members[0]) {
			return l.members[0]
		}
		heap.Pop(l)
	}
	return nil
}

// lines has a line for each first, and one of those that make a claim for each claim. owners counts the members of each owner.
type lines struct {
	firsts [firsts]line
	claims map[Claim]*line
	owners map[string]int
}

// add puts a member into its lines. One of another run is in none.
func (l *lines) add(m *member) {
	if m.otherRun {
		return
	}
	for f := range firsts {
		if f.qualifies(m) {
			l.push(f, m)
		}
	}
	if !m.silent() {
		of := l.claims[m.claim()]
		if of == nil {
			of = &line{compare: compareMembers}
			l.claims[m.claim()] = of
		}
		heap.Push(of, m)
	}
	if m.OwnerUID != "" {
		l.owners[m.OwnerUID]++
	}
}

func (l *lines) push(f first, m *member) {
	l.firsts[f].compare = f.compare
	heap.Push(&l.firsts[f], m)
}

// remove forgets a member. In the lines it stays until it comes first.
func (l *lines) remove(m *member) {
	if m.OwnerUID == "" || m.otherRun {
		return
	}
	if l.owners[m.OwnerUID]--; l.owners[m.OwnerUID] == 0 {
		delete(l.owners, m.OwnerUID)
	}
}

// oldestThat returns the member of the gang that comes first, or nil.
func (g *Gang) oldestThat(f first) *member {
	g.lineUp()
	return g.lines.firsts[f].top(func(m *member) bool { return g.members[m.UID] == m && f.qualifies(m) })
}

// lineUp puts the members into lines if it is not known who comes first.
func (g *Gang) lineUp() {
	if g.lines != nil {
		return
	}
	g.lines = &lines{claims: map[Claim]*line{}, owners: map[string]int{}}
	for _, m := range g.each() {
		g.lines.add(m)
	}
}
