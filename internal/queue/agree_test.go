package queue_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// resourceNames are those of random clusters.
var resourceNames = []string{"cpu", "gpu", "memory"}

// randomAmounts returns amounts of some resources.
func randomAmounts(t *rapid.T, label string, most int64) amounts {
	a := amounts{}
	for _, name := range resourceNames {
		if amount := rapid.Int64Range(-most/2, most).Draw(t, label+" of "+name); amount > 0 {
			a[name] = amount
		}
	}
	return a
}

// randomQueues returns a random tree of queues, each with a name of its own.
func randomQueues(t *rapid.T, depth int, names *int) []queue.Queue {
	most := 12
	if depth == 1 {
		most = 24
	}
	queues := make([]queue.Queue, rapid.SampledFrom([]int{1, 2, 3, 3, most}).Draw(t, "queues"))
	for i := range queues {
		*names++
		c := queue.NewQueue(fmt.Sprintf("q%d", *names))
		c.Weight = float64(rapid.IntRange(0, 3).Draw(t, "weight"))
		c.Priority = int32(rapid.IntRange(0, 4).Draw(t, "priority") / 4)
		if rapid.Bool().Draw(t, "limited") {
			c.Limit = randomAmounts(t, "limit", 12)
		}
		if rapid.Bool().Draw(t, "guaranteed") {
			c.Guarantee = randomAmounts(t, "guarantee", 8)
		}
		c.Order = rapid.SampledFrom([]queue.Order{queue.BestEffort, queue.Strict}).Draw(t, "order")
		if depth > 1 && rapid.Bool().Draw(t, "has children") {
			c.Queues = randomQueues(t, depth-1, names)
		}
		queues[i] = c
	}
	return queues
}

// leafNames returns the names of the leaves.
func leafNames(queues []queue.Queue) []string {
	var names []string
	for _, q := range queues {
		if len(q.Queues) == 0 {
			names = append(names, q.Name)
		}
		names = append(names, leafNames(q.Queues)...)
	}
	return names
}

// randomConfig returns a random configuration that has the default queue.
func randomConfig(t *rapid.T) queue.Config {
	names := 0
	return queue.Config{Queues: append(randomQueues(t, 3, &names), queue.NewQueue(queue.Default))}
}

// randomEntry returns an entry with one of few IDs.
func randomEntry(t *rapid.T, tree *queue.Tree, r *queue.Resources, leaves []string) queue.Entry {
	leaf, _ := tree.For("", rapid.SampledFrom(leaves).Draw(t, "leaf"))
	id := queue.ID(fmt.Sprintf("e%d", rapid.IntRange(1, 25).Draw(t, "id")))
	return queue.Entry{
		ID: id, Leaf: leaf, Ask: r.Vector(randomAmounts(t, "ask", 5)),
		Guaranteed: rapid.IntRange(0, 4).Draw(t, "only within guarantees") == 0,
		Hopeless:   rapid.IntRange(0, 4).Draw(t, "hopeless") == 0,
		Pool:       rapid.IntRange(0, 3).Draw(t, "pool"),
		Ready:      rapid.IntRange(0, 3).Draw(t, "ready") > 0,
		Key: queue.SortKey{
			Ahead:    rapid.IntRange(0, 15).Draw(t, "ahead") == 0,
			Priority: rapid.Int32Range(0, 1).Draw(t, "priority"),
			Age:      time.Unix(rapid.Int64Range(0, 4).Draw(t, "age"), 0),
			Gang:     named(string(id)),
		},
	}
}

// both is a tree and the naive implementation with the same history.
type both struct {
	tree   *queue.Tree
	naive  *naive
	leaves []string
	used   []use // what may end
}

// use is something that runs.
type use struct {
	leaf    string
	amounts queue.Vector
}

// configure replaces the configuration, with the same entries and use where the leaves still exist.
func (b *both) configure(c queue.Config) {
	old, r := b.naive, b.naive.res
	b.tree = queue.New(c, r)
	b.tree.SetTotal(old.total)
	b.tree.SetPools(old.meets)
	b.naive = &naive{config: c, total: old.total, uses: map[string]queue.Vector{}, entries: map[queue.ID]queue.Entry{}, meets: old.meets, res: r}
	b.leaves = leafNames(c.Queues)
	for _, id := range slices.Sorted(maps.Keys(old.entries)) {
		e := old.entries[id]
		if !slices.Contains(b.leaves, e.Leaf.Name()) {
			e.Leaf, _ = b.tree.For("", queue.Default)
		} else {
			e.Leaf, _ = b.tree.For("", e.Leaf.Name())
		}
		b.wait(e)
	}
	used := b.used
	b.used = nil
	for _, u := range used {
		if !slices.Contains(b.leaves, u.leaf) {
			u.leaf = queue.Default
		}
		b.use(u)
	}
}

func (b *both) wait(e queue.Entry) {
	b.tree.Wait(e)
	b.naive.entries[e.ID] = e
}

func (b *both) use(u use) {
	leaf, _ := b.tree.For("", u.leaf)
	b.tree.Use(leaf, u.amounts, 1)
	v := b.naive.uses[u.leaf].Clone()
	v.Add(u.amounts, 1)
	b.naive.uses[u.leaf] = v
	b.used = append(b.used, u)
}

func (b *both) end(i int) {
	u := b.used[i]
	leaf, _ := b.tree.For("", u.leaf)
	b.tree.Use(leaf, u.amounts, -1)
	v := b.naive.uses[u.leaf].Clone()
	v.Add(u.amounts, -1)
	b.naive.uses[u.leaf] = v
	b.used = slices.Delete(b.used, i, i+1)
}

