package cycle

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

const (
	// dueMost is how many of those that have been passed by for too long, and of which it is not known which nodes they could use, are
	// looked at in one plan: the first ones.
	dueMost = 64
	// oursMost is for how many capacity is set aside at once, at most: all of them are planned again and again.
	oursMost = 64
	// poolKept is how long it is remembered which nodes one that waits behind others could use. A node may change in the meantime.
	poolKept = 5 * time.Minute
)

// behind are the gangs that have been passed by for too long while capacity is set aside for another one of their pool. Of those with the
// same nodes only the first has to be looked at again, so that there is time for those of other pools, however many these are.
type behind struct {
	pools map[gang.Key]knownPool
}

// knownPool are the nodes that a gang could use, and until when that is taken to be true.
type knownPool struct {
	nodes string
	until time.Time
}

// add records the nodes of a gang. It returns false if they were known.
func (b *behind) add(key gang.Key, nodes []string, now time.Time) (added bool) {
	hash := fnv.New128a()
	for _, node := range nodes {
		_, _ = hash.Write(append([]byte(node), 0)) // it never fails
	}
	known := string(hash.Sum(nil))
	added = b.pools[key].nodes != known
	b.pools[key] = knownPool{nodes: known, until: now.Add(poolKept)}
	return added
}

// forget drops what may not be true any more.
func (b *behind) forget(now time.Time) {
	for key, known := range b.pools {
		if !now.Before(known.until) {
			delete(b.pools, key)
		}
	}
}

// findDue brings due up to date: it asks the ledger again if that may know others, and otherwise drops those that do not wait any more.
func (s *SetAside) findDue(now time.Time) {
	if now.Before(s.Ledger.DueAt()) && now.Before(s.refresh) {
		s.due = slices.DeleteFunc(s.due, func(w ledger.Waiting) bool { return !s.Ledger.Waits(w.Key) })
		return
	}
	s.behind.forget(now)
	s.due = s.Ledger.Due(dueMost, func(key gang.Key) ledger.Grouped { return s.grouped(key, now) })
	s.keepFirst()
	s.refresh = never
	if len(s.due) > 0 || len(s.hopeless) > 0 {
		s.refresh = now.Add(asideRefresh)
	}
}

// grouped says whether a gang is looked at. Those that capacity is set aside for are.
func (s *SetAside) grouped(key gang.Key, now time.Time) ledger.Grouped {
	return ledger.Grouped{Group: s.behind.pools[key].nodes, Keep: s.ours[key] != nil, LeaveOut: s.isHopeless(key, now)}
}

// keepFirst moves those that capacity is set aside for before all that do not outrank them. What queues use changes all the time, and
// capacity that is set aside for one gang and then for another makes neither start.
func (s *SetAside) keepFirst() {
	for i := range s.due {
		w := s.due[i]
		if s.ours[w.Key] == nil {
			continue
		}
		to := i
		for ; to > 0; to-- {
			before := &s.due[to-1]
			if s.ours[before.Key] != nil || s.Ledger.Outranks(ledger.Asker{Key: before.Key, Priority: before.Priority}, w.Key) {
				break
			}
		}
		copy(s.due[to+1:i+1], s.due[to:i])
		s.due[to] = w
	}
}
