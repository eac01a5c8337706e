package ledger

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Status returns the status of a gang. It returns false if all of the gang's members have ended.
func (l *Ledger) Status(key gang.Key) (gang.Status, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil || g.Size() == 0 {
		return gang.Status{}, false
	}
	s := g.Status(l.clock.Now())
	l.addQueue(&s, g)
	l.addDomains(&s, g.Topology())
	return s, true
}

// Applies returns what the members of a gang say that applies to all of it; false if all of them have ended.
func (l *Ledger) Applies(key gang.Key) (gang.Spec, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil || g.Size() == 0 {
		return gang.Spec{}, false
	}
	return g.Applies(), true
}

// addQueue adds the gang's queue, and its position if it waits. If any queue may exist, it is the one that the members name.
func (l *Ledger) addQueue(s *gang.Status, g *gang.Gang) {
	if l.tree == nil {
		if l.anyQueue {
			s.Queue = g.Queue()
		}
		return
	}
	s.Queue = l.leafOf(g.Key.Namespace, g.Queue()).Name()
	if in := l.standings[g]; in != nil && in.waits {
		s.Position = new(l.tree.Why(in.id).Before)
	}
}

// Statuses returns the statuses of all gangs with members that have not ended, in the scheduling order. Each status is consistent
// in itself, but they are taken one after the other: the ledger releases its lock in between, so that scheduling does not wait for
// thousands of them.
func (l *Ledger) Statuses() []gang.Status { return l.StatusesIn("") }

// StatusesIn returns the statuses of the gangs of a namespace, or of all if it is empty.
func (l *Ledger) StatusesIn(namespace string) []gang.Status {
	keys := l.sortKeys()
	if namespace != "" {
		keys = slices.DeleteFunc(keys, func(k queue.SortKey) bool { return k.Gang.Namespace != namespace })
	}
	slices.SortFunc(keys, queue.SortKey.Compare)
	all := make([]gang.Status, 0, len(keys))
	for i := range keys {
		if s, known := l.Status(keys[i].Gang); known {
			all = append(all, s)
		}
	}
	return all
}

// sortKeys returns the sort key of each gang.
func (l *Ledger) sortKeys() []queue.SortKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]queue.SortKey, 0, len(l.gangs))
	for _, g := range l.gangs {
		keys = append(keys, sortKey(g))
	}
	return keys
}

// QueueStatuses returns the statuses of all queues, parents before their children and siblings in configuration order; nil while no
// queues are configured. Scheduling waits only while it copies what each queue has.
func (l *Ledger) QueueStatuses() []queue.Status {
	s := l.queueSnapshot()
	if s == nil {
		return nil
	}
	return s.Statuses()
}

func (l *Ledger) queueSnapshot() *queue.Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree == nil {
		return nil
	}
	return l.tree.Snapshot()
}

// QueueResources returns the resources that queues share, by their numbers in the vectors of a queue.Status; nil while no queues are
// configured. Numbers never change. Those of a status exist if the status was taken before.
func (l *Ledger) QueueResources() []queue.Resource {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree == nil {
		return nil
	}
	return l.tree.Capacity()
}

// PodsSetAside returns for how many pods without a gang capacity is set aside and free, by queue; nil while no queues are configured.
func (l *Ledger) PodsSetAside() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree == nil {
		return nil
	}
	pods := map[string]int{}
	for key, m := range l.passedBy.pods {
		if m.aside {
			pods[l.leafOf(key.Namespace, m.share.Queue).Name()]++
		}
	}
	return pods
}

// Problem returns why the scheduler does not follow what a pod says of its gang or queue; nil if it follows it. The error is a
// *conventions.Problem or a *conventions.Unknown.
func (l *Ledger) Problem(uid types.UID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.records[uid]; r != nil {
		return r.problem
	}
	return nil
}
