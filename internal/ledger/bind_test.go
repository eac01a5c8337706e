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

// refuseBind simulates a bind that the API server rejects: the pod enters the queue's own backoff unless the ledger parks it.
func (s *simulation) refuseBind(p *simPod) {
	s.unbound++
	s.give(p.node, 1)
	decisions := append(s.ledger.Unreserve(p.pod.UID), s.ledger.Unreserved(p.pod.UID)...)
	s.enterUnfit(p)
	s.perform(s.ledger.CapacityChanged(p.node, p.pod.UID))
	s.ledger.NotBound(p.pod.UID, "the API refuses it")
	p.at, p.until = backoff, s.clock.Now().Add(time.Second)
	if s.ledger.Stays(p.pod.UID) == gang.Refuse {
		p.at = rejected
	}
	s.perform(decisions)
}

// endBackoffs moves pods whose backoff has ended to the active queue. The queue does that without asking a plugin.
func (s *simulation) endBackoffs() {
	for _, p := range s.sorted() {
		if p.at == backoff && !s.clock.Now().Before(p.until) {
			p.at = active
		}
	}
}

// always rejects every bind, up to a limit that ends a loop.
func (s *simulation) always(*simPod) bool { return s.unbound < 10_000 }

func statusOf(t *testing.T, l *ledger.Ledger) gang.Status {
	t.Helper()
	all := l.Statuses()
	if len(all) != 1 {
		t.Fatalf("the ledger has %d gangs, want 1", len(all))
	}
	return all[0]
}

// While the API server rejects its binds, a gang is retried after 1, 2, 4, 8 and then every 10 seconds. Its members get the reason
// but no event that the gang starts, and it keeps its waiting time.
func TestGangThatCannotBeBoundIsRetriedWithBackoff(t *testing.T) {
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
				t.Errorf("%d attempts and %d rejected binds in a minute, want 7 to 9 attempts", s.broken, s.unbound)
			}
			if s.notified[gang.KindReleased] != 0 || s.notified[gang.KindNotBound] != members || s.notified[gang.KindTimedOut] != members {
				t.Errorf("notices %v, want NotBound and TimedOut once for each of %d members, and no Released",
					s.notified, members)
			}
			if waited, _ := statusOf(t, s.ledger).Waited(); waited < 58*time.Second {
				t.Errorf("the gang has waited for %s, want about a minute", waited)
			}
			s.refuses = nil
			s.rest(11 * time.Second)
			s.expect(t, "a", bound, members)
			if s.notified[gang.KindReleased] != 1 {
				t.Errorf("notices %v, want Released once", s.notified)
			}
		})
	}
}

// The queue may ask about a gang in backoff, for example when waiting members are in the queue's own backoff.
func TestGangThatCannotBeBoundStaysInBackoff(t *testing.T) {
	s := newSimulation(4)
	s.refuses = s.always
	s.gang("a", 2, 2)
	for s.cycle() {
	}
	for _, p := range s.sorted() {
		if answer := s.ledger.Begin(p.pod); answer.Verdict != gang.Refuse || answer.Why.Kind != gang.KindNotBound {
			t.Errorf("Begin of %s returned %+v, want Refuse with the kind NotBound", p.pod.Name, answer)
		}
		if answer := s.ledger.Enter(p.pod); answer.Verdict != gang.Refuse {
			t.Errorf("%s enters the queue", p.pod.Name)
		}
	}
	if why := s.ledger.Why("a-0"); why.Culprit == "" || why.Detail != "the API refuses it" {
		t.Errorf("explanation %+v, want the rejected pod and the reason", why)
	}
	s.create("a-2", "a", 2, true, false)
	s.remove(s.pods["a-0"])
	s.refuses = nil
	s.rest(1500 * time.Millisecond)
	s.expect(t, "a", bound, 2)
}

// A rejected member is retried as soon as others are bound, whether it was rejected before or after them.
func TestRejectedMemberFollowsTheOthers(t *testing.T) {
	for refused := range 3 {
		s := newSimulation(3)
		binds := 0
		s.refuses = func(*simPod) bool { binds++; return binds == refused+1 }
		s.gang("a", 3, 3)
		s.rest(100 * time.Millisecond)
		if s.rest(time.Second); s.broken > 0 {
			t.Errorf("%d attempts failed, want none: a part of the gang runs", s.broken)
		}
		s.expect(t, "a", bound, 3)
		if s.notified[gang.KindReleased] != 1 {
			t.Errorf("notices %v, want Released once", s.notified)
		}
	}
}

// inFlight returns the pods that are being bound.
func (s *simulation) inFlight() []*simPod {
	return slices.DeleteFunc(s.sorted(), func(p *simPod) bool { return p.at != binding })
}

