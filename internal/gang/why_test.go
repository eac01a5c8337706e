package gang

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsNewsAndWhatIsANumber checks which changes of an explanation lead to another event, and which only to another condition.
func TestWhatIsNewsAndWhatIsANumber(t *testing.T) {
	limit := Explanation{Kind: KindBeyondLimit, Queue: &QueueWhy{Leaf: "q", Queue: "q", Resource: "cpu", Uses: "1", Bound: "2", Asks: "3"}}
	aside := Explanation{Kind: KindUnplaced, SetAside: &SetAsideWhy{Held: 1, Of: 4, In: 12 * time.Minute, After: "gang a/b"}}
	wrong := Explanation{Kind: KindQueueNotFound, Problem: errors.New("no queue"), Queue: &QueueWhy{Queue: "q"}}
	inQueue := func(e Explanation, change func(q *QueueWhy)) Explanation {
		e.Queue = new(*e.Queue)
		change(e.Queue)
		return e
	}
	setAside := func(change func(s *SetAsideWhy)) Explanation {
		e := aside
		e.SetAside = new(*e.SetAside)
		change(e.SetAside)
		return e
	}
	for _, tc := range []struct {
		name          string
		before, after Explanation
		news, number  bool
	}{
		{"nothing", limit, inQueue(limit, func(*QueueWhy) {}), false, false},
		{"another queue", limit, inQueue(limit, func(q *QueueWhy) { q.Queue = "r" }), true, true},
		{"another resource", limit, inQueue(limit, func(q *QueueWhy) { q.Resource = "memory" }), true, true},
		{"it can never start", limit, inQueue(limit, func(q *QueueWhy) { q.Never = true }), true, true},
		{"the use", limit, inQueue(limit, func(q *QueueWhy) { q.Uses = "2" }), false, true},
		{"the bound", limit, inQueue(limit, func(q *QueueWhy) { q.Bound = "4" }), false, true},
		{"what it asks for", limit, inQueue(limit, func(q *QueueWhy) { q.Asks = "4" }), false, true},
		{"how many are before it", limit, inQueue(limit, func(q *QueueWhy) { q.Before = 2 }), false, true},
		{"the name of a queue that does not exist", wrong, inQueue(wrong, func(q *QueueWhy) { q.Queue = "r" }), true, true},
		{"the queues that exist", wrong, Explanation{Kind: wrong.Kind, Problem: errors.New("no q"), Queue: wrong.Queue}, false, true},
		{"capacity is set aside", Explanation{Kind: KindUnplaced}, aside, true, true},
		{"more is set aside", aside, setAside(func(s *SetAsideWhy) { s.Held++ }), false, true},
		{"it needs more", aside, setAside(func(s *SetAsideWhy) { s.Of++ }), false, true},
		{"something else ends last", aside, setAside(func(s *SetAsideWhy) { s.After = "gang a/c" }), false, true},
		{"another minute", aside, setAside(func(s *SetAsideWhy) { s.In += time.Minute }), false, true},
		{"another second", aside, setAside(func(s *SetAsideWhy) { s.In += time.Second }), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if news := tc.before.signature() != tc.after.signature(); news != tc.news {
				t.Errorf("it is news: %t, want %t", news, tc.news)
			}
			if number := tc.before.numbers() != tc.after.numbers(); number != tc.number {
				t.Errorf("it is another number: %t, want %t", number, tc.number)
			}
		})
	}
}

func TestEstimateIsRounded(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, time.Millisecond: 10 * time.Second, 10 * time.Second: 10 * time.Second, 11 * time.Second: 20 * time.Second,
		59 * time.Second: time.Minute, 61 * time.Second: time.Minute, 90 * time.Second: 2 * time.Minute,
		12*time.Minute + 20*time.Second: 12 * time.Minute,
	} {
		if got := (SetAsideWhy{In: in}).About(); got != want {
			t.Errorf("%s is about %s, want %s", in, got, want)
		}
	}
}

// TestMembersWithGatesNeedNoCapacity checks who is notified of what: a member with scheduling gates does not wait in a queue.
func TestMembersWithGatesNeedNoCapacity(t *testing.T) {
	for kind, want := range map[Kind]int{
		KindUnplaced: 1, KindTooLarge: 1, KindBeyondLimit: 1, KindBeyondGuarantee: 1, KindQueued: 1, KindIncomplete: 2, KindQueueNotFound: 2,
	} {
		g := New(Key{Name: "a"})
		for _, uid := range []string{"a", "b"} {
			g.Observe(Member{UID: uid, Name: uid, Gated: uid == "b", Spec: Spec{Name: "a", MinAvailable: 1}}, time.Unix(1000, 0))
		}
		if news, _ := g.unnotified(Explanation{Kind: kind}); len(news) != want {
			t.Errorf("%d members are notified of %s, want %d", len(news), kind, want)
		}
	}
}

func TestExplanationOfAStatusSharesNothing(t *testing.T) {
	e := Explanation{Queue: &QueueWhy{Leaf: "q"}, SetAside: &SetAsideWhy{Held: 1}, Shares: []ShareCount{{Members: 1}}}
	c := e.clone()
	c.Queue.Leaf, c.SetAside.Held, c.Shares[0].Members = "changed", -1, -1
	want := Explanation{Queue: &QueueWhy{Leaf: "q"}, SetAside: &SetAsideWhy{Held: 1}, Shares: []ShareCount{{Members: 1}}}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("changing the copy changed it (-want +got):\n%s", diff)
	}
}
