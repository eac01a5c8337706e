package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// refuseBind is what follows when the API refuses to bind a pod: the queue's own backoff, unless the ledger keeps the pod.
func (s *simulation) refuseBind(p *simPod) {
	s.unbound++
	s.give(p.node, 1)
	decisions := s.ledger.Unreserve(p.pod.UID)
	s.enterUnfit(p)
	s.perform(s.ledger.RoomChanged(p.node, p.pod.UID))
	s.ledger.NotBound(p.pod.UID, "the API refuses it")
	p.at, p.until = backoff, s.clock.Now().Add(time.Second)
	if s.ledger.Stays(p.pod.UID) == gang.Refuse {
		p.at = rejected
	}
	s.perform(decisions)
}

// endBackoffs lets pods be popped again, which nobody is asked about.
func (s *simulation) endBackoffs() {
	for _, p := range s.sorted() {
		if p.at == backoff && !s.clock.Now().Before(p.until) {
			p.at = active
		}
	}
}

// always refuses, but not for ever: a loop would never end.
func (s *simulation) always(*simPod) bool { return s.unbound < 10_000 }

func statusOf(t *testing.T, l *ledger.Ledger) gang.Status {
	t.Helper()
	all := l.Statuses()
	if len(all) != 1 {
		t.Fatalf("the ledger has %d gangs, want 1", len(all))
	}
	return all[0]
}

// While the API refuses to bind its pods a gang is tried after 1, 2, 4, 8 and then each 10 seconds. It is told why, and not that it
// starts, and it waits all the while.
func TestGangThatCannotBeBoundIsTriedLessAndLess(t *testing.T) {
	minute := choices{reservation: time.Minute}
	for name, create := range map[string]func(*simulation){
		"one":           func(s *simulation) { s.gang("a", 1, 1) },
		"one is enough": func(s *simulation) { s.gang("a", 3, 1) },
		"many":          func(s *simulation) { s.gang("a", 50, 50) },
		"creator":       func(s *simulation) { s.addCreator("a-0", "a", 2, minute, true) },
		"creator and one": func(s *simulation) {
			s.addCreator("a-0", "a", 2, minute, true)
			s.execute("a-1", "a", 2, minute, false, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(60)
			s.refuses = s.always
			create(s)
			members := len(s.pods)
			s.rest(time.Minute)
			if s.broken < 7 || s.broken > 9 || s.unbound > 9*members {
				t.Errorf("%d attempts and %d refused binds in a minute, want 7 to 9 attempts", s.broken, s.unbound)
			}
			if s.told[gang.KindReleased] != 0 || s.told[gang.KindNotBound] != members || s.told[gang.KindTimedOut] != members {
				t.Errorf("told %v, want each of %d once that none could be bound, once that the timeout passed, and nobody that they start",
					s.told, members)
			}
			if waited, _ := statusOf(t, s.ledger).Waited(); waited < 58*time.Second {
				t.Errorf("it has waited for %s, want about a minute", waited)
			}
			s.refuses = nil
			s.rest(11 * time.Second)
			s.expect(t, "a", bound, members)
			if s.told[gang.KindReleased] != 1 {
				t.Errorf("told %v, want once that the gang starts", s.told)
			}
		})
	}
}

// The queue asks for a gang that rests, as it does where waiting members lie in its own backoff.
func TestGangThatCannotBeBoundRestsWhoeverAsks(t *testing.T) {
	s := newSimulation(4)
	s.refuses = s.always
	s.gang("a", 2, 2)
	for s.cycle() {
	}
	for _, p := range s.sorted() {
		if answer := s.ledger.Begin(p.pod); answer.Verdict != gang.Refuse || answer.Why.Kind != gang.KindNotBound {
			t.Errorf("%s: %+v, want that it waits because none could be bound", p.pod.Name, answer)
		}
		if answer := s.ledger.Enter(p.pod); answer.Verdict != gang.Refuse {
			t.Errorf("%s enters the queue", p.pod.Name)
		}
	}
	if why := s.ledger.Why("a-0"); why.Culprit == "" || why.Detail != "the API refuses it" {
		t.Errorf("%+v, want which pod could not be bound, and why", why)
	}
	s.create("a-2", "a", 2, true, false)
	s.remove(s.pods["a-0"])
	s.refuses = nil
	s.rest(1500 * time.Millisecond)
	s.expect(t, "a", bound, 2)
}

