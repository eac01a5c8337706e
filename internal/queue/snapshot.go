package queue

// Snapshot is what the queues have and wait for at one moment. It shares nothing with the tree that changes, so that what takes long, the
// fair shares, is computed while the tree is in use.
type Snapshot struct {
	// tree has copies of the queues, in which nothing waits.
	tree Tree
	// waits is what waits in each of them, without what is below.
	waits map[*node]waits
}

// waits is what waits in a queue.
type waits struct {
	// head is nil if nothing waits. Its key and its ID never change.
	head           *waiter
	waiting, ready int
}

// Snapshot copies what Statuses needs.
func (t *Tree) Snapshot() *Snapshot {
	s := &Snapshot{waits: make(map[*node]waits, len(t.byName))}
	s.tree = Tree{resources: t.resources.clone(), root: s.copy(nil, t.root), total: t.total.Clone()}
	return s
}

func (s *Snapshot) copy(parent, n *node) *node {
	c := &node{
		config: n.config, parent: parent, limits: n.limits, guarantees: n.guarantees, use: n.use.Clone(), asks: n.asks.Clone(),
		children: make([]*node, len(n.children)),
	}
	w := waits{waiting: n.waiting.len(), ready: n.ready}
	if b := n.waiting.first(); b != nil {
		w.head = b.value
	}
	s.waits[c] = w
	for i := range n.children {
		c.children[i] = s.copy(c, n.children[i])
	}
	return c
}

// Statuses returns the status of every queue, parents before their children and siblings in configuration order.
func (s *Snapshot) Statuses() []Status {
	fair := s.tree.fairShares()
	var statuses []Status
	var visit func(*node) waits
	visit = func(n *node) waits {
		at, all := len(statuses), s.waits[n]
		if n.parent != nil {
			statuses = append(statuses, s.tree.status(n, fair[n]))
		}
		for _, c := range n.children {
			all.add(visit(c))
		}
		if n.parent != nil {
			statuses[at].Waiting, statuses[at].Ready = all.waiting, all.ready
			if all.head != nil {
				statuses[at].HeadAge = all.head.Key.Age
			}
		}
		return all
	}
	visit(s.tree.root)
	return statuses
}

// add adds what waits in a queue below.
func (w *waits) add(below waits) {
	w.waiting, w.ready = w.waiting+below.waiting, w.ready+below.ready
	if w.head == nil || below.head != nil && below.head.compare(w.head) < 0 {
		w.head = below.head
	}
}
