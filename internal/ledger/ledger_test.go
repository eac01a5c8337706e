package ledger_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// gang creates members 0 to n-1 of a gang.
func (s *simulation) gang(name string, n, need int) {
	for i := range n {
		s.create(fmt.Sprintf("%s-%d", name, i), name, need, i%2 == 0, false)
	}
}

func (s *simulation) expect(t *testing.T, group string, at place, want int) {
	t.Helper()
	if got := s.count(group, at); got != want {
		t.Errorf("%d pods of %s are %s, want %d\n%s", got, group, at, want, s)
	}
}

func TestLateMemberCompletesAGang(t *testing.T) {
	s := newSimulation(10)
	s.gang("a", 2, 3)
	s.rest(5 * time.Second)
	s.expect(t, "a", gated, 2)
	if s.cycles != 0 || s.notified[gang.KindIncomplete] != 2 || s.notified[gang.KindTimedOut] != 0 {
		t.Errorf("%d cycles, notices %v; want no cycle, and Incomplete once for both members", s.cycles, s.notified)
	}
	s.rest(20 * time.Second)
	if s.notified[gang.KindIncomplete] != 2 || s.notified[gang.KindTimedOut] != 2 {
		t.Errorf("notices %v, want Incomplete and TimedOut once for each member", s.notified)
	}
	s.create("a-2", "a", 3, true, false)
	s.rest(time.Second)
	s.expect(t, "a", bound, 3)
	if s.cycles != 1 {
		t.Errorf("%d scheduling cycles for a gang, want 1", s.cycles)
	}
}

func TestNumbersAreRefreshedPeriodically(t *testing.T) {
	s := newSimulation(10)
	s.gang("a", 2, 9)
	s.rest(2 * time.Second)
	for i := range 5 {
		s.create(fmt.Sprintf("a-%d", 2+i), "a", 9, true, false)
		s.rest(2 * time.Second)
	}
	if got := s.notified[gang.KindIncomplete]; got != 7 {
		t.Errorf("%d notices of kind Incomplete, want one for each of 7 members", got)
	}
	s.rest(time.Minute)
	if got := s.notified[gang.KindIncomplete]; got != 13 {
		t.Errorf("%d notices, want one more for each of the 6 members with old numbers", got)
	}
}

func TestGangThatDoesNotFitHoldsNothingAndIsNotRetriedNeedlessly(t *testing.T) {
	s := newSimulation(3)
	s.gang("big", 5, 5)
	s.rest(time.Second)
	s.expect(t, "big", binding, 0)
	if s.capacity != 3 {
		t.Errorf("the free capacity is %d, want 3", s.capacity)
	}
	before := s.cycles
	s.rest(time.Minute)
	if s.cycles != before {
		t.Errorf("%d more cycles although nothing changed", s.cycles-before)
	}
	s.create("plain", "", 0, true, false)
	s.gang("small", 2, 2)
	s.rest(time.Second)
	s.expect(t, "", bound, 1)
	s.expect(t, "small", bound, 2)
}

func TestGangsStartOneAfterAnotherAsCapacityBecomesFree(t *testing.T) {
	s := newSimulation(4)
	for i := range 4 {
		for _, g := range []string{"a", "b", "c"} { // interleaved
			s.create(fmt.Sprintf("%s-%d", g, i), g, 4, true, false)
		}
	}
	for range 3 {
		s.rest(time.Second)
		running := ""
		for _, g := range []string{"a", "b", "c"} {
			switch n := s.count(g, bound); n {
			case 0:
			case 4:
				running += g
			default:
				t.Fatalf("%d of 4 members of %s run\n%s", n, g, s)
			}
		}
		if len(running) != 1 {
			t.Fatalf("gangs %q run, want one\n%s", running, s)
		}
		for i := range 4 {
			s.remove(s.pods[fmt.Sprintf("%s-%d", running, i)])
		}
	}
}

func TestAnotherMemberRepresentsAGangWhoseRepresentativeIsDeleted(t *testing.T) {
	s := newSimulation(2)
	s.gang("a", 4, 3)
	s.rest(time.Second) // the gang does not fit; one member represents it
	for name := range s.pods {
		if p := s.pods[name]; p.at == rejected {
			s.remove(p)
			break
		}
	}
	s.give("node", 1) // now the gang fits, and an event follows
	s.create("tick", "", 0, true, false)
	s.rest(time.Second)
	s.remove(s.pods["tick"])
	s.rest(time.Second)
	s.expect(t, "a", bound, 3)
}

func TestOlderVersionsOfAPodAreIgnored(t *testing.T) {
	s := newSimulation(4)
	s.create("a-0", "a", 2, true, false)
	old := s.pods["a-0"].pod
	current := old.DeepCopy()
	current.ResourceVersion = strconv.Itoa(1000)
	current.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "1"
	s.perform(s.ledger.Observe(current))
	if answer := s.ledger.Enter(old); answer.Verdict == gang.Refuse {
		t.Errorf("the queue's older version of the pod counted: %+v", answer.Why)
	}
}

func TestPodsMissingFromTheInformerAreRemoved(t *testing.T) {
	s := newSimulation(4)
	s.gang("a", 2, 3)
	delete(s.pods, "a-1") // its deletion was missed
	s.perform(s.ledger.Retain(func(ref gang.Ref) bool { return s.pods[ref.Name] != nil }))
	if _, pods := s.ledger.Size(); pods != 1 {
		t.Errorf("the ledger has %d pods, want 1", pods)
	}
}

