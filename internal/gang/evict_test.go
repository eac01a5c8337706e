package gang_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// budgeted is a gang of three of which a-0 was lost and a-3 waits to replace it, and the API, which answers each eviction.
type budgeted struct {
	*gang.Gang
	t   *testing.T
	now time.Time
	// refuses says why a member may not be evicted, or "".
	refuses func(name string) string
	evicted []string
	asked   []time.Time
	// told are the kinds that each member was told, in order; goes are those that were let into the queue.
	told map[string][]gang.Kind
	goes []string
}

const budget = "the disruption budget a needs 2 healthy pods and has 2 currently"

func newBudgeted(t *testing.T, change func(*gang.Spec), refuses func(string) string) *budgeted {
	t.Helper()
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	b := &budgeted{Gang: g, t: t, now: start, refuses: refuses, told: map[string][]gang.Kind{}}
	for i := range 3 {
		b.observe(i, "node", change)
	}
	b.tick(time.Second)
	b.do(b.Remove("0", b.now))
	b.tick(3 * time.Second)
	b.observe(3, "", change)
	if b.Enter("3", b.now) == gang.Go {
		b.goes = append(b.goes, "a-3")
	}
	return b
}

func (b *budgeted) observe(i int, node string, change func(*gang.Spec)) {
	m := one(i, 3)
	m.Created, m.Node = b.now, node
	if change(&m.Spec); node != "" {
		m.Scheduled = b.now
	}
	b.do(b.Observe(m, b.now))
}

func (b *budgeted) do(decisions []gang.Decision) {
	for _, decision := range decisions {
		switch d := decision.(type) {
		case gang.Activate:
			for _, ref := range d.Members {
				b.goes = append(b.goes, ref.Name)
			}
		case gang.Tell:
			for _, ref := range d.Members {
				b.told[ref.Name] = append(b.told[ref.Name], d.Kind)
			}
		case gang.Evict:
			b.asked = append(b.asked, b.now)
			for _, ref := range d.Members {
				if why := b.refuses(ref.Name); why != "" {
					b.do(b.EvictionRefused(ref.UID, why, b.now))
					continue
				}
				b.evicted = append(b.evicted, ref.Name)
				b.do(b.Remove(ref.UID, b.now))
			}
		}
	}
}

func (b *budgeted) tick(long time.Duration) {
	for end := b.now.Add(long); b.now.Before(end); {
		b.now = b.now.Add(100 * time.Millisecond)
		b.do(b.Tick(b.now))
	}
}

func wholeGang(s *gang.Spec) { s.RestartPolicy = gang.WholeGang }

// A budget that counts the very pod that waits for the eviction refuses until that runs. So it is asked for a few times, and then the
// pod joins those that run.
func TestReplacementJoinsWhenABudgetRefusesEveryEviction(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(string) string { return budget })
	b.tick(3 * time.Second)
	if len(b.asked) != 1 || len(b.goes) != 0 {
		t.Fatalf("asked %d times, and %v may start; want once, and that the replacement waits", len(b.asked), b.goes)
	}
	if why := b.Explain(); why.Kind != gang.KindEvictionRefused || why.Detail != budget {
		t.Errorf("it waits because %+v, want what the API said", why)
	}
	b.tick(time.Minute)
	if gaps := []time.Duration{b.asked[1].Sub(b.asked[0]), b.asked[2].Sub(b.asked[1])}; len(b.asked) != 3 ||
		gaps[0] < 5*time.Second || gaps[1] < 10*time.Second {
		t.Errorf("asked %d times, %v apart; want 3 times, 5 and 10 seconds apart", len(b.asked), gaps)
	}
	if !slices.Equal(b.goes, []string{"a-3"}) {
		t.Errorf("%v may start, want the replacement", b.goes)
	}
	for _, name := range []string{"a-1", "a-2", "a-3"} {
		kinds := slices.DeleteFunc(slices.Clone(b.told[name]), func(k gang.Kind) bool {
			return k != gang.KindEvictionRefused && k != gang.KindEvictionGivenUp && k != gang.KindRestarted && k != gang.KindEvicted
		})
		if !slices.Equal(kinds, []gang.Kind{gang.KindEvictionRefused, gang.KindEvictionGivenUp}) {
			t.Errorf("%s was told %v, want once that it is refused, once that it is given up, and never that pods are evicted", name, kinds)
		}
	}
	b.observe(3, "node", wholeGang)
	b.tick(time.Hour)
	if len(b.asked) != 3 || len(b.evicted) != 0 {
		t.Errorf("asked %d times, evicted %v, though the gang is whole again", len(b.asked), b.evicted)
	}
}

// A gang that is whole again may be restarted at its next loss.
func TestNextLossIsAskedForAgain(t *testing.T) {
	refuses := true
	b := newBudgeted(t, wholeGang, func(string) string {
		if refuses {
			return budget
		}
		return ""
	})
	b.tick(time.Minute)
	b.observe(3, "node", wholeGang)
	b.tick(time.Second)
	refuses = false
	b.do(b.Remove("1", b.now))
	b.tick(3 * time.Second)
	b.observe(4, "", wholeGang)
	b.Enter("4", b.now)
	b.tick(3 * time.Second)
	if slices.Sort(b.evicted); !slices.Equal(b.evicted, []string{"a-2", "a-3"}) {
		t.Errorf("%v are evicted, want all that ran", b.evicted)
	}
}

// A part was evicted, and the budget refuses the rest: those that come join the rest.
func TestPartOfAGangThatWasEvictedIsReplaced(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(name string) string {
		if name == "a-2" {
			return budget
		}
		return ""
	})
	b.tick(3 * time.Second)
	b.observe(4, "", wholeGang)
	if b.Enter("4", b.now) == gang.Go || len(b.goes) > 0 {
		t.Error("a replacement starts while the rest is to be evicted")
	}
	b.tick(time.Minute)
	if slices.Sort(b.goes); !slices.Equal(b.evicted, []string{"a-1"}) || !slices.Equal(b.goes, []string{"a-3", "a-4"}) {
		t.Errorf("%v are evicted and %v may start, want a-1, and both that replace the lost ones", b.evicted, b.goes)
	}
}

// A budget that refuses for a while only delays the restart.
func TestBudgetThatAllowsItLaterDelaysTheRestart(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(string) string { return budget })
	b.tick(3 * time.Second)
	b.refuses = func(string) string { return "" }
	b.tick(10 * time.Second)
	if len(b.evicted) != 2 {
		t.Errorf("%v are evicted, want both that ran", b.evicted)
	}
}

// With on-partial: evict it is the same; what was refused before is tried less and less, and keeps nobody out meanwhile.
func TestPartialGangWhoseEvictionIsRefused(t *testing.T) {
	evictPartial := func(s *gang.Spec) { s.OnPartial, s.Timeout = gang.EvictOnPartial, 5*time.Second }
	b := newBudgeted(t, evictPartial, func(string) string { return budget })
	b.tick(10 * time.Minute)
	if n := len(b.asked); n < 4 || n > 12 {
		t.Errorf("asked %d times in 10 minutes, want 3 times and then each 2 minutes at least", n)
	}
	if b.Enter("3", b.now) != gang.Go {
		t.Error("the member that waits may not join, though nothing is evicted")
	}
	if n := len(b.told["a-1"]); n > 4 {
		t.Errorf("a member that runs was told %d things: %v", n, b.told["a-1"])
	}
}
