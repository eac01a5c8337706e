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
	gang.Waits
	// Queue is the queue that it waits in; empty while no queues are configured.
	Queue string
	// Position is the number of entries of its queue that are before it: gangs, and pods without one. While no queues are configured, it
	// is the number of gangs that are.
	Position int
}

// place is the place of a gang in the order.
type place struct {
	key gang.Key
	// id is its entry in the tree of queues, empty while no queues are configured.
	id       queue.ID
	queue    string
	position int
}

// Turns returns the gangs of a namespace, or of all if it is empty, that are complete and wait, in the order in which they would be started:
// by their sort keys, or as the queues would have it if each started when its turn has come. The ledger releases its lock in between.
func (l *Ledger) Turns(namespace string) []Turn {
	places := l.places()
	turns := make([]Turn, 0, len(places))
	for some := range slices.Chunk(places, atOnce) {
		turns = l.addTurns(turns, some, namespace)
	}
	return turns
}

func (l *Ledger) addTurns(turns []Turn, places []place, namespace string) []Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for i := range places {
		p := &places[i]
		g := l.gangs[p.key]
		if p.id != "" {
			g = l.gangOf[p.id]
		}
		if g == nil || namespace != "" && g.Key.Namespace != namespace {
			continue
		}
		if w, waits := g.Waits(now); waits {
			turns = append(turns, Turn{Waits: w, Queue: p.queue, Position: p.position})
		}
	}
	return turns
}

// places returns the places of all that waits. Pods without a gang have some, too, if queues are configured.
func (l *Ledger) places() []place {
	var places []place
	if rehearsal := l.rehearse(); rehearsal != nil {
		for _, p := range rehearsal.Order() {
			places = append(places, place{id: p.ID, queue: p.Queue, position: p.Before})
		}
		return places
	}
	var keys []queue.SortKey
	for some := range slices.Chunk(l.allGangs(), atOnce) {
		keys = l.addWaiting(keys, some)
	}
	slices.SortFunc(keys, queue.SortKey.Compare)
	for i := range keys {
		places = append(places, place{key: keys[i].Gang, position: i})
	}
	return places
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

// addWaiting adds the sort keys of those of the gangs that wait.
func (l *Ledger) addWaiting(keys []queue.SortKey, gangs []*gang.Gang) []queue.SortKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range gangs {
		if g.InLine() {
			keys = append(keys, sortKey(g))
		}
	}
	return keys
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
