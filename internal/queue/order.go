package queue

import (
	"cmp"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// SortKey is the position of a gang, or of a pod without a gang, in the order of its queue.
type SortKey struct {
	// Ahead sorts members that should have started with a gang that runs short before everything else.
	Ahead    bool
	Priority int32
	// Short sorts gangs that run with too few members before others of their priority.
	Short bool
	Age   time.Time
	Gang  gang.Key
}

// Compare defines the scheduling order of gangs and other pods, both in the scheduling queue and among parked gangs: first members
// that should have started with a gang that runs short, then by priority, then gangs that run with too few members, then by age. It
// is negative if k goes first.
func (k SortKey) Compare(o SortKey) int {
	switch {
	case k.Ahead != o.Ahead:
		return first(k.Ahead, o.Ahead)
	case k.Priority != o.Priority:
		return cmp.Compare(o.Priority, k.Priority)
	case k.Short != o.Short:
		return first(k.Short, o.Short)
	}
	if age := k.Age.Compare(o.Age); age != 0 {
		return age
	}
	return k.Gang.Compare(o.Gang)
}

// first sorts true before false.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
