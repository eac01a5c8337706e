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

// tick ticks every gang, and returns those for which it had an effect, in the scheduling order.
func (l *Ledger) tick(now time.Time) []ticked {
	var all []ticked
	for _, g := range l.gangs {
		if decisions := g.Tick(now); len(decisions) > 0 || g.Moved() || g.Empty() {
			all = append(all, ticked{g, decisions})
		}
	}
	slices.SortFunc(all, func(a, b ticked) int { return compare(a.gang, b.gang) })
	return all
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
