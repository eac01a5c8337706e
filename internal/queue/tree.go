package queue

import (
	"math"
	"slices"
	"time"
)

// Tree is a tree of queues: what each queue uses, what waits in it, and so which gang goes next. It is not safe for concurrent use. Its
// answers depend on what was reported to it only, never on the order of the reports.
type Tree struct {
	resources *Resources
	// root is above the queues without a parent. It has no bounds; its use is that of the cluster.
	root *node
	// leaves are in configuration order.
	leaves []*node
	byName map[string]*node
	owners owners
	total  Vector
	// waiters are the entries that wait, by ID.
	waiters map[ID]*waiter
	// dimensions numbers the dimensions in which queues have bounds.
	dimensions map[dimension]int
	// limited has, for each resource by its number, the dimension of its limits and one more, or 0 if nothing limits it.
	limited []int
}

// node is a queue, or the root.
type node struct {
	config   Queue
	parent   *node
	children []*node
	// index is the position among the siblings, in configuration order.
	index int
	// path leads from the queue below the root to this one.
	path []*node
	// limits and guarantees are in the order of the names of their resources.
	limits, guarantees []bound

	use Vector
	// ranks is the use of a leaf by priority, the highest first.
	ranks []rank
	// asks is what the entries below this queue that could ever start ask for, together.
	asks Vector

	// standing is the last one computed. touched is true if it may be another now, and changed are the queues right below that are touched.
	standing standing
	touched  bool
	changed  []*node
	// room is what may be started here, in each dimension, and span is for which room the standing holds.
	room []int64
	span span
	// siblings finds the first of the children.
	siblings tournament

	// waiting are the entries of a leaf by Key, and ready counts those that are ready.
	waiting treap[*waiter]
	ready   int
	// line finds the candidate of a leaf. It must be asked again if stale is true.
	line  line
	stale bool
}

// New returns the tree of a configuration. It always has a queue named Default: below the root and with the defaults, if the configuration
// has none. What children leave out must be filled in already.
func New(c Config, r *Resources) *Tree {
	t := &Tree{
		resources: r, root: &node{}, byName: map[string]*node{}, waiters: map[ID]*waiter{}, dimensions: map[dimension]int{},
	}
	for i := range c.Queues {
		t.add(t.root, c.Queues[i])
	}
	if t.byName[Default] == nil {
		t.add(t.root, NewQueue(Default))
	}
	t.owners = ownersOf(t.leaves)
	t.prepare(t.root)
	for d := range t.root.room {
		t.root.room[d] = math.MaxInt64
	}
	return t
}

// add makes the node of a queue, and those below it.
func (t *Tree) add(parent *node, q Queue) {
	n := &node{config: q, parent: parent, index: len(parent.children)}
	n.path = append(slices.Clone(parent.path), n)
	n.limits, n.guarantees = t.bounds(BeyondLimit, q.Limit), t.bounds(BeyondGuarantee, q.Guarantee)
	parent.children = append(parent.children, n)
	t.byName[q.Name] = n
	for i := range q.Queues {
		t.add(n, q.Queues[i])
	}
	if n.leaf() {
		t.leaves = append(t.leaves, n)
	}
}

// prepare makes what decides who goes first in a queue, and in those below it, when all dimensions are known.
func (t *Tree) prepare(n *node) {
	n.room, n.span = make([]int64, len(t.dimensions)), newSpan(len(t.dimensions))
	n.changed = make([]*node, 0, len(n.children))
	n.siblings = newTournament(n.children, len(t.dimensions))
	for _, c := range n.children {
		t.prepare(c)
	}
	if !n.leaf() {
		return
	}
	n.waiting.compare = (*waiter).compare
	n.line = newBestEffort()
	if n.config.Order == Strict {
		n.line = newStrict()
	}
	n.restart()
}

// restart has the line asked again.
func (n *node) restart() {
	n.stale = true
	n.touch()
}

func (n *node) leaf() bool { return len(n.children) == 0 }

// Leaf is a queue without children, in which gangs wait. It belongs to one tree. The zero value is no queue.
type Leaf struct{ node *node }

// Name returns the name of the queue.
func (l Leaf) Name() string { return l.node.config.Name }

// Config returns the configuration of the queue.
func (l Leaf) Config() Queue { return l.node.config }

// Order returns whether gangs may overtake each other in the queue.
func (l Leaf) Order() Order { return l.node.config.Order }

// MaxWait returns how long a gang may be passed by before capacity is set aside for it; 0 means never.
func (l Leaf) MaxWait() time.Duration { return l.node.config.MaxWait }

// Path returns the names of the queues from the one below the root to this one.
func (l Leaf) Path() []string {
	names := make([]string, len(l.node.path))
	for i, n := range l.node.path {
		names[i] = n.config.Name
	}
	return names
}

// Children returns the names of the queues right below this one: none, unless For refused the queue as NotALeaf.
func (l Leaf) Children() []string {
	names := make([]string, len(l.node.children))
	for i, n := range l.node.children {
		names[i] = n.config.Name
	}
	return names
}

// Has reports whether a leaf is of this tree.
func (t *Tree) Has(l Leaf) bool { return l.node != nil && t.byName[l.node.config.Name] == l.node }

// SetTotal sets what the cluster has: the allocatable of the nodes that count. All shares change.
func (t *Tree) SetTotal(total Vector) {
	if slices.Equal(t.total, total) {
		return
	}
	t.total = total.Clone()
	for _, n := range t.leaves {
		n.touch()
	}
}

// Total returns what the cluster has.
func (t *Tree) Total() Vector { return t.total.Clone() }

// Use adds amounts, by times, to what a queue and all above it use: 1 for what is bound, is being bound, or holds a slot, and -1 when it
// ends. The leaf must be of this tree. What is reported here counts as if it were never taken: see UseAs.
func (t *Tree) Use(l Leaf, amounts Vector, by int64) { t.UseAs(l, NeverTaken, amounts, by) }

// UseAs is Use for what has a priority, so that other queues take what is less important to this one first. What is non-preemptible has
// the priority NeverTaken.
func (t *Tree) UseAs(l Leaf, priority int32, amounts Vector, by int64) {
	l.node.rank(priority, amounts, by)
	for n := l.node; n != nil; n = n.parent {
		n.use.Add(amounts, by)
	}
	l.node.touch()
}

// SetPools says which pools share a node. It is called again when answers change. Before the first call all do. A pool always meets itself.
func (t *Tree) SetPools(meets func(a, b int) bool) {
	for _, n := range t.leaves {
		if l, ok := n.line.(*strict); ok {
			l.meets = meets
			n.restart()
		}
	}
}
