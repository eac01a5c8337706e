package gang

import "time"

// This file says what would happen to a gang that waits. It changes nothing.

// Next returns what the next gang cycle would plan if it began now, and the UID of the member that would stand for the gang. The gang is
// ready.
func (g *Gang) Next(now time.Time) (task Task, uid string) {
	m := g.representative
	if m == nil || !m.eligible() {
		m = g.oldestParked(nil)
	}
	if m == nil { // none has entered the scheduling queue yet
		m = g.oldest(func(m *member) bool { return g.mayEnter(m) && !g.Alone(m.UID) })
	}
	if task = g.taskOf(m, now); m != nil {
		uid = m.UID
	}
	return task, uid
}

// IfUnfit returns why the gang would wait after a plan with this finding, and what the plan lacked.
func (g *Gang) IfUnfit(f Finding) (Explanation, ShortageStatus) {
	why := g.current(g.unplaced(f))
	why.Queue = g.place
	return why.clone(), f.Shortage.status(f.Short)
}
