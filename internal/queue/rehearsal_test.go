package queue_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// rehearsed returns the order of a rehearsal, each entry with its queue and its place there.
func (w *world) rehearsed() string {
	var order []string
	for _, p := range w.Rehearse().Order() {
		order = append(order, fmt.Sprintf("%s(%s %d)", p.ID, p.Queue, p.Before))
	}
	return strings.Join(order, " ")
}

func TestARehearsalFindsTheOrder(t *testing.T) {
	for _, tc := range []struct {
		name   string
		queues []queue.Queue
		fill   func(*world)
		want   string
	}{
		{name: "nothing waits", fill: func(*world) {}, want: ""},
		{
			name: "in one queue the keys decide, and what did not fit keeps its place",
			fill: func(w *world) {
				w.waits(queue.Default, "old", amounts{"cpu": 1}, notReady).waits(queue.Default, "young", amounts{"cpu": 1}).
					waits(queue.Default, "important", amounts{"cpu": 1}, ofPriority(10))
			},
			want: "important(default 0) old(default 1) young(default 2)",
		},
		{
			name: "queues take turns by their weights, from what they use on", queues: []queue.Queue{q("a", weight(2)), q("b")},
			fill: func(w *world) {
				w.uses("a", amounts{"cpu": 2})
				for i := range 4 {
					w.waits("a", queue.ID(fmt.Sprint("a", i)), amounts{"cpu": 1}).waits("b", queue.ID(fmt.Sprint("b", i)), amounts{"cpu": 1})
				}
			},
			want: "b0(b 0) a0(a 0) a1(a 1) b1(b 1) a2(a 2) b2(b 2) a3(a 3) b3(b 3)",
		},
		{
			name: "what limits keep back comes last, by key", queues: []queue.Queue{q("limited", limit(amounts{"cpu": 3})), q("other")},
			fill: func(w *world) {
				w.uses("limited", amounts{"cpu": 1})
				w.waits("limited", "fits", amounts{"cpu": 2}).waits("limited", "beyond", amounts{"cpu": 1}).
					waits("limited", "never", amounts{"cpu": 4}, ofPriority(10)).
					waits("other", "large", amounts{"cpu": 9}).waits("other", "hopeless", amounts{"cpu": 1}, hopeless, ofPriority(5))
			},
			want: "fits(limited 1) large(other 1) never(limited 0) hopeless(other 0) beyond(limited 2)",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := cluster(t, amounts{"cpu": 10}, tc.queues...)
			tc.fill(w)
			next := w.next()
			if got := w.rehearsed(); got != tc.want {
				t.Errorf("the order is\n%q, want\n%q", got, tc.want)
			}
			if w.next() != next {
				t.Error("the rehearsal changed what goes next")
			}
		})
	}
}

// TestARehearsalDoesWhatTheTreeThenDoes compares the order with that in which the tree starts everything.
func TestARehearsalDoesWhatTheTreeThenDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		some := func() amounts {
			return amounts{"cpu": random.Int64N(6), "gpu": random.Int64N(4)}
		}
		leaf := func(name string) queue.Queue {
			return q(name, weight(float64(random.IntN(3))), guarantee(amounts{"gpu": random.Int64N(4)}), limit(amounts{"cpu": 5 + random.Int64N(20)}))
		}
		strictly := leaf("s")
		strictly.Order = queue.Strict
		w := cluster(t, amounts{"cpu": 40, "gpu": 16}, q("above", limit(amounts{"gpu": random.Int64N(12)}), children(leaf("x"), leaf("y"))), strictly, leaf("z"))
		for _, name := range []string{"x", "y", "s", "z"} {
			w.uses(name, some())
		}
		hows := []how{notReady, guaranteed, ahead, ofPriority(1), func(*queue.Entry) {}}
		for i := range random.IntN(30) {
			name := []string{"x", "y", "s", "z", queue.Default}[random.IntN(5)]
			w.waits(name, queue.ID(fmt.Sprint("e", i)), some(), hows[random.IntN(len(hows))], at(random.Int64N(9)))
		}
		var got, all []queue.ID
		for _, p := range w.Rehearse().Order() {
			got = append(got, p.ID)
		}
		for e := range w.Entries() {
			all = append(all, e.ID)
		}
		for _, id := range all {
			w.SetReady(id, true)
		}
		var want []queue.ID
		for id := w.starts(); id != ""; id = w.starts() {
			want = append(want, id)
		}
		if len(got) != len(all) || !slices.Equal(got[:len(want)], want) {
			t.Fatalf("the order of the rehearsal is %v, and the tree starts %v of %v", got, want, all)
		}
	})
}
