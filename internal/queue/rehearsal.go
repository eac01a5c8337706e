package queue

import "slices"

// Rehearsal is what the queues use and what waits in them at one moment. It shares nothing with the tree that changes, so that the order of
// thousands of entries is found while the tree is in use.
type Rehearsal struct {
	config    Config
	resources *Resources
	total     Vector
	// uses is what each leaf uses, by its name. waiting is what waits, by leaf and by Key.
	uses    map[string]Vector
	waiting []Entry
}

// Place is where an entry is in the order.
type Place struct {
	ID ID
	// Queue is the leaf in which it waits, Before the number of entries of that leaf that are before it, by Key.
	Queue  string
	Before int
}

// Rehearse copies what Order needs.
func (t *Tree) Rehearse() *Rehearsal {
	r := &Rehearsal{
		resources: t.resources.clone(), total: t.total.Clone(), uses: make(map[string]Vector, len(t.leaves)),
		waiting: make([]Entry, 0, len(t.waiters)),
	}
	for _, n := range t.root.children {
		r.config.Queues = append(r.config.Queues, n.config)
	}
	for _, n := range t.leaves {
		r.uses[n.config.Name] = n.use.Clone()
	}
	for e := range t.Entries() {
		r.waiting = append(r.waiting, e)
	}
	return r
}

// Order returns all entries in the order in which they would start if each started when its turn has come, and nothing ended meanwhile.
// What the queues would not let start at all then comes last, by Key: what is beyond a limit or a guarantee, what is behind the head of a
// Strict queue that is, and what is Hopeless.
func (r *Rehearsal) Order() []Place {
	places, tree := r.places(), r.tree()
	order := make([]Place, 0, len(r.waiting))
	for e, more := tree.Next(); more; e, more = tree.Next() {
		tree.Remove(e.ID)
		tree.Use(e.Leaf, e.Ask, 1)
		order = append(order, places[e.ID])
	}
	left := slices.DeleteFunc(slices.Clone(r.waiting), func(e Entry) bool { return tree.waiters[e.ID] == nil })
	slices.SortStableFunc(left, func(a, b Entry) int { return a.Key.Compare(b.Key) })
	for i := range left {
		order = append(order, places[left[i].ID])
	}
	return order
}

// places returns where each entry is in its queue.
func (r *Rehearsal) places() map[ID]Place {
	places, before := make(map[ID]Place, len(r.waiting)), make(map[string]int, len(r.uses))
	for i := range r.waiting {
		e := &r.waiting[i]
		name := e.Leaf.Name()
		places[e.ID] = Place{ID: e.ID, Queue: name, Before: before[name]}
		before[name]++
	}
	return places
}

// tree returns another tree with the same queues, in which everything is ready that could ever start.
func (r *Rehearsal) tree() *Tree {
	t := New(r.config, r.resources)
	t.SetTotal(r.total)
	for name, use := range r.uses {
		t.Use(Leaf{t.byName[name]}, use, 1)
	}
	for _, e := range r.waiting {
		e.Leaf, e.Ready = Leaf{t.byName[e.Leaf.Name()]}, !e.Hopeless
		t.Wait(e)
	}
	return t
}
