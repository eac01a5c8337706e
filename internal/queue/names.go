package queue

// Default returns the queue of what names none.
func (t *Tree) Default() Leaf { return Leaf{t.byName[Default]} }

// AllLeaves returns the queues without children, in configuration order.
func (t *Tree) AllLeaves() []Leaf {
	all := make([]Leaf, len(t.leaves))
	for i, n := range t.leaves {
		all[i] = Leaf{n}
	}
	return all
}

// Leaves returns the names of the queues without children, in configuration order.
func (t *Tree) Leaves() []string {
	names := make([]string, len(t.leaves))
	for i, n := range t.leaves {
		names[i] = n.config.Name
	}
	return names
}

// LeavesBelow returns the names of the queues without children that are below a queue.
func (t *Tree) LeavesBelow(name string) []string {
	var names []string
	for _, n := range t.leaves {
		for _, above := range n.path {
			if above.config.Name == name && above != n {
				names = append(names, n.config.Name)
			}
		}
	}
	return names
}
