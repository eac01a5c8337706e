package queue_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

func TestCompare(t *testing.T) {
	early, late := time.Unix(100, 0), time.Unix(200, 0)
	a, b := gang.Key{Namespace: "default", Name: "a"}, gang.Key{Namespace: "default", Name: "b"}
	for _, tc := range []struct {
		name          string
		first, second queue.SortKey
	}{
		{"higher priority first", queue.SortKey{Priority: 10, Age: late}, queue.SortKey{Priority: 1, Age: early}},
		{"then the older gang", queue.SortKey{Age: early, Gang: b}, queue.SortKey{Age: late, Gang: a}},
		{"members of a gang together", queue.SortKey{Age: early, Gang: a}, queue.SortKey{Age: early, Gang: b}},
		{"members of a gang that runs short before others", queue.SortKey{Short: true, Age: late}, queue.SortKey{Age: early}},
		{"but not before a higher priority", queue.SortKey{Priority: 1}, queue.SortKey{Short: true}},
		{"members that should have started with a gang that runs short before all", queue.SortKey{Ahead: true, Age: late}, queue.SortKey{Priority: 1000, Age: early}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if one, other := tc.first.Compare(tc.second), tc.second.Compare(tc.first); one >= 0 || other <= 0 {
				t.Errorf("Compare returned %d, and %d with the arguments exchanged", one, other)
			}
		})
	}
}

// TestCompareIsAStrictWeakOrder checks what the queue's heap requires.
func TestCompareIsAStrictWeakOrder(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) queue.SortKey {
		return queue.SortKey{
			Ahead:    rapid.Bool().Draw(t, "ahead"),
			Priority: rapid.Int32Range(-1, 1).Draw(t, "priority"),
			Short:    rapid.Bool().Draw(t, "short"),
			Age:      time.Unix(rapid.Int64Range(0, 2).Draw(t, "age"), 0),
			Gang:     gang.Key{Namespace: "default", Name: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "gang")},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		less := func(x, y queue.SortKey) bool { return x.Compare(y) < 0 }
		a, b, c := key.Draw(t, "a"), key.Draw(t, "b"), key.Draw(t, "c")
		same := func(x, y queue.SortKey) bool { return !less(x, y) && !less(y, x) }
		switch {
		case less(a, a):
			t.Fatal("a key sorts before itself")
		case less(a, b) && less(b, a):
			t.Fatal("two keys sort before each other")
		case less(a, b) && less(b, c) && !less(a, c):
			t.Fatal("not transitive")
		case same(a, b) && same(b, c) && !same(a, c):
			t.Fatal("equality is not transitive")
		}
	})
}
