package ledger

import (
	"cmp"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// SortKey is where a gang, or a pod without one, stands in the order in which they go.
type SortKey struct {
	// Ahead puts members that were to start with a gang that runs short before everything else.
	Ahead    bool
	Priority int32
	// Short puts gangs that run with too few members before others of their priority.
	Short bool
	Age   time.Time
	Gang  gang.Key
}

// Compare is the one order in which gangs and other pods go, in the scheduling queue and among the gangs that are parked: members that
// were to start with a gang that runs short, then by priority, then gangs that run with too few members, then by age. It is negative if
// k goes first.
func (k SortKey) Compare(o SortKey) int {
	return cmp.Or(
		first(k.Ahead, o.Ahead),
		cmp.Compare(o.Priority, k.Priority),
		first(k.Short, o.Short),
		k.Age.Compare(o.Age),
		k.Gang.Compare(o.Gang),
	)
}

// first puts what is so before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// sortKey is where a gang stands as a whole.
func sortKey(g *gang.Gang) SortKey {
	return SortKey{Priority: g.Priority(), Short: g.Short(), Age: g.Age(), Gang: g.Key}
}

// compare orders gangs.
func compare(a, b *gang.Gang) int { return sortKey(a).Compare(sortKey(b)) }
