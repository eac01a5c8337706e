package gang

import "time"

// keepSuccesses is how long the gang remembers its succeeded members after its last pod is gone: its controller may recreate the
// lost ones.
const keepSuccesses = time.Minute

// maxPast bounds the succeeded members without a pod that a gang remembers, because users may set any min-available.
const maxPast = 10000

// task identifies the work that a pod does for its controller: its completion index, or else its name. A pod with the same task
// repeats the work.
type task struct{ owner, what string }

func taskOf(owner, index, name string) task {
	if index != "" {
		return task{owner, "#" + index}
	}
	return task{owner, name}
}

// past holds the succeeded members whose pods are gone. Such a success counts as long as other pods of its controller exist.
type past struct {
	gone map[task]Finished
	// since is when the last of their pods was deleted.
	since time.Time
}

// keep remembers a succeeded member whose pod was deleted. Without a controller the pod may be recreated, so its success does not
// count.
func (g *Gang) keep(f Finished, now time.Time) {
	if !f.Succeeded || f.OwnerUID == "" || len(g.past.gone) >= maxPast {
		return
	}
	if g.past.gone == nil {
		g.past.gone = map[task]Finished{}
	}
	g.past.gone[taskOf(f.OwnerUID, f.Index, f.Name)], g.past.since = f, now
}

// redo drops a success whose task another pod repeats.
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

// dropPast drops the successes of a gang that has no members left.
func (g *Gang) dropPast(now time.Time) {
	if len(g.members) == 0 && len(g.finished) == 0 && now.Sub(g.past.since) >= keepSuccesses {
		g.past = past{}
	}
}

// countPast counts the succeeded members whose pods are gone.
func (g *Gang) countPast() {
	for _, f := range g.past.gone {
		if g.lines.owners[f.OwnerUID] > 0 {
			g.countFinished(f)
		}
	}
}
