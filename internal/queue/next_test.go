package queue_test

import (
	"fmt"
	"testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestInsideAQueueTheKeyDecides(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10})
	w.waits(queue.Default, "old", amounts{"cpu": 1}).
		waits(queue.Default, "young", amounts{"cpu": 1}).
		waits(queue.Default, "important", amounts{"cpu": 1}, ofPriority(10))
	if got, want := w.order(), "important old young"; got != want {
		t.Errorf("they start in the order %q, want %q", got, want)
	}
}

func TestBestEffortPassesByWhatIsNotReady(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10})
	w.waits(queue.Default, "did-not-fit", amounts{"cpu": 8}, notReady).waits(queue.Default, "fits", amounts{"cpu": 1})
	if got := w.next(); got != "fits" {
		t.Errorf("Next returned %q", got)
	}
	w.SetReady("did-not-fit", true)
	if got := w.next(); got != "did-not-fit" {
		t.Errorf("when something changed for the head, Next returned %q", got)
	}
}

func TestNobodyOvertakesTheHeadOfAStrictQueue(t *testing.T) {
	for _, tc := range []struct {
		name  string
		head  []how
		ask   amounts
		other []how
		want  queue.ID
	}{
		{name: "a head that is not ready waits, and so do those behind it", ask: amounts{"cpu": 1}, head: []how{notReady}, want: ""},
		{name: "a head beyond the limit of its queue waits, and so do those behind it", ask: amounts{"gpu": 2}, want: ""},
		{name: "a head that can never start holds nobody up", ask: amounts{"gpu": 5}, want: "other"},
		{
			name: "a head that may only start within guarantees and never can holds nobody up",
			ask:  amounts{"cpu": 1}, head: []how{guaranteed}, want: "other",
		},
		{
			name: "a head that would not fit in the empty cluster holds nobody up",
			ask:  amounts{"cpu": 1}, head: []how{notReady, hopeless}, want: "other",
		},
		{
			name: "a head that would not have fit is tried again when something changed",
			ask:  amounts{"cpu": 1}, head: []how{hopeless}, want: "head",
		},
		{
			name: "a head does not hold up what uses other nodes",
			ask:  amounts{"cpu": 1}, head: []how{notReady, inPool(1)}, other: []how{inPool(2)}, want: "other",
		},
		{
			name: "a head holds up what may use its nodes and others",
			ask:  amounts{"cpu": 1}, head: []how{notReady, inPool(1)}, other: []how{inPool(0)}, want: "",
		},
		{name: "the head goes first when it is ready", ask: amounts{"cpu": 1}, want: "head"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := cluster(t, amounts{"cpu": 10, "gpu": 8}, q("strict", strict(), limit(amounts{"gpu": 4})))
			w.SetPools(meet12)
			w.uses("strict", amounts{"gpu": 3})
			w.waits("strict", "head", tc.ask, tc.head...).waits("strict", "other", amounts{"cpu": 1}, tc.other...)
			if got := w.next(); got != tc.want {
				t.Errorf("Next returned %q, want %q", got, tc.want)
			}
		})
	}
}

// meet12 is of pools 1 and 2, which share no node, and 0, which is all.
func meet12(a, b int) bool { return a == b || a == 0 || b == 0 }

func TestAHeadThatWaitsHoldsUpNoOtherQueue(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10}, q("strict", strict()), q("other"))
	w.waits("strict", "head", amounts{"cpu": 9}, notReady).waits("other", "other", amounts{"cpu": 1})
	if got := w.next(); got != "other" {
		t.Errorf("Next returned %q", got)
	}
}

