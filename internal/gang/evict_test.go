package gang_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// budgeted is a gang of three that lost a-0, with a-3 waiting to replace it, and the API server that responds to each eviction.
type budgeted struct {
	*gang.Gang
	t   *testing.T
	now time.Time
	// refuses returns why the API server rejects the eviction of a member, or "".
	refuses func(name string) string
	evicted []string
	asked   []time.Time
	// told are the kinds of the notices of each member, in order; goes are the members that may enter the queue.
	notified map[string][]gang.Kind
	goes     []string
}

const budget = "the disruption budget a needs 2 healthy pods and has 2 currently"

func newBudgeted(t *testing.T, change func(*gang.Spec), refuses func(string) string) *budgeted {
	t.Helper()
	g := gang.New(gang.Key{Namespace: "default", Name: "a", Convention: "Coscheduling"})
	b := &budgeted{Gang: g, t: t, now: start, refuses: refuses, notified: map[string][]gang.Kind{}}
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
		case gang.Notify:
			for _, ref := range d.Members {
				b.notified[ref.Name] = append(b.notified[ref.Name], d.Kind)
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

// A disruption budget that counts the waiting pod as unhealthy rejects evictions until that pod runs. The gang asks a few times,
// then the pod joins the running members.
func TestReplacementJoinsWhenABudgetRejectsEveryEviction(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(string) string { return budget })
	b.tick(3 * time.Second)
	if len(b.asked) != 1 || len(b.goes) != 0 {
		t.Fatalf("evicted %d times, and %v may start; want one attempt and the replacement to wait", len(b.asked), b.goes)
	}
	if why := b.Explain(); why.Kind != gang.KindEvictionRefused || why.Detail != budget {
		t.Errorf("the gang waits because of %+v, want the reason of the API server", why)
	}
	b.tick(time.Minute)
	if gaps := []time.Duration{b.asked[1].Sub(b.asked[0]), b.asked[2].Sub(b.asked[1])}; len(b.asked) != 3 ||
		gaps[0] < 5*time.Second || gaps[1] < 10*time.Second {
		t.Errorf("evicted %d times, %v apart; want 3 times, 5 and 10 seconds apart", len(b.asked), gaps)
	}
	if !slices.Equal(b.goes, []string{"a-3"}) {
		t.Errorf("%v may start, want the replacement", b.goes)
	}
	for _, name := range []string{"a-1", "a-2", "a-3"} {
		kinds := slices.DeleteFunc(slices.Clone(b.notified[name]), func(k gang.Kind) bool {
			return k != gang.KindEvictionRefused && k != gang.KindEvictionGivenUp && k != gang.KindRestarted && k != gang.KindEvicted
		})
		if !slices.Equal(kinds, []gang.Kind{gang.KindEvictionRefused, gang.KindEvictionGivenUp}) {
			t.Errorf("%s got the notices %v, want EvictionRefused and EvictionGivenUp once each", name, kinds)
		}
	}
	b.observe(3, "node", wholeGang)
	b.tick(time.Hour)
	if len(b.asked) != 3 || len(b.evicted) != 0 {
		t.Errorf("%d eviction attempts, evicted %v, although the gang is whole again", len(b.asked), b.evicted)
	}
}

// A gang that is whole again may be restarted at its next loss.
func TestNextLossStartsANewEviction(t *testing.T) {
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
		t.Errorf("evicted %v, want all running members", b.evicted)
	}
}

// If a part of the gang was evicted and the budget rejects the rest, new members join the rest.
func TestReplacementsJoinAPartlyEvictedGang(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(name string) string {
		if name == "a-2" {
			return budget
		}
		return ""
	})
	b.tick(3 * time.Second)
	b.observe(4, "", wholeGang)
	if b.Enter("4", b.now) == gang.Go || len(b.goes) > 0 {
		t.Error("a replacement starts before the rest is evicted")
	}
	b.tick(time.Minute)
	if slices.Sort(b.goes); !slices.Equal(b.evicted, []string{"a-1"}) || !slices.Equal(b.goes, []string{"a-3", "a-4"}) {
		t.Errorf("evicted %v, and %v may start; want a-1 evicted and both replacements to start", b.evicted, b.goes)
	}
}

// A budget that rejects evictions for a while only delays the restart.
func TestBudgetThatAllowsEvictionLaterDelaysTheRestart(t *testing.T) {
	b := newBudgeted(t, wholeGang, func(string) string { return budget })
	b.tick(3 * time.Second)
	b.refuses = func(string) string { return "" }
	b.tick(10 * time.Second)
	if len(b.evicted) != 2 {
		t.Errorf("evicted %v, want both running members", b.evicted)
	}
}

// With on-partial: evict, rejected evictions are retried less and less often, and members may join in the meantime.
func TestPartialGangWhoseEvictionIsRejected(t *testing.T) {
	evictPartial := func(s *gang.Spec) { s.OnPartial, s.Timeout = gang.EvictOnPartial, 5*time.Second }
	b := newBudgeted(t, evictPartial, func(string) string { return budget })
	b.tick(10 * time.Minute)
	if n := len(b.asked); n < 4 || n > 12 {
		t.Errorf("%d eviction attempts in 10 minutes, want 3 and then at least one every 2 minutes", n)
	}
	if b.Enter("3", b.now) != gang.Go {
		t.Error("the waiting member may not join, although no eviction is in progress")
	}
	if n := len(b.notified["a-1"]); n > 4 {
		t.Errorf("a running member got %d notices: %v", n, b.notified["a-1"])
	}
}
