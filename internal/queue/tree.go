package queue

import (
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
	// meets reports whether two pools share a node.
	meets func(a, b int) bool
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
	// asks is what the entries below this queue that could ever start ask for, together.
	asks Vector

	// waiting are the entries of a leaf.
	waiting []*waiter
}

// bound is an amount of a resource that a queue is limited to, or guaranteed.
type bound struct {
	resource int
	amount   int64
}

// New returns the tree of a configuration. It always has a queue named Default: below the root and with the defaults, if the configuration
// has none. What children leave out must be filled in already.
func New(c Config, r *Resources) *Tree {
	t := &Tree{
		resources: r, byName: map[string]*node{}, waiters: map[ID]*waiter{},
		meets: func(int, int) bool { return true },
	}
	t.root = &node{}
	for i := range c.Queues {
		t.add(t.root, c.Queues[i])
	}
	if t.byName[Default] == nil {
		t.add(t.root, NewQueue(Default))
	}
	t.owners = ownersOf(t.leaves)
	return t
}

// add makes the node of a queue, and those below it.
func (t *Tree) add(parent *node, q Queue) {
	n := &node{config: q, parent: parent, index: len(parent.children)}
	n.path = append(slices.Clone(parent.path), n)
	n.limits, n.guarantees = t.bounds(q.Limit), t.bounds(q.Guarantee)
	parent.children = append(parent.children, n)
	t.byName[q.Name] = n
	for i := range q.Queues {
		t.add(n, q.Queues[i])
	}
	if n.leaf() {
		t.leaves = append(t.leaves, n)
	}
}

// bounds returns amounts in the order of the names of their resources, so that the one that is named as the reason is always the same.
func (t *Tree) bounds(amounts Amounts) []bound {
	names := make([]string, 0, len(amounts))
	for name := range amounts {
		names = append(names, name)
	}
	slices.Sort(names)
	bounds := make([]bound, len(names))
	for i, name := range names {
		bounds[i] = bound{t.resources.Index(name), amounts[name]}
	}
	return bounds
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

// SetTotal sets what the cluster has: the allocatable of the nodes that count. All shares change.
func (t *Tree) SetTotal(total Vector) { t.total = total.Clone() }

// Total returns what the cluster has.
func (t *Tree) Total() Vector { return t.total.Clone() }

// Use adds amounts, by times, to what a queue and all above it use: 1 for what is bound, is being bound, or holds a slot, and -1 when it
// ends.
func (t *Tree) Use(l Leaf, amounts Vector, by int64) {
	for n := l.node; n != nil; n = n.parent {
		n.use.Add(amounts, by)
	}
}

// SetPools says which pools share a node. It is called again when answers change. Without it all pools do.
func (t *Tree) SetPools(meets func(a, b int) bool) { t.meets = meets }
