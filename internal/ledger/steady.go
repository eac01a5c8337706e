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

// ticked is a gang to which something happened because time passed.
type ticked struct {
	gang      *gang.Gang
	decisions []gang.Decision
}

// tick lets time pass for every gang, and returns those to which something happened, in their order.
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

// inOrder returns records by the names of their pods: what is decided must not depend on the order of a map.
func inOrder(records map[types.UID]*record) []*record {
	return slices.SortedFunc(maps.Values(records), func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.ref.Namespace, b.ref.Namespace), cmp.Compare(a.ref.Name, b.ref.Name), cmp.Compare(a.ref.UID, b.ref.UID))
	})
}

// same says whether the same is wrong with the annotations of a pod as before.
func same(before, now error) bool {
	var a, b *conventions.Problem
	return errors.As(before, &a) && errors.As(now, &b) && a.Same(b)
}
