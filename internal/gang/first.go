package gang

import (
	"cmp"
	"container/heap"
)

// A first selects one member of a gang, such as the oldest member that has an owner. The gang keeps the candidates in heaps, so
// that the cost for each member does not grow with the size of the gang.
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
	firstDeadline
	firstQueue
	lastQueue
	firstRuntime
	lastRuntime
	firstTopology
	lastTopology
	firsts
)

// ends reports whether the member counts for when its gang ends, and has a deadline.
func (m *member) ends() bool { return m.present() && m.Deadline > 0 && !m.apart() }

// qualifies reports whether the member is a candidate.
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
	case firstDeadline:
		return m.ends()
	case firstQueue, lastQueue, firstRuntime, lastRuntime, firstTopology, lastTopology:
		return m.present() && m.Spec.only(f.aspect()) != (Share{})
	default:
		return f.longest(m) > 0
	}
}

// aspect is the aspect of the share of which f selects a member that states it, or aspects.
func (f first) aspect() aspect {
	switch f { //nolint:exhaustive // the others select by something else
	case firstQueue, lastQueue:
		return queueAspect
	case firstRuntime, lastRuntime:
		return runtimeAspect
	case firstTopology, lastTopology:
		return topologyAspect
	}
	return aspects
}

// longest is the duration by which the candidates are ordered, the longest first, or 0.
func (f first) longest(m *member) int64 {
	switch f { //nolint:exhaustive // the others are not durations
	case firstTimeout:
		return int64(m.Spec.Timeout)
	case firstDefaultTimeout:
		return int64(m.DefaultTimeout)
	case firstReservation:
		return int64(m.Spec.ReservationTimeout)
	case firstDefaultReservation:
		return int64(m.DefaultReservationTimeout)
	case firstDeadline:
		return int64(m.Deadline)
	}
	return 0
}

// compare is negative if a sorts before b.
func (f first) compare(a, b *member) int {
	switch f { //nolint:exhaustive // most are ordered by age
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
	case lastQueue, lastRuntime, lastTopology:
		return compareMembers(b, a)
	case firstTimeout, firstDefaultTimeout, firstReservation, firstDefaultReservation, firstDeadline:
		return cmp.Compare(f.longest(b), f.longest(a))
	}
	return compareMembers(a, b)
}

// compareMembers orders members by age.
func compareMembers(a, b *member) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// line is a heap of candidates. A member that left the gang, or no longer qualifies, stays in it until it reaches the top.
type line struct {
	members []*member
	compare func(a, b *member) int
}

func (l *line) Len() int           { return len(l.members) }
func (l *line) Less(i, j int) bool { return l.compare(l.members[i], l.members[j]) < 0 }
func (l *line) Swap(i, j int)      { l.members[i], l.members[j] = l.members[j], l.members[i] }

// Push implements heap.Interface.
func (l *line) Push(x any) {
	if m, ok := x.(*member); ok {
		l.members = append(l.members, m)
	}
}

// Pop implements heap.Interface.
func (l *line) Pop() any {
	last := len(l.members) - 1
	m := l.members[last]
	l.members[last] = nil
	l.members = l.members[:last]
	return m
}

// top returns the first member for which yes returns true, and drops the members before it. A nil line is empty.
func (l *line) top(yes func(*member) bool) *member {
	for l != nil && len(l.members) > 0 {
		if yes(l.members[0]) {
			return l.members[0]
		}
		heap.Pop(l)
	}
	return nil
}

// lines has a line for each first, for each claim, and for each thing that members state of their gang's share. owners counts the
// members of each owner.
type lines struct {
	firsts [firsts]line
	claims map[Claim]*line
	shares map[Share]*line
	owners map[string]int
}

// add puts a member into its lines. A member of another run is in none.
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
		pushTo(l.claims, m.claim(), m)
	}
	for a := range aspects {
		if value := m.Spec.only(a); value != (Share{}) {
			pushTo(l.shares, value, m)
		}
	}
	if m.OwnerUID != "" {
		l.owners[m.OwnerUID]++
	}
}

// pushTo puts a member into the line of those that state the same, the oldest first.
func pushTo[V comparable](lines map[V]*line, value V, m *member) {
	if lines[value] == nil {
		lines[value] = &line{compare: compareMembers}
	}
	heap.Push(lines[value], m)
}

func (l *lines) push(f first, m *member) {
	l.firsts[f].compare = f.compare
	heap.Push(&l.firsts[f], m)
}

// remove removes a member from the owners' counts. It stays in the lines until it reaches the top.
func (l *lines) remove(m *member) {
	if m.OwnerUID == "" || m.otherRun {
		return
	}
	if l.owners[m.OwnerUID]--; l.owners[m.OwnerUID] == 0 {
		delete(l.owners, m.OwnerUID)
	}
}

// oldestThat returns the selected member, or nil.
func (g *Gang) oldestThat(f first) *member {
	g.lineUp()
	return g.lines.firsts[f].top(func(m *member) bool { return g.members[m.UID] == m && f.qualifies(m) })
}

// lineUp builds the lines if there are none.
func (g *Gang) lineUp() {
	if g.lines != nil {
		return
	}
	g.lines = &lines{claims: map[Claim]*line{}, shares: map[Share]*line{}, owners: map[string]int{}}
	for _, m := range g.each() {
		g.lines.add(m)
	}
}
