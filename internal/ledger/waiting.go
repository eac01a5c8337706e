package ledger

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// atOnce is how many gangs are visited before the ledger lets others have its lock.
const atOnce = 256

// Turn is a gang that waits, and its place in the order.
type Turn struct {
	*gang.Waits
	// Queue is the queue that it waits in; empty while no queues are configured.
	Queue string
	// Position is the number of entries of its queue that are before it: gangs, and pods without one. While no queues are configured, it
	// is the number of gangs that are.
	Position int
}

// Turns returns the gangs of a namespace, or of all if it is empty, that are complete and wait, in the order in which they would start: by
// their sort keys, or as the queues would have it if each started when its turn has come. The ledger releases its lock in between.
func (l *Ledger) Turns(namespace string) []Turn {
	if rehearsal := l.rehearse(); rehearsal != nil {
		return l.turnsAt(rehearsal.Order(), namespace)
	}
	var waiting []inLine
	for some := range slices.Chunk(l.allGangs(), atOnce) {
		waiting = l.addInLine(waiting, some, namespace)
	}
	slices.SortFunc(waiting, func(a, b inLine) int { return a.key.Compare(b.key) })
	var turns []Turn
	for i := range waiting {
		if w := waiting[i].waits; w != nil {
			turns = append(turns, Turn{Waits: w, Position: i})
		}
	}
	return turns
}

// inLine is a gang that waits while no queues are configured.
type inLine struct {
	key queue.SortKey
	// waits is nil for a gang that was not asked for.
	waits *gang.Waits
}

func (l *Ledger) addInLine(waiting []inLine, gangs []*gang.Gang, namespace string) []inLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for _, g := range gangs {
		w, waits := g.Waits(now)
		if !waits {
			continue
		}
		one := inLine{key: sortKey(g)}
		if namespace == "" || g.Key.Namespace == namespace {
			one.waits = &w
		}
		waiting = append(waiting, one)
	}
	return waiting
}

// turnsAt returns those of the gangs at these places that still wait. Pods without a gang have places, too.
func (l *Ledger) turnsAt(places []queue.Place, namespace string) []Turn {
	turns := make([]Turn, 0, len(places))
	for some := range slices.Chunk(places, atOnce) {
		turns = l.addTurns(turns, some, namespace)
	}
	return turns
}

func (l *Ledger) addTurns(turns []Turn, places []queue.Place, namespace string) []Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for _, p := range places {
		g := l.gangOf[p.ID]
		if g == nil || namespace != "" && g.Key.Namespace != namespace {
			continue
		}
		if w, waits := g.Waits(now); waits {
			turns = append(turns, Turn{Waits: &w, Queue: p.Queue, Position: p.Before})
		}
	}
	return turns
}

// rehearse returns a rehearsal of the queues; nil while none are configured.
func (l *Ledger) rehearse() *queue.Rehearsal {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree == nil {
		return nil
	}
	return l.tree.Rehearse()
}

// GangsOf returns the gangs that pods belong to, in their order; the zero key for one that has none.
func (l *Ledger) GangsOf(uids []types.UID) []gang.Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]gang.Key, len(uids))
	for i, uid := range uids {
		if r := l.records[uid]; r != nil && r.gang != nil {
			keys[i] = r.gang.Key
		}
	}
	return keys
}

// TopologyKeys returns the keys of node labels that gangs ask for in their topology, with the number of gangs that do.
func (l *Ledger) TopologyKeys() map[string]int {
	keys := map[string]int{}
	for some := range slices.Chunk(l.allGangs(), atOnce) {
		l.countTopologyKeys(keys, some)
	}
	return keys
}

func (l *Ledger) allGangs() []*gang.Gang {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.gangs))
}

func (l *Ledger) countTopologyKeys(keys map[string]int, gangs []*gang.Gang) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range gangs {
		for _, key := range g.TopologyKeys() {
			keys[key]++
		}
	}
}
