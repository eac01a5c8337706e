package gang

import "time"

// keepSuccesses is how long it is remembered which members succeeded when no pod of the gang is left: its controller may create those
// again that were lost.
const keepSuccesses = time.Minute

// maxPast is how many successes a gang remembers whose pods are gone: min-available is any number that a user writes.
const maxPast = 10000

// task is what a member does for its controller: a pod with the same completion index, or else of the same name, does it again.
type task struct{ owner, what string }

func taskOf(owner, index, name string) task {
	if index != "" {
		return task{owner, "#" + index}
	}
	return task{owner, name}
}

// past are the members of a gang that succeeded and whose pods are gone. Such a success counts as long as there are pods of its controller.
type past struct {
	gone map[task]Finished
	// since is when the last of their pods went.
	since time.Time
}

// keep remembers a member that succeeded and whose pod was deleted. Without a controller, nobody says that it need not come again.
func (g *Gang) keep(f Finished, now time.Time) {
	if !f.Succeeded || f.OwnerUID == "" || len(g.past.gone) >= maxPast {
		return
	}
	if g.past.gone == nil {
		g.past.gone = map[task]Finished{}
	}
	g.past.gone[taskOf(f.OwnerUID, f.Index, f.Name)], g.past.since = f, now
}

// redo forgets a success whose task another pod does again.
func (g *Gang) redo(m *member) {
	if len(g.past.gone) == 0 {
		return
	}
	t := taskOf(m.OwnerUID, m.Index, m.Name)
	if _, done := g.past.gone[t]; done {
		delete(g.past.gone, t)
		g.counted = false
	}
}

// dropPast forgets the successes of a gang that nothing else is left of.
func (g *Gang) dropPast(now time.Time) {
	if len(g.members) == 0 && len(g.finished) == 0 && now.Sub(g.past.since) >= keepSuccesses {
		g.past = past{}
	}
}

// countPast counts the members that succeeded and whose pods are gone.
func (g *Gang) countPast() {
	for _, f := range g.past.gone {
		if g.lines.owners[f.OwnerUID] > 0 {
			g.countFinished(f)
		}
	}
}