// TestBetweenSiblings has a row for each rule that decides between two queues, and for its place among the rules.
func TestBetweenSiblings(t *testing.T) {
	one := amounts{"cpu": 1}
	for _, tc := range []struct {
		name         string
		a, b         []option
		aUses, bUses amounts
		aAsks, bAsks amounts
		aHow, bHow   []how
		want         queue.ID
	}{
		{name: "the older head first", aHow: []how{at(2)}, bHow: []how{at(1)}, want: "b"},
		{name: "of equals the first in the configuration", aHow: []how{at(1)}, bHow: []how{at(1)}, want: "a"},
		{name: "the lower dominant share first", aUses: amounts{"cpu": 3}, bUses: amounts{"gpu": 1}, want: "b"},
		{name: "the share counts with the candidate", aUses: amounts{"cpu": 1}, aAsks: amounts{"cpu": 5}, bUses: amounts{"cpu": 3}, want: "b"},
		{name: "the share counts for the weight", a: []option{weight(3)}, aUses: amounts{"cpu": 5}, bUses: amounts{"cpu": 2}, want: "a"},
		{
			name: "a queue without weight gets what nobody else wants",
			a:    []option{weight(0), priority(1)}, bUses: amounts{"cpu": 8}, want: "b",
		},
		{name: "the priority comes before the share", b: []option{priority(1)}, bUses: amounts{"cpu": 5}, want: "b"},
		{
			name: "below the guarantee comes before the priority",
			a:    []option{priority(1)}, b: []option{guarantee(amounts{"cpu": 6})}, bUses: amounts{"cpu": 5}, want: "b",
		},
		{
			name: "at the guarantee a queue is like others",
			b:    []option{guarantee(amounts{"cpu": 5})}, bUses: amounts{"cpu": 5}, want: "a",
		},
		{
			name: "a candidate that leads beyond the guarantee counts as below it: a gang is whole",
			b:    []option{guarantee(amounts{"cpu": 6})}, bUses: amounts{"cpu": 5}, bAsks: amounts{"cpu": 4}, want: "b",
		},
		{
			name: "a guarantee of what the candidate does not ask for does not count",
			b:    []option{guarantee(amounts{"gpu": 4})}, bUses: amounts{"cpu": 5}, want: "a",
		},
		{
			name: "of two below their guarantees the one that uses less of it first",
			a:    []option{guarantee(amounts{"cpu": 4})}, b: []option{guarantee(amounts{"cpu": 8})},
			aUses: amounts{"cpu": 2}, bUses: amounts{"cpu": 3}, want: "b",
		},
		{
			name: "members that complete a gang come before everything",
			a:    []option{priority(1), guarantee(amounts{"cpu": 4})}, bUses: amounts{"cpu": 5}, bHow: []how{ahead}, want: "b",
		},
		{name: "a queue whose head is beyond its limit holds up nobody", a: []option{limit(amounts{"cpu": 1})}, aUses: one, want: "b"},
		{name: "a resource that the cluster does not have does not count", aUses: amounts{"tpu": 5}, bUses: amounts{"cpu": 1}, want: "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := cluster(t, amounts{"cpu": 10, "gpu": 10}, q("a", tc.a...), q("b", tc.b...))
			w.uses("a", tc.aUses).uses("b", tc.bUses)
			if tc.aAsks == nil {
				tc.aAsks = one
			}
			if tc.bAsks == nil {
				tc.bAsks = one
			}
			w.waits("a", "a", tc.aAsks, tc.aHow...).waits("b", "b", tc.bAsks, tc.bHow...)
			if got := w.next(); got != tc.want {
				t.Errorf("Next returned %q, want %q", got, tc.want)
			}
			aMay, bMay := w.Why("a").Kind != queue.BeyondLimit, w.Why("b").Kind != queue.BeyondLimit
			if aMay && bMay && (w.Before("a", "b") != (tc.want == "a") || w.Before("b", "a") != (tc.want == "b")) {
				t.Errorf("Before(a, b) returned %v, and Before(b, a) %v", w.Before("a", "b"), w.Before("b", "a"))
			}
		})
	}
}

func TestLimitsAndGuaranteesCountOnEveryLevel(t *testing.T) {
	team := q("team", limit(amounts{"gpu": 4}), guarantee(amounts{"gpu": 2}), children(
		q("train", guarantee(amounts{"gpu": 2})), q("serve", guarantee(amounts{"gpu": 2})),
	))
	w := cluster(t, amounts{"gpu": 8}, team)
	w.uses("train", amounts{"gpu": 1})
	w.waits("serve", "too big for the team", amounts{"gpu": 4}).
		waits("serve", "beyond the guarantee of the team", amounts{"gpu": 2}, guaranteed).
		waits("serve", "within all guarantees", amounts{"gpu": 1}, guaranteed)
	if got := w.next(); got != "within all guarantees" {
		t.Errorf("Next returned %q", got)
	}
}

func TestAnEntryIsReplacedByTheNextOneOfItsID(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10}, q("a"), q("b"))
	w.waits("a", "x", amounts{"cpu": 1}).waits("b", "x", amounts{"cpu": 2})
	e, ok := w.Entry("x")
	if got := w.order(); got != "x" || !ok || e.Leaf.Name() != "b" {
		t.Errorf("entries started: %q, in queue %s", got, e.Leaf.Name())
	}
	if _, ok := w.Entry("x"); ok {
		t.Error("the entry is still there after it started")
	}
}

func TestWhatIsUnknownIsIgnored(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10})
	w.Remove("x")
	w.SetReady("x", true)
	w.waits(queue.Default, "y", amounts{"cpu": 1})
	if why := w.Why("x"); why != (queue.Why{}) || w.Before("x", "y") || w.Before("y", "x") {
		t.Errorf("Why returned %+v", why)
	}
}

func TestEntriesStopsWhenAsked(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10})
	w.waits(queue.Default, "a", amounts{"cpu": 1}).waits(queue.Default, "b", amounts{"cpu": 1})
	for e := range w.Entries() {
		if e.ID != "a" {
			t.Errorf("Entries goes on with %s", e.ID)
		}
		break
	}
}