func TestProblemsAreReportedOnce(t *testing.T) {
	s := newSimulation(4)
	s.create("a-0", "a", 2, true, false)
	pod := s.pods["a-0"].pod.DeepCopy()
	for version := range 3 {
		pod = pod.DeepCopy()
		pod.ResourceVersion = strconv.Itoa(1000 + version)
		pod.Annotations["pod-group.scheduling.sigs.k8s.io/min-available"] = "many"
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{})
		s.perform(s.ledger.Observe(pod))
		s.rest(time.Second)
	}
	if s.notified[gang.KindInvalid] != 1 {
		t.Errorf("%d events for one problem, want 1", s.notified[gang.KindInvalid])
	}
}

// A pod whose annotations were removed is a plain pod, even if the queue shows its older version afterwards.
func TestPodWithoutAnnotationsIsNoMember(t *testing.T) {
	s := newSimulation(4)
	s.create("a-0", "a", 2, true, false)
	old := s.pods["a-0"].pod
	plain := old.DeepCopy()
	plain.ResourceVersion = strconv.Itoa(1000)
	plain.Annotations = nil
	s.perform(s.ledger.Observe(plain))
	if answer := s.ledger.Enter(old); answer.Verdict == gang.Refuse {
		t.Errorf("the queue's older version of the pod counted: %+v", answer.Why)
	}
	if answer := s.ledger.Begin(old); answer.Gang || answer.Verdict != gang.Go {
		t.Errorf("a plain pod is treated as a member: %+v", answer)
	}
	bound := plain.DeepCopy()
	bound.ResourceVersion, bound.Spec.NodeName = strconv.Itoa(1001), "node"
	s.perform(s.ledger.Observe(bound))
	if _, pods := s.ledger.Size(); pods != 0 {
		t.Errorf("the ledger keeps %d pods, want none", pods)
	}
}

// The pods of a recreated job do not join the terminating pods of the old job.
func TestTerminatingMembersAreNotRunning(t *testing.T) {
	s := newSimulation(10)
	s.gang("a", 3, 3)
	s.rest(time.Second)
	s.expect(t, "a", bound, 3)
	for _, p := range s.sorted() {
		s.version++
		p.pod = p.pod.DeepCopy()
		p.pod.ResourceVersion = strconv.Itoa(s.version)
		p.pod.DeletionTimestamp = &p.pod.CreationTimestamp
		s.perform(s.ledger.Observe(p.pod))
	}
	for i := range 4 { // the new job is larger
		s.create(fmt.Sprintf("new-%d", i), "a", 5, true, false)
	}
	s.rest(2 * time.Second)
	s.expect(t, "a", bound, 3)
	if s.notified[gang.KindDisagree] != 0 || s.notified[gang.KindIncomplete] != 4 {
		t.Errorf("notices %v, want Incomplete for the 4 new members", s.notified)
	}
	s.create("new-4", "a", 5, true, false)
	s.rest(time.Second)
	s.expect(t, "a", bound, 8)
}

// A thousand gangs wait. A deleted pod leads to one comparison with their shortages in one cycle, and to a plan only if its
// capacity suffices.
func TestOneDeletedPodDoesNotActivateAThousandGangs(t *testing.T) {
	for _, test := range []struct {
		need, runs, plans int
	}{
		{need: 10, runs: 0, plans: 0},
		{need: 1, runs: 1, plans: 1},
	} {
		s := newSimulation(5)
		for i := range 5 {
			s.create(fmt.Sprintf("plain-%d", i), "", 0, true, false)
		}
		s.rest(time.Second)
		for i := range 1000 {
			s.gang(fmt.Sprintf("g%03d", i), test.need, test.need)
		}
		s.rest(2 * time.Second)
		cycles, plans := s.cycles, s.plans
		s.remove(s.pods["plain-0"])
		s.rest(2 * time.Second)
		running := 0
		for _, p := range s.pods {
			if p.need > 0 && p.at == bound {
				running++
			}
		}
		if running != test.runs*test.need || s.plans-plans != test.plans || s.cycles-cycles > 3 {
			t.Errorf("gangs of %d: %d members run after %d plans in %d cycles; want %d, %d, and at most 3",
				test.need, running, s.plans-plans, s.cycles-cycles, test.runs*test.need, test.plans)
		}
	}
}

// As many members as fit start together. The others join when capacity becomes free, before younger gangs.
func TestMoreMembersThanTheGangNeeds(t *testing.T) {
	s := newSimulation(5)
	s.gang("a", 7, 4)
	s.rest(time.Second)
	s.expect(t, "a", bound, 5)
	s.gang("b", 1, 1)
	s.rest(time.Second)
	s.create("plain", "", 0, true, false)
	s.rest(time.Second)
	s.remove(s.pods["a-0"])
	s.rest(time.Second)
	s.expect(t, "a", bound, 5)
	s.expect(t, "b", bound, 0)
}

// TestNoticeDoesNotActivateTheRepresentative checks that writing the reason on a gang's pods does not lead to another plan.
func TestNoticeDoesNotActivateTheRepresentative(t *testing.T) {
	s := newSimulation(3)
	s.gang("big", 5, 5)
	s.rest(time.Second)
	plans := s.plans
	for _, p := range s.sorted() {
		s.version++
		p.pod = p.pod.DeepCopy()
		p.pod.ResourceVersion = strconv.Itoa(s.version)
		s.perform(s.ledger.Observe(p.pod))
		s.enter(p) // as the queue does when one of its pods changes
	}
	s.rest(time.Minute)
	if s.plans != plans {
		t.Errorf("%d more plans although only the pods' status changed", s.plans-plans)
	}
}
