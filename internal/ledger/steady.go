package ledger

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// ticked is a gang for which Tick had an effect.
type ticked struct {
	gang      *gang.Gang
	decisions []gang.Decision
}

// restless tracks which gangs a tick has to look at: those that changed, and those for which the passage of time has an effect. The others
// cost it nothing, however many wait.
type restless struct {
	// touched are the gangs that changed since the last tick.
	touched map[*gang.Gang]struct{}
	// times are when time has an effect on the others.
	times times
}

func newRestless() restless { return restless{touched: map[*gang.Gang]struct{}{}, times: newTimes()} }

// touch records that a gang changed.
func (r *restless) touch(g *gang.Gang) { r.touched[g] = struct{}{} }

// drop forgets a gang.
func (r *restless) drop(g *gang.Gang) {
	delete(r.touched, g)
	r.times.set(g, time.Time{})
}

// take returns the gangs that a tick has to look at, in no particular order.
func (r *restless) take(now time.Time) []*gang.Gang {
	for g := r.times.due(now); g != nil; g = r.times.due(now) {
		r.touch(g)
	}
	all := slices.Collect(maps.Keys(r.touched))
	clear(r.touched)
	return all
}

// tick ticks the gangs that may need it, as if it ticked every gang. It returns those that it ticked, and in the scheduling order those for
// which it had an effect.
func (l *Ledger) tick(now time.Time) (looked []*gang.Gang, effects []ticked) {
	looked = l.restless.take(now)
	for _, g := range looked {
		if decisions := g.Tick(now); len(decisions) > 0 || g.Moved() || g.Empty() {
			effects = append(effects, ticked{g, decisions})
		}
		l.times.set(g, g.Due(now))
	}
	slices.SortFunc(effects, func(a, b ticked) int { return compare(a.gang, b.gang) })
	return looked, effects
}

// inOrder returns records by the names of their pods: decisions must not depend on the iteration order of a map.
func inOrder(records map[types.UID]*record) []*record {
	return slices.SortedFunc(maps.Values(records), func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.ref.Namespace, b.ref.Namespace), cmp.Compare(a.ref.Name, b.ref.Name), cmp.Compare(a.ref.UID, b.ref.UID))
	})
}

// same reports whether two errors of a pod's annotations are the same problem.
func same(before, now error) bool {
	if a, ok := errors.AsType[*conventions.Unknown](before); ok {
		b, ok := errors.AsType[*conventions.Unknown](now)
		return ok && a.Same(b)
	}
	a, ok := errors.AsType[*conventions.Problem](before)
	if !ok {
		return false
	}
	b, ok := errors.AsType[*conventions.Problem](now)
	return ok && a.Same(b)
}
