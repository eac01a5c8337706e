package ledger

import (
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// sortKey returns the sort key of a gang as a whole.
func sortKey(g *gang.Gang) queue.SortKey {
	return queue.SortKey{Priority: g.Priority(), Short: g.Short(), Age: g.Age(), Gang: g.Key}
}

// compare orders gangs by their sort keys.
func compare(a, b *gang.Gang) int { return sortKey(a).Compare(sortKey(b)) }
