package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestTickLooksAtNoGangThatOnlyWaits checks that gangs which wait cost a tick nothing, also while others change.
func TestTickLooksAtNoGangThatOnlyWaits(t *testing.T) {
	const gangs = 40
	s := newSimulation(1)
	for i := range gangs {
		for j := range 2 {
			s.create(fmt.Sprintf("p-%d-%d", i, j), fmt.Sprint("g", i), 2, true, false)
		}
	}
	s.rest(5 * time.Second)
	if n := s.notified[gang.KindUnplaced]; n != 2*gangs {
		t.Fatalf("%d members were told why they wait, want %d", n, 2*gangs)
	}
	ticks := 0
	for range 300 {
		s.rest(100 * time.Millisecond)
		if s.ledger.Restless() > 0 {
			ticks++
		}
	}
	if ticks > 12 { // those of the warnings that they wait for long
		t.Errorf("%d of 300 ticks look at gangs that only wait", ticks)
	}
	s.create("p-0-2", "g0", 2, true, false)
	if n := s.ledger.Restless(); n != 1 {
		t.Errorf("a tick looks at %d gangs after one changed", n)
	}
}

// TestTickMissesNothing drives a scheduler with random gangs, whose plans may fail for more than capacity and whose binds may be rejected,
// with and without queues. Each tick is compared with one that looks at every gang: simulation.tick does that.
func TestTickMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 4)
		if rapid.Bool().Draw(t, "queues") {
			s.configure(queue.NewQueue(queue.Default))
		}
		s.refuses = func(*simPod) bool { return rapid.IntRange(0, 4).Draw(t, "refused") == 0 }
		s.picky = func() bool { return rapid.Bool().Draw(t, "picky") }
		created := 0
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				created++
				group := rapid.IntRange(0, 4).Draw(t, "gang")
				s.create(fmt.Sprintf("p%03d", created), fmt.Sprint("g", group), 1+group, rapid.Bool().Draw(t, "informerFirst"),
					rapid.IntRange(0, 9).Draw(t, "gates") == 0)
			},
			"remove": func(t *rapid.T) {
				if pods := s.sorted(); len(pods) > 0 {
					s.remove(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
			"anything": func(*rapid.T) { s.ledger.AnythingChanged() },
			"cycle":    func(*rapid.T) { s.cycle() },
			"deliver":  s.deliverSome,
			"tick": func(*rapid.T) {
				s.clock.SetTime(s.clock.Now().Add(100 * time.Millisecond))
				s.tick()
			},
			"later": func(t *rapid.T) {
				s.clock.SetTime(s.clock.Now().Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second))
				s.tick()
			},
		})
		s.rest(time.Minute)
	})
}
