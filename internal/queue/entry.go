package queue

import (
	"cmp"
	"iter"
)

// ID identifies what waits: a gang, or a pod without a gang.
type ID string

// Entry is a gang, or a pod without a gang, that waits in a queue.
type Entry struct {
	ID   ID
	Leaf Leaf
	// Key is its position in the queue.
	Key SortKey
	// Ask is what it takes to start: the requests of min-available members, or of the pod.
	Ask Vector
	// Guaranteed is true if it may only start within the guarantees of its queue and of all above.
	Guaranteed bool
	// Pool is which nodes it can use: entries with equal pools can use the same nodes. 0 is all nodes.
	Pool int
	// Hopeless is true if it would not fit even if the cluster were empty. Unless it is ready again, it holds nobody up.
	Hopeless bool
	// Ready is true if it may start as far as is known. Those that did not fit, and for which nothing changed since, are not ready.
	Ready bool
}

// waiter is an entry in the tree.
type waiter struct {
	Entry
	// never is true if the entry can never start as its queue is configured, or as the cluster is.
	never bool
	// needs is what it needs in each dimension.
	needs []int64
	// place is where it is in the order of its queue.
	place *branch[*waiter]
	// at is its position in the heap that it is in, and shape its shape if its queue is BestEffort.
	at    int
	shape *branch[*shape]
}

// compare is the order inside a queue. IDs differ even where keys do not.
func (w *waiter) compare(o *waiter) int {
	if order := w.Key.Compare(o.Key); order != 0 {
		return order
	}
	return cmp.Compare(w.ID, o.ID)
}

// Wait adds an entry, or replaces the one with its ID. Its Leaf must be of this tree.
func (t *Tree) Wait(e Entry) {
	t.Remove(e.ID)
	e.Ask = e.Ask.Clone()
	e.Key.Age = e.Key.Age.Round(0) // what the wall clock says, so that all keys are compared alike
	why, _ := t.May(e.Leaf, e.Ask, e.Guaranteed)
	w := &waiter{Entry: e, never: why.Never || e.Hopeless && !e.Ready, needs: t.needs(&e)}
	t.waiters[e.ID] = w
	t.count(w, 1)
	n := e.Leaf.node
	w.place = n.waiting.insert(w)
	n.countReady(w, 1)
	if !w.never && n.line.add(w) {
		n.restart()
	}
}

// countReady counts an entry of a leaf if it is ready.
func (n *node) countReady(w *waiter, by int) {
	if w.Ready {
		n.ready += by
	}
}

// mostCounted is what an entry counts at most as asking for, so that sums do not overflow: a pod may ask for any amount.
const mostCounted = 1 << 46

// count adds an entry, by times, to the asks of its queues.
func (t *Tree) count(w *waiter, by int64) {
	if w.never {
		return
	}
	for n := w.Leaf.node; n != nil; n = n.parent {
		for r, amount := range w.Ask {
			n.asks.Set(r, n.asks.Get(r)+by*min(amount, mostCounted))
		}
	}
}

// SetReady says whether an entry may start as far as is known. It ignores unknown entries.
func (t *Tree) SetReady(id ID, ready bool) {
	w := t.waiters[id]
	if w == nil || w.Ready == ready {
		return
	}
	if w.Hopeless { // whether it holds others up changes too
		e := w.Entry
		e.Ready = ready
		t.Wait(e)
		return
	}
	n := w.Leaf.node
	n.countReady(w, -1)
	w.Ready = ready
	n.countReady(w, 1)
	if !w.never && n.line.setReady(w) {
		n.restart()
	}
}

// Remove removes an entry: it has started, or is gone. It ignores unknown entries.
func (t *Tree) Remove(id ID) {
	w := t.waiters[id]
	if w == nil {
		return
	}
	delete(t.waiters, id)
	t.count(w, -1)
	n := w.Leaf.node
	n.waiting.remove(w.place)
	n.countReady(w, -1)
	if !w.never && n.line.remove(w) {
		n.restart()
	}
}

// Entry returns an entry that waits. Its Ask must not be changed.
func (t *Tree) Entry(id ID) (Entry, bool) {
	if w := t.waiters[id]; w != nil {
		return w.Entry, true
	}
	return Entry{}, false
}

// Entries returns all entries: by queue in configuration order, and by Key. The tree must not be changed in the meantime.
func (t *Tree) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, n := range t.leaves {
			for w := range n.waiting.all() {
				if !yield(w.Entry) {
					return
				}
			}
		}
	}
}

// Positions returns the positions of all entries of a queue; the head is at 0.
func (t *Tree) Positions(l Leaf) map[ID]int {
	positions := make(map[ID]int, l.node.waiting.len())
	for w := range l.node.waiting.all() {
		positions[w.ID] = len(positions)
	}
	return positions
}