func (b *both) remove(id queue.ID) {
	b.tree.Remove(id)
	delete(b.naive.entries, id)
}

// meet is a relation between pools: 0 is all nodes, 1 and 2 share some.
func meet(x, y int) bool { return x == y || x == 0 || y == 0 || x+y == 3 }

// TestTheTreeAgreesWithTheNaiveImplementation after random histories of everything that can be reported, and a new configuration.
func TestTheTreeAgreesWithTheNaiveImplementation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := queue.NewResources()
		b := &both{naive: &naive{total: r.Vector(amounts{"cpu": 20, "gpu": 10}), meets: meet, res: r}}
		b.configure(randomConfig(t))
		id := rapid.Custom(func(t *rapid.T) queue.ID { return queue.ID(fmt.Sprintf("e%d", rapid.IntRange(1, 25).Draw(t, "id"))) })
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { b.check(t) },
			"wait": func(t *rapid.T) {
				for range rapid.IntRange(1, 6).Draw(t, "entries") {
					b.wait(randomEntry(t, b.tree, r, b.leaves))
				}
			},
			"ready": func(t *rapid.T) {
				id, ready := id.Draw(t, "id"), rapid.Bool().Draw(t, "ready")
				b.tree.SetReady(id, ready)
				if e, waits := b.naive.entries[id]; waits {
					e.Ready = ready
					b.naive.entries[id] = e
				}
			},
			"remove": func(t *rapid.T) { b.remove(id.Draw(t, "id")) },
			"use": func(t *rapid.T) {
				b.use(use{rapid.SampledFrom(b.leaves).Draw(t, "leaf"), r.Vector(randomAmounts(t, "use", 6))})
			},
			"end": func(t *rapid.T) {
				if len(b.used) == 0 {
					t.Skip("nothing runs")
				}
				b.end(rapid.IntRange(0, len(b.used)-1).Draw(t, "which"))
			},
			"start": func(*rapid.T) {
				if e, ok := b.tree.Next(); ok {
					b.remove(e.ID)
					b.use(use{e.Leaf.Name(), e.Ask})
				}
			},
			"total": func(t *rapid.T) {
				b.naive.total = r.Vector(randomAmounts(t, "total", 40))
				b.tree.SetTotal(b.naive.total)
			},
			"configure": func(t *rapid.T) { b.configure(randomConfig(t)) },
		})
	})
}

// check compares all answers.
func (b *both) check(t *rapid.T) {
	got, ok := b.tree.Next()
	want, wantOK := b.naive.next()
	if ok != wantOK || got.ID != want.ID {
		t.Fatalf("Next returned %q, the naive implementation %q", got.ID, want.ID)
	}
	ids := slices.Sorted(maps.Keys(b.naive.entries))
	if len(ids) == 0 {
		return
	}
	e := b.naive.entries[rapid.SampledFrom(ids).Draw(t, "one")]
	o := b.naive.entries[rapid.SampledFrom(ids).Draw(t, "other")]
	if got, want := b.tree.Before(e.ID, o.ID), e.ID != o.ID && b.naive.before(e, o); got != want {
		t.Fatalf("Before(%s, %s) returned %v, the naive implementation %v", e.ID, o.ID, got, want)
	}
	b.checkWhy(t, e, want.ID)
	var listed []queue.ID
	var sorted []queue.ID
	for e := range b.tree.Entries() {
		listed = append(listed, e.ID)
	}
	for _, leaf := range b.leaves {
		for i, e := range b.naive.waiting(leaf) {
			sorted = append(sorted, e.ID)
			if position := b.tree.Positions(e.Leaf)[e.ID]; position != i {
				t.Fatalf("the position of %s is %d, want %d", e.ID, position, i)
			}
		}
	}
	if diff := cmp.Diff(sorted, listed); diff != "" {
		t.Fatalf("Entries (-want +got):\n%s", diff)
	}
}

// checkWhy compares the reason of an entry.
func (b *both) checkWhy(t *rapid.T, e queue.Entry, next queue.ID) {
	why := b.tree.Why(e.ID)
	path := b.naive.path(e.Leaf.Name())
	waiting := b.naive.waiting(e.Leaf.Name())
	before := slices.IndexFunc(waiting, func(o queue.Entry) bool { return o.ID == e.ID })
	beyond := why.Kind == queue.BeyondLimit || why.Kind == queue.BeyondGuarantee
	wantKind := why.Kind
	switch {
	case !b.naive.within(e, path):
		if !beyond {
			wantKind = queue.BeyondLimit
		}
	case b.naive.behind(path[len(path)-1], path, waiting[:before], e):
		wantKind = queue.BehindHead
	case !e.Ready:
		wantKind = queue.NotReady
	case e.ID == next:
		wantKind = queue.IsNext
	default:
		wantKind = queue.NotItsTurn
	}
	if why.Kind != wantKind || why.Before != before || why.Leaf != e.Leaf.Name() || why.Never != b.naive.never(e, path) {
		t.Fatalf("Why(%s) returned %+v, want the kind %d, %d before, never %v", e.ID, why, wantKind, before, b.naive.never(e, path))
	}
	if beyond && (why.Uses+why.Asks <= why.Bound || why.Never != (why.Asks > why.Bound)) {
		t.Fatalf("Why(%s) returned %+v, which is no reason", e.ID, why)
	}
}