// A member that cannot be bound when others are follows at once, whether it was refused before or after them.
func TestMemberThatCannotBeBoundFollowsTheOthers(t *testing.T) {
	for refused := range 3 {
		s := newSimulation(3)
		binds := 0
		s.refuses = func(*simPod) bool { binds++; return binds == refused+1 }
		s.gang("a", 3, 3)
		s.rest(100 * time.Millisecond)
		if s.rest(time.Second); s.broken > 0 {
			t.Errorf("%d attempts broke, want none: a part of the gang runs", s.broken)
		}
		s.expect(t, "a", bound, 3)
		if s.told[gang.KindReleased] != 1 {
			t.Errorf("told %v, want once that the gang starts", s.told)
		}
	}
}

// inFlight are the pods that are being bound.
func (s *simulation) inFlight() []*simPod {
	return slices.DeleteFunc(s.sorted(), func(p *simPod) bool { return p.at != binding })
}

// answerAll answers the binds that are in flight, in the pods' order.
func (s *simulation) answerAll() {
	for _, p := range s.inFlight() {
		s.answer(p)
	}
}

// One that is refused each time while others take theirs is tried less and less, not each second for as long as a volume takes.
func TestMemberThatIsRefusedAgainIsTriedLessAndLess(t *testing.T) {
	s := newSimulation(2)
	s.slow = true
	s.gang("a", 2, 2)
	for s.cycle() {
	}
	refused := s.inFlight()[0]
	for range 600 { // a minute
		if refused.at == binding {
			s.refuseBind(refused)
		}
		s.rest(100 * time.Millisecond)
	}
	if s.unbound < 7 || s.unbound > 9 {
		t.Errorf("its bind was tried %d times in a minute, want 7 to 9", s.unbound)
	}
	s.answerAll()
	s.slow = false
	s.rest(time.Second)
	s.expect(t, "a", bound, 2)
}

// Others may take their time to be bound, such as for their volumes. The one that was refused is back on its place before somebody
// else is.
func TestMemberThatCannotBeBoundDoesNotWaitForSlowOnes(t *testing.T) {
	s := newSimulation(2)
	s.slow = true
	s.gang("a", 2, 2)
	for s.cycle() {
	}
	s.refuseBind(s.inFlight()[0])
	s.rest(1500 * time.Millisecond)
	s.create("stranger", "", 0, true, false)
	s.rest(time.Minute)
	s.answerAll()
	s.expect(t, "a", bound, 2)
	if s.told[gang.KindReleased] != 1 {
		t.Errorf("told %v, want once that the gang starts", s.told)
	}
}

// A creator is refused while one that follows it is being bound. The gang starts with its creator, whatever becomes of the other.
func TestCreatorThatCannotBeBoundIsTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct{ refused bool }{"the other is bound": {}, "the other is refused": {refused: true}} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(10)
			s.slow = true
			declares := choices{reservation: time.Minute}
			s.addCreator("a-0", "a", 2, declares, true)
			s.execute("a-1", "a", 2, declares, false, true)
			for s.cycle() {
			}
			s.refuseBind(s.pods["a-0"])
			s.rest(200 * time.Millisecond)
			s.refuses = func(*simPod) bool { return tc.refused }
			s.answerAll()
			if s.told[gang.KindReleased] != 0 {
				t.Error("it is told that the gang starts, whose creator is not bound")
			}
			s.slow, s.refuses = false, nil
			s.rest(15 * time.Second)
			s.expect(t, "a", bound, 2)
			if s.told[gang.KindReleased] != 1 {
				t.Errorf("told %v, want once that the gang starts", s.told)
			}
		})
	}
}