// TestWhatEndsInOneQueueLetsAnotherStartBelowTheSameLimit although nothing was reported of that other queue, which has a limit of its own.
func TestWhatEndsInOneQueueLetsAnotherStartBelowTheSameLimit(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options []option
	}{
		{"BestEffort", []option{limit(amounts{"gpu": 6})}},
		{"Strict", []option{limit(amounts{"gpu": 6}), strict()}},
		{"one more level", []option{limit(amounts{"gpu": 6}), children(q("inner"))}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			team := q("team", limit(amounts{"gpu": 8}), children(q("waits", tc.options...), q("ends")))
			w := cluster(t, amounts{"gpu": 100, "cpu": 100}, team)
			w.SetPools(meet12)
			leaf := "waits"
			if tc.name == "one more level" {
				leaf = "inner"
			}
			w.uses("ends", amounts{"gpu": 6})
			w.waits(leaf, "big", amounts{"gpu": 5}, inPool(1)).
				waits(leaf, "middle", amounts{"gpu": 3}, inPool(2)).
				waits(leaf, "without", amounts{"cpu": 1}, inPool(3))
			for _, step := range []struct {
				ends int64
				want queue.ID
			}{{0, "without"}, {1, "middle"}, {2, "big"}, {-1, "middle"}, {-2, "without"}, {3, "big"}} {
				w.Use(w.leaf("ends"), w.vector(amounts{"gpu": 1}), -step.ends)
				if got := w.next(); got != step.want {
					t.Errorf("when %d gpu more have ended, Next returned %q, want %q", step.ends, got, step.want)
				}
			}
		})
	}
}

func TestAPoolAlwaysMeetsItself(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10}, q("strict", strict()))
	w.SetPools(func(int, int) bool { return false })
	w.waits("strict", "head", amounts{"cpu": 1}, notReady, inPool(1)).waits("strict", "behind", amounts{"cpu": 1}, inPool(1))
	if got, why := w.next(), w.Why("behind"); got != "" || why.Kind != queue.BehindHead {
		t.Errorf("Next returned %q, and Why %+v", got, why)
	}
}

// TestWhatAQueueUsesCountsNoMoreWhenNothingInItCouldStart because the limit above it is reached: the memory that y uses does not count against
// what waits in x.
func TestWhatAQueueUsesCountsNoMoreWhenNothingInItCouldStart(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10, "gpu": 10, "memory": 10},
		q("dept", limit(amounts{"gpu": 4}), children(q("team", children(q("x"), q("y"))), q("other"))))
	w.uses("y", amounts{"memory": 8}).uses("other", amounts{"cpu": 3})
	w.waits("y", "active", amounts{"gpu": 1, "memory": 1}).
		waits("x", "x", amounts{"cpu": 1}, notReady).
		waits("other", "o", amounts{"cpu": 1}, notReady)
	if !w.Before("o", "x") {
		t.Error("while something in y could start, its memory does not count")
	}
	w.uses("other", amounts{"gpu": 4})
	if !w.Before("x", "o") {
		t.Error("while nothing in y could start, its memory counts")
	}
}

func TestAnEntryKeepsItsAskWhateverTheCallerDoesWithTheVector(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10}, q("a", limit(amounts{"cpu": 4})))
	ask := w.vector(amounts{"cpu": 2})
	w.Wait(queue.Entry{ID: "x", Leaf: w.leaf("a"), Ask: ask, Ready: true})
	ask.Set(0, 8)
	if why := w.Why("x"); why.Kind != queue.IsNext {
		t.Errorf("Why returned %+v", why)
	}
}

// TestFewOfManySiblingsAreBlockedAtOnce checks that those that went first do not any more.
func TestFewOfManySiblingsAreBlockedAtOnce(t *testing.T) {
	var queues []queue.Queue
	for i := range 24 {
		queues = append(queues, q(fmt.Sprintf("q%02d", i), limit(amounts{"gpu": 4})))
	}
	w := cluster(t, amounts{"gpu": 100}, q("above", limit(amounts{"gpu": 100}), children(queues...)))
	for _, c := range queues {
		w.waits(c.Name, queue.ID(c.Name), amounts{"gpu": 2})
	}
	for i := range 8 {
		if got, want := w.next(), queue.ID(queues[i].Name); got != want {
			t.Fatalf("Next returned %q, want %q", got, want)
		}
		w.uses(queues[i].Name, amounts{"gpu": 3}).uses(queues[i+8].Name, amounts{"gpu": 3})
	}
	if got, want := w.next(), queue.ID("q16"); got != want {
		t.Errorf("Next returned %q, want %q", got, want)
	}
}
