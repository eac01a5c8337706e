package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNeverPartialNeverForgotten drives a scheduler with random gangs, plain pods, priorities, scheduling gates and deletions, on nodes
// of different size, and performs its decisions at once or late. At every moment a gang that starts has all that it needs, and once
// things are quiet nobody holds room for nothing, and no gang waits that would fit.
func TestNeverPartialNeverForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 8)
		needs := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 5).Draw(t, "needs")
		started := map[string]bool{}
		created := 0
		needed := map[string]int{}
		for g, need := range needs {
			needed[fmt.Sprint("g", g)] = need
		}
		check := func() {
			checkStatuses(t, s)
			checkNeeds(t, s, needed)
			for g, need := range needs {
				name := fmt.Sprint("g", g)
				n := s.count(name, bound)
				if n > 0 && s.starting(name) < need && !started[name] {
					t.Fatalf("gang %s started with %d of the %d it needs\n%s", name, n, need, s)
				}
				started[name] = s.starting(name) > 0
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				g := rapid.IntRange(0, len(needs)-1).Draw(t, "gang")
				created++
				s.create(fmt.Sprintf("p%03d", created), fmt.Sprint("g", g), needs[g],
					rapid.Bool().Draw(t, "informerFirst"), rapid.IntRange(0, 9).Draw(t, "gates") == 0)
			},
			"plain": func(t *rapid.T) {
				created++
				s.create(fmt.Sprintf("p%03d", created), "", 0, rapid.Bool().Draw(t, "informerFirst"), false)
			},
			"remove": func(t *rapid.T) {
				if pods := s.sorted(); len(pods) > 0 {
					s.remove(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
			"ungate": func(t *rapid.T) {
				for _, p := range s.sorted() {
					if len(p.pod.Spec.SchedulingGates) > 0 {
						s.ungate(p)
						return
					}
				}
			},
			"cycle":   func(*rapid.T) { s.cycle() },
			"deliver": s.deliverSome,
			"time":    func(*rapid.T) { s.rest(100 * time.Millisecond) },
			"":        func(*rapid.T) { check() },
		})

		s.rest(30 * time.Second)
		check()
		quiet(t, s, needs)
		everythingGoes(t, s)
	})
}

// TestNoWakeUpWaitsForATick: what happens puts the gangs into the queue that it helps, so that a scheduler which never lets time pass for
// the ledger still ends with no gang waiting that would fit. Only what happens within 20 ms of each other may be seen a tick later.
func TestNoWakeUpWaitsForATick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 8)
		needs := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 5).Draw(t, "needs")
		created := 0
		apart := func() { s.clock.SetTime(s.clock.Now().Add(25 * time.Millisecond)) }
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				g := rapid.IntRange(0, len(needs)-1).Draw(t, "gang")
				created++
				s.create(fmt.Sprintf("p%03d", created), fmt.Sprint("g", g), needs[g],
					rapid.Bool().Draw(t, "informerFirst"), rapid.IntRange(0, 9).Draw(t, "gates") == 0)
			},
			"remove": func(t *rapid.T) {
				if pods := s.sorted(); len(pods) > 0 {
					s.remove(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
			"ungate": func(*rapid.T) {
				for _, p := range s.sorted() {
					if len(p.pod.Spec.SchedulingGates) > 0 {
						s.ungate(p)
						return
					}
				}
			},
			"cycle":   func(*rapid.T) { s.cycle() },
			"deliver": s.deliverSome,
			"":        func(*rapid.T) { apart() },
		})
		s.work()
		nobodyWaits(t, s, needs)
	})
}

// quiet checks a scheduler that has nothing left to do.
func quiet(t *rapid.T, s *simulation, needs []int) {
	nobodyWaits(t, s, needs)
	before := s.cycles
	s.rest(2 * time.Minute)
	if s.cycles != before {
		t.Fatalf("%d scheduling cycles though nothing changed\n%s", s.cycles-before, s)
	}
}

// nobodyWaits checks that nobody waits who fits, and that nothing is held for nothing.
func nobodyWaits(t *rapid.T, s *simulation, needs []int) {
	room := sum(s.usable(nil))
	for g, need := range needs {
		name := fmt.Sprint("g", g)
		if n := s.count(name, binding); n > 0 {
			t.Fatalf("gang %s holds %d places for nothing\n%s", name, n, s)
		}
		pending, running := 0, s.count(name, bound)
		for _, p := range s.pods {
			if p.group == name && p.at != bound && len(p.pod.Spec.SchedulingGates) == 0 {
				pending++
			}
		}
		switch {
		case running == 0 && pending >= need && room >= need:
			t.Fatalf("gang %s waits, has %d of %d pods, and %d places are free\n%s", name, pending, need, room, s)
		case running > 0 && pending > 0 && room > 0:
			t.Fatalf("%d members of the running gang %s wait, and %d places are free\n%s", pending, name, room, s)
		}
	}
}

// everythingGoes deletes all pods: the ledger must keep no trace of them.
func everythingGoes(t *rapid.T, s *simulation) {
	for _, p := range s.sorted() {
		s.remove(p)
	}
	if gangs, pods := s.ledger.Size(); gangs != 0 || pods != 0 {
		t.Fatalf("all pods are gone, and the ledger has %d gangs and %d pods", gangs, pods)
	}
}
