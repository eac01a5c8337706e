package queue_test

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// amounts is short for amounts of resources by name.
type amounts = queue.Amounts

// option changes a queue.
type option func(*queue.Queue)

// q returns a queue with the defaults, but for the options.
func q(name string, options ...option) queue.Queue {
	c := queue.NewQueue(name)
	for _, o := range options {
		o(&c)
	}
	return c
}

func weight(w float64) option       { return func(c *queue.Queue) { c.Weight = w } }
func priority(p int32) option       { return func(c *queue.Queue) { c.Priority = p } }
func guarantee(a amounts) option    { return func(c *queue.Queue) { c.Guarantee = a } }
func limit(a amounts) option        { return func(c *queue.Queue) { c.Limit = a } }
func strict() option                { return func(c *queue.Queue) { c.Order = queue.Strict } }
func namespaces(p ...string) option { return func(c *queue.Queue) { c.Namespaces = p } }
func children(qs ...queue.Queue) option {
	return func(c *queue.Queue) { c.Queues = qs }
}

// world is a tree, and what a test says to it.
type world struct {
	rapid.TB
	*queue.Tree
	resources *queue.Resources
	entries   int
}

// cluster returns a world with a total and queues.
func cluster(t rapid.TB, total amounts, queues ...queue.Queue) *world {
	r := queue.NewResources()
	w := &world{t, queue.New(queue.Config{Queues: queues}, r), r, 0}
	w.SetTotal(r.Vector(total))
	return w
}

// leaf returns a leaf by its name.
func (w *world) leaf(name string) queue.Leaf {
	w.Helper()
	l, refusal := w.For("", name)
	if refusal != queue.Allowed && refusal != queue.NotAllowed {
		w.Fatalf("no leaf has the name %s", name)
	}
	return l
}

// uses adds to what a leaf uses.
func (w *world) uses(leaf string, a amounts) *world {
	w.Helper()
	w.Use(w.leaf(leaf), w.resources.Vector(a), 1)
	return w
}

// how changes an entry.
type how func(*queue.Entry)

func notReady(e *queue.Entry)   { e.Ready = false }
func guaranteed(e *queue.Entry) { e.Guaranteed = true }
func ahead(e *queue.Entry)      { e.Key.Ahead = true }
func inPool(pool int) how       { return func(e *queue.Entry) { e.Pool = pool } }
func ofPriority(p int32) how    { return func(e *queue.Entry) { e.Key.Priority = p } }

func at(seconds int64) how                     { return func(e *queue.Entry) { e.Key.Age = time.Unix(seconds, 0) } }
func named(name string) gang.Key               { return gang.Key{Namespace: "default", Name: name} }
func (w *world) vector(a amounts) queue.Vector { return w.resources.Vector(a) }

// waits adds a ready entry to a leaf; each is younger than the one before.
func (w *world) waits(leaf string, id queue.ID, ask amounts, hows ...how) *world {
	w.Helper()
	w.entries++
	e := queue.Entry{
		ID: id, Leaf: w.leaf(leaf), Ask: w.vector(ask), Ready: true,
		Key: queue.SortKey{Age: time.Unix(int64(w.entries), 0), Gang: named(string(id))},
	}
	for _, h := range hows {
		h(&e)
	}
	w.Wait(e)
	return w
}

// next returns the ID of the entry that goes next, or nothing.
func (w *world) next() queue.ID {
	e, ok := w.Next()
	if ok != (e.ID != "") {
		w.Fatalf("Next returned %q and %v", e.ID, ok)
	}
	return e.ID
}

// starts starts the entry that goes next, and returns its ID.
func (w *world) starts() queue.ID {
	e, ok := w.Next()
	if ok {
		w.Remove(e.ID)
		w.Use(e.Leaf, e.Ask, 1)
	}
	return e.ID
}

// order starts one entry after another, and returns their IDs.
func (w *world) order() string {
	var ids []string
	for id := w.starts(); id != ""; id = w.starts() {
		ids = append(ids, string(id))
	}
	return strings.Join(ids, " ")
}