// TestBindsThatAreRefused drives a scheduler whose binds the API refuses at random, and processes that end. Nobody is tried in a
// loop, nobody holds room for nothing, and once binds succeed every gang that fits runs.
func TestBindsThatAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newAdverseSimulation(t, 6)
		needs := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 3).Draw(t, "needs")
		chance := rapid.IntRange(1, 10).Draw(t, "chance")
		s.refuses = func(*simPod) bool { return rapid.IntRange(1, 10).Draw(t, "bind") <= chance }
		created := 0
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				g := rapid.IntRange(0, len(needs)-1).Draw(t, "gang")
				created++
				s.create(fmt.Sprintf("p%03d", created), fmt.Sprint("g", g), needs[g], rapid.Bool().Draw(t, "informerFirst"), false)
			},
			"remove": func(t *rapid.T) {
				if pods := s.sorted(); len(pods) > 0 {
					s.remove(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
			"restart": func(t *rapid.T) { s.restart(rapid.Bool().Draw(t, "entersEarly")) },
			"cycle":   func(*rapid.T) { s.cycle() },
			"deliver": s.deliverSome,
			"time":    func(*rapid.T) { s.rest(500 * time.Millisecond) },
			"":        func(t *rapid.T) { checkStatuses(t, s) },
			"slow":    func(t *rapid.T) { s.slow = rapid.Bool().Draw(t, "slow") },
			"answer": func(t *rapid.T) {
				if pods := s.inFlight(); len(pods) > 0 {
					s.answer(rapid.SampledFrom(pods).Draw(t, "pod"))
				}
			},
		})

		s.slow, s.refuses = false, s.always
		s.answerAll()
		s.rest(time.Minute)
		before := s.unbound
		s.rest(20 * time.Second)
		if tries := s.unbound - before; tries > 21*len(s.pods) {
			t.Fatalf("%d binds of %d pods were tried within 20 seconds\n%s", tries, len(s.pods), s)
		}
		s.refuses = nil
		s.rest(30 * time.Second)
		quiet(t, s, needs)
		everythingGoes(t, s)
	})
}

// A wait goes on when another process takes over, and a gang that it finds running tells of none.
func TestWaitOutlivesTheProcess(t *testing.T) {
	s := newSimulation(3)
	s.gang("a", 2, 3)
	s.rest(27 * time.Second)
	s.restart(false)
	s.told = map[gang.Kind]int{}
	s.rest(6 * time.Second)
	if waited, _ := statusOf(t, s.ledger).Waited(); waited < 32*time.Second || waited > 33*time.Second {
		t.Errorf("it has waited for %s, want 33s less the second to which the API tells times", waited)
	}
	if s.told[gang.KindTimedOut] != 0 {
		t.Error("its timeout passed as soon as the process started")
	}
	s.rest(5 * time.Second)
	if s.told[gang.KindTimedOut] != 2 {
		t.Errorf("told %v, want both that their timeout passed again", s.told)
	}
	s.create("a-2", "a", 3, true, false)
	s.rest(time.Second)
	if waited, known := statusOf(t, s.ledger).Waited(); !known || waited < 37*time.Second {
		t.Errorf("it had waited for %s, want 38s", waited)
	}
	s.restart(false)
	if waited, known := statusOf(t, s.ledger).Waited(); known {
		t.Errorf("it had waited for %s, want that nobody knows", waited)
	}
}

// The API server's clock may be ahead.
func TestWaitIsNeverNegative(t *testing.T) {
	l, clock := newLedger()
	pod := member("a", "g", 2, 1)
	pod.CreationTimestamp.Time = clock.Now().Add(time.Hour)
	l.Observe(pod)
	if waited, _ := statusOf(t, l).Waited(); waited != 0 {
		t.Errorf("it has waited for %s, want not at all", waited)
	}
}

// A pod may have ended before its bind is seen: what tells of either comes in any order. Or it was never bound, and somebody wrote
// into it that it ended.
func TestMemberThatEndsHadStartedIfItWasBound(t *testing.T) {
	for _, node := range []string{"node", ""} {
		l, _ := newLedger()
		pod := member("a", "g", 1, 1)
		l.Enter(pod)
		committed(t, l, pod)
		ended := member("a", "g", 1, 2)
		ended.Spec.NodeName, ended.Status.Phase = node, corev1.PodFailed
		started := slices.ContainsFunc(l.Finish(ended), func(d gang.Decision) bool {
			told, ok := d.(gang.Tell)
			return ok && told.Kind == gang.KindReleased
		})
		if started != (node != "") {
			t.Errorf("bound to %q; it is told that the gang started: %v", node, started)
		}
	}
}
