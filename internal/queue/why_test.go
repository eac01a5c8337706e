package queue_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestWhyNamesTheQueueAndTheNumbers(t *testing.T) {
	research := q("research", limit(amounts{"gpu": 64}), guarantee(amounts{"gpu": 16}), children(
		q("nlp", limit(amounts{"gpu": 60}), guarantee(amounts{"gpu": 60})), q("vision", guarantee(amounts{"gpu": 8})),
	))
	w := cluster(t, amounts{"gpu": 100, "cpu": 100}, research, q("strict", strict()))
	w.uses("nlp", amounts{"gpu": 50}).uses("vision", amounts{"gpu": 8})
	w.waits("nlp", "beyond", amounts{"gpu": 8}).
		waits("nlp", "above the limit", amounts{"gpu": 61}).
		waits("nlp", "above both limits", amounts{"gpu": 65}).
		waits("nlp", "beyond the guarantee", amounts{"gpu": 1}, guaranteed).
		waits("nlp", "no guarantee", amounts{"cpu": 1}, guaranteed).
		waits("nlp", "small", amounts{"gpu": 6}).
		waits("nlp", "later", amounts{"gpu": 1}).
		waits("nlp", "not ready", amounts{"gpu": 1}, notReady).
		waits("strict", "head", amounts{"cpu": 1}, notReady).
		waits("strict", "behind", amounts{"cpu": 1})
	for _, want := range []struct {
		id  queue.ID
		why queue.Why
	}{
		{"beyond", queue.Why{
			Kind: queue.BeyondLimit, Leaf: "nlp", Before: 0, Queue: "research", Resource: "gpu", Uses: 58, Bound: 64, Asks: 8,
		}},
		{"above the limit", queue.Why{
			Kind: queue.BeyondLimit, Leaf: "nlp", Before: 1, Queue: "nlp", Resource: "gpu", Uses: 50, Bound: 60, Asks: 61, Never: true,
		}},
		{"above both limits", queue.Why{
			Kind: queue.BeyondLimit, Leaf: "nlp", Before: 2, Queue: "nlp", Resource: "gpu", Uses: 50, Bound: 60, Asks: 65, Never: true,
		}},
		{"beyond the guarantee", queue.Why{
			Kind: queue.BeyondGuarantee, Leaf: "nlp", Before: 3, Queue: "research", Resource: "gpu", Uses: 58, Bound: 16, Asks: 1,
		}},
		{"no guarantee", queue.Why{
			Kind: queue.BeyondGuarantee, Leaf: "nlp", Before: 4, Queue: "nlp", Resource: "cpu", Asks: 1, Never: true,
		}},
		{"small", queue.Why{Kind: queue.IsNext, Leaf: "nlp", Before: 5}},
		{"later", queue.Why{Kind: queue.NotItsTurn, Leaf: "nlp", Before: 6}},
		{"not ready", queue.Why{Kind: queue.NotReady, Leaf: "nlp", Before: 7}},
		{"head", queue.Why{Kind: queue.NotReady, Leaf: "strict"}},
		{"behind", queue.Why{Kind: queue.BehindHead, Leaf: "strict", Before: 1}},
	} {
		if diff := cmp.Diff(want.why, w.Why(want.id)); diff != "" {
			t.Errorf("Why(%s) (-want +got):\n%s", want.id, diff)
		}
	}
}

func TestOfSeveralReasonsTheFirstResourceByNameIsNamed(t *testing.T) {
	limited := cluster(t, amounts{"z": 10}, q("a", limit(amounts{"z": 2, "y": 2})))
	limited.uses("a", amounts{"z": 1}).uses("a", amounts{"y": 1})
	open := cluster(t, amounts{"z": 10}, q("a")) // in which z has a number before y
	for _, w := range []*world{limited, open} {
		if why, _ := w.May(w.leaf("a"), w.vector(amounts{"y": 2, "z": 2}), w == open); why.Resource != "y" {
			t.Errorf("May names %s", why.Resource)
		}
	}
}

func TestMayTellsBeforeAnEntryWaits(t *testing.T) {
	w := cluster(t, amounts{"gpu": 100}, q("a", limit(amounts{"gpu": 4})))
	w.uses("a", amounts{"gpu": 3})
	if why, may := w.May(w.leaf("a"), w.vector(amounts{"gpu": 1}), false); !may || why.Kind != queue.NoReason {
		t.Errorf("May returned %+v and %v", why, may)
	}
	want := queue.Why{Kind: queue.BeyondLimit, Leaf: "a", Queue: "a", Resource: "gpu", Uses: 3, Bound: 4, Asks: 2}
	if why, may := w.May(w.leaf("a"), w.vector(amounts{"gpu": 2}), false); may || why != want {
		t.Errorf("May returned %+v and %v", why, may)
	}
}

func TestWhatIsAboveItsLimitAlreadyMayStillStartWhatAsksForOtherThings(t *testing.T) {
	w := cluster(t, amounts{"gpu": 100, "cpu": 100}, q("a", limit(amounts{"gpu": 4})))
	w.uses("a", amounts{"gpu": 8}).waits("a", "gpu", amounts{"gpu": 1}).waits("a", "cpu", amounts{"cpu": 1})
	if got := w.next(); got != "cpu" {
		t.Errorf("Next returned %q", got)
	}
}

func TestAnAskTooLargeToAddUpIsBeyondTheLimit(t *testing.T) {
	w := cluster(t, amounts{"cpu": 10}, q("a", limit(amounts{"cpu": math.MaxInt64})))
	w.uses("a", amounts{"cpu": 1}).waits("a", "huge", amounts{"cpu": math.MaxInt64})
	if why := w.Why("huge"); why.Kind != queue.BeyondLimit || why.Never || w.next() != "" {
		t.Errorf("Why returned %+v", why)
	}
}

func TestRoom(t *testing.T) {
	team := q("team", limit(amounts{"gpu": 10}), guarantee(amounts{"gpu": 6}), children(q("a", guarantee(amounts{"gpu": 8})), q("b")))
	for _, tc := range []struct {
		name       string
		leaf       string
		each       amounts
		guaranteed bool
		want       int
	}{
		{name: "the limit of the team", leaf: "a", each: amounts{"gpu": 2, "cpu": 1}, want: 4},
		{name: "the guarantee of the team", leaf: "a", each: amounts{"gpu": 2}, guaranteed: true, want: 2},
		{name: "no guarantee", leaf: "b", each: amounts{"gpu": 2}, guaranteed: true, want: 0},
		{name: "nothing bounds it", leaf: "b", each: amounts{"cpu": 2}, want: math.MaxInt},
		{name: "of nothing there is any number", leaf: "b", guaranteed: true, want: math.MaxInt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := cluster(t, amounts{"gpu": 100}, team)
			w.uses("a", amounts{"gpu": 1})
			if got := w.Room(w.leaf(tc.leaf), w.vector(tc.each), tc.guaranteed); got != tc.want {
				t.Errorf("Room returned %d, want %d", got, tc.want)
			}
		})
	}
}
