package queue

import (
	"cmp"
	"math"
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

// about is about where a key is in the order: where two differ, so do the keys. It is compared without a look at the entry.
type about struct {
	// class sorts by all that comes before the age: first by the highest bit, of what is not ahead.
	class   uint64
	seconds int64
}

// about returns about where the key is.
func (k SortKey) about() about {
	a := about{class: uint64(math.MaxInt32-int64(k.Priority)) << 1, seconds: k.Age.Unix()}
	if !k.Ahead {
		a.class |= 1 << 63
	}
	if !k.Short {
		a.class |= 1
	}
	return a
}

func (a about) compare(o about) int {
	if a.class != o.class {
		return cmp.Compare(a.class, o.class)
	}
	return cmp.Compare(a.seconds, o.seconds)
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
