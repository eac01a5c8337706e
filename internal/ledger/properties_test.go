package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// TestGangsStartWholeAndAreNotForgotten drives a scheduler with random gangs, plain pods, priorities, scheduling gates and
// deletions, on nodes of different sizes. It carries out decisions at once or late. At every moment a gang that starts has all the
// members that it needs. When the scheduler is idle, no capacity stays reserved and no gang waits that would fit.
func TestGangsStartWholeAndAreNotForgotten(t *testing.T) {
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
					t.Fatalf("gang %s started with %d of the %d members that it needs\n%s", name, n, need, s)
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

// TestNoActivationWaitsForATick checks that each event activates the gangs that it helps: without any ticks, no gang waits in the
// end that would fit. Only events within 20 ms of each other may need a tick.
func TestNoActivationWaitsForATick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 8)
		if rapid.Bool().Draw(t, "queues") {
			s.configure(queue.NewQueue(queue.Default))
		}
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
		t.Fatalf("%d scheduling cycles although nothing changed\n%s", s.cycles-before, s)
	}
}

// nobodyWaits checks that no gang waits that fits, and that no capacity stays reserved.
func nobodyWaits(t *rapid.T, s *simulation, needs []int) {
	capacity := sum(s.usable(nil))
	for g, need := range needs {
		name := fmt.Sprint("g", g)
		if n := s.count(name, binding); n > 0 {
			t.Fatalf("%[2]d members of gang %[1]s are still being bound\n%[3]s", name, n, s)
		}
		pending, running := 0, s.count(name, bound)
		for _, p := range s.pods {
			if p.group == name && p.at != bound && len(p.pod.Spec.SchedulingGates) == 0 {
				pending++
			}
		}
		switch {
		case running == 0 && pending >= need && capacity >= need:
			t.Fatalf("gang %s waits with %d of %d pods, and the free capacity is %d\n%s", name, pending, need, capacity, s)
		case running > 0 && pending > 0 && capacity > 0:
			t.Fatalf("%d members of the running gang %s wait, and the free capacity is %d\n%s", pending, name, capacity, s)
		}
	}
}

// everythingGoes deletes all pods and checks that the ledger keeps no trace of them.
func everythingGoes(t *rapid.T, s *simulation) {
	for _, p := range s.sorted() {
		s.remove(p)
	}
	if gangs, pods := s.ledger.Size(); gangs != 0 || pods != 0 {
		t.Fatalf("all pods are deleted, and the ledger has %d gangs and %d pods", gangs, pods)
	}
}
