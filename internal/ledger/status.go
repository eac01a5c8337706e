package ledger

import (
	"slices"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Status returns what there is to know of a gang. It returns false if the gang has no member that has not ended.
func (l *Ledger) Status(key gang.Key) (gang.Status, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil || g.Size() == 0 {
		return gang.Status{}, false
	}
	return g.Status(l.clock.Now()), true
}

// Statuses returns what there is to know of all gangs that have members which have not ended, in the order in which gangs go. Each is of
// one moment, but not all of the same: so that the scheduler need not wait for thousands of them, others get the lock in between.
func (l *Ledger) Statuses() []gang.Status {
	keys := l.sortKeys()
	slices.SortFunc(keys, SortKey.Compare)
	all := make([]gang.Status, 0, len(keys))
	for i := range keys {
		if s, known := l.Status(keys[i].Gang); known {
			all = append(all, s)
		}
	}
	return all
}

// sortKeys says where each gang stands.
func (l *Ledger) sortKeys() []SortKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]SortKey, 0, len(l.gangs))
	for _, g := range l.gangs {
		keys = append(keys, sortKey(g))
	}
	return keys
}