// answerAll completes the binds in flight, in the order of the pods.
func (s *simulation) answerAll() {
	for _, p := range s.inFlight() {
		s.answer(p)
	}
}

// A member that is rejected repeatedly while others are slow is retried less and less often, not every second.
func TestRejectedMemberIsRetriedWithBackoff(t *testing.T) {
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
		t.Errorf("%d binds of the member in a minute, want 7 to 9", s.unbound)
	}
	s.answerAll()
	s.slow = false
	s.rest(time.Second)
	s.expect(t, "a", bound, 2)
}

// A rejected member is retried while others are still being bound, for example waiting for volumes, before another pod can take its
// capacity.
func TestRejectedMemberDoesNotWaitForSlowBinds(t *testing.T) {
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
	if s.notified[gang.KindReleased] != 1 {
		t.Errorf("notices %v, want Released once", s.notified)
	}
}

// A creator is rejected while one of its members is being bound. The gang starts with its creator, whatever the outcome of the
// other member.
func TestRejectedCreatorIsRetried(t *testing.T) {
	for name, tc := range map[string]struct{ refused bool }{"the other is bound": {}, "the other is rejected": {refused: true}} {
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
			if s.notified[gang.KindReleased] != 0 {
				t.Error("the gang was reported as started before its creator was bound")
			}
			s.slow, s.refuses = false, nil
			s.rest(15 * time.Second)
			s.expect(t, "a", bound, 2)
			if s.notified[gang.KindReleased] != 1 {
				t.Errorf("notices %v, want Released once", s.notified)
			}
		})
	}
}

// TestRejectedBinds drives a scheduler whose binds the API server rejects at random and that restarts. No pod is retried in a loop,
// no capacity stays reserved needlessly, and when binds succeed again every gang that fits runs.
func TestRejectedBinds(t *testing.T) {
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
			t.Fatalf("%d binds of %d pods within 20 seconds\n%s", tries, len(s.pods), s)
		}
		s.refuses = nil
		s.rest(30 * time.Second)
		quiet(t, s, needs)
		everythingGoes(t, s)
	})
}

// The waiting time continues across a restart, and is unknown for a gang that runs when it is first seen.
func TestWaitingTimeSurvivesARestart(t *testing.T) {
	s := newSimulation(3)
	s.gang("a", 2, 3)
	s.rest(27 * time.Second)
	s.restart(false)
	s.notified = map[gang.Kind]int{}
	s.rest(6 * time.Second)
	if waited, _ := statusOf(t, s.ledger).Waited(); waited < 32*time.Second || waited > 33*time.Second {
		t.Errorf("the gang has waited for %s, want 33s, less the API's resolution of one second", waited)
	}
	if s.notified[gang.KindTimedOut] != 0 {
		t.Error("the timeout passed as soon as the process started")
	}
	s.rest(5 * time.Second)
	if s.notified[gang.KindTimedOut] != 2 {
		t.Errorf("notices %v, want TimedOut for both members", s.notified)
	}
	s.create("a-2", "a", 3, true, false)
	s.rest(time.Second)
	if waited, known := statusOf(t, s.ledger).Waited(); !known || waited < 37*time.Second {
		t.Errorf("the gang had waited for %s, want 38s", waited)
	}
	s.restart(false)
	if waited, known := statusOf(t, s.ledger).Waited(); known {
		t.Errorf("the gang had waited for %s, want an unknown time", waited)
	}
}

// The API server's clock may be ahead.
func TestWaitingTimeIsNeverNegative(t *testing.T) {
	l, clock := newLedger()
	pod := member("a", "g", 2, 1)
	pod.CreationTimestamp.Time = clock.Now().Add(time.Hour)
	l.Observe(pod)
	if waited, _ := statusOf(t, l).Waited(); waited != 0 {
		t.Errorf("the gang has waited for %s, want 0", waited)
	}
}

// A pod may end before its bind is observed, because the informers deliver events in any order. A pod that was never bound may also
// be marked as ended.
func TestBoundMemberThatEndedCountsAsStarted(t *testing.T) {
	for _, node := range []string{"node", ""} {
		l, _ := newLedger()
		pod := member("a", "g", 1, 1)
		l.Enter(pod)
		committed(t, l, pod)
		ended := member("a", "g", 1, 2)
		ended.Spec.NodeName, ended.Status.Phase = node, corev1.PodFailed
		started := slices.ContainsFunc(l.Finish(ended), func(d gang.Decision) bool {
			notified, ok := d.(gang.Notify)
			return ok && notified.Kind == gang.KindReleased
		})
		if started != (node != "") {
			t.Errorf("node %q: reported as started: %t", node, started)
		}
	}
}
