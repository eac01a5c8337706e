package ledger_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

const (
	ourName  = "pod-group.scheduling.sigs.k8s.io/name"
	ourSize  = "pod-group.scheduling.sigs.k8s.io/min-available"
	podGroup = "scheduling.x-k8s.io/pod-group"
)

// foreignPod is a pod that only another product's label ties to others.
func foreignPod(s *simulation, name string) *corev1.Pod {
	s.version++
	pod := s.newPod(name)
	pod.Labels = map[string]string{podGroup: "train"}
	return pod
}

// change returns the pod after an update.
func (s *simulation) change(pod *corev1.Pod, by func(*corev1.Pod)) *corev1.Pod {
	s.version++
	pod = pod.DeepCopy()
	pod.ResourceVersion = strconv.Itoa(s.version)
	by(pod)
	return pod
}

func TestPodsWithUnknownKeysWaitAndGetOneEvent(t *testing.T) {
	s := newSimulation(2)
	for _, name := range []string{"a-0", "a-1", "a-2"} {
		s.add(&simPod{pod: foreignPod(s, name), group: "a"}, true)
	}
	s.rest(time.Minute)
	s.expect(t, "a", gated, 3)
	if s.notified[gang.KindUnknown] != 3 {
		t.Errorf("notices %v, want Unknown once for each pod", s.notified)
	}
}

// Each change of such a pod, such as of its status, is observed. It is one problem until its key or the value changes.
func TestAnUnknownKeyIsOneProblemHoweverOftenThePodChanges(t *testing.T) {
	l, _ := newLedger()
	var all []string
	for version := range 10 {
		l.Observe(annotatedPod("foreign", fmt.Sprint(version+1), map[string]string{"scheduling.k8s.io/group-name": "g"}))
		all = append(all, said(l.Tick())...)
	}
	l.Observe(annotatedPod("foreign", "20", map[string]string{"scheduling.k8s.io/group-name": "other"}))
	if all = append(all, said(l.Tick())...); len(all) != 2 {
		t.Errorf("events %q, want one for each value", all)
	}
}

func TestPodsWithUnknownKeysAreScheduledOnceCorrected(t *testing.T) {
	for name, correct := range map[string]func(*corev1.Pod){
		"with our annotations": func(p *corev1.Pod) { p.Annotations = map[string]string{ourName: "train", ourSize: "2"} },
		"with our labels":      func(p *corev1.Pod) { p.Labels[ourName], p.Labels[ourSize] = "train", "2" },
		"without the key":      func(p *corev1.Pod) { p.Labels = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(2)
			for _, name := range []string{"a-0", "a-1"} {
				s.add(&simPod{pod: foreignPod(s, name), group: "a"}, true)
			}
			s.rest(time.Second)
			for _, p := range s.sorted() {
				p.pod = s.change(p.pod, correct)
				s.perform(s.ledger.Observe(p.pod))
			}
			s.rest(time.Second)
			s.expect(t, "a", bound, 2)
		})
	}
}

// served is a ledger with a profile whose plugins have these defaults.
func served(defaults map[string]ledger.Defaults) *ledger.Ledger {
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1_000_000, 0)))
	for convention, d := range defaults {
		l.Serve("kubenexus-scheduler", convention, d)
	}
	return l
}

// TestUnknownGangs checks that pods are scheduled one by one only if all plugins of their profile allow it.
func TestUnknownGangs(t *testing.T) {
	schedule := ledger.Defaults{ScheduleUnknown: true}
	for _, tc := range []struct {
		name     string
		defaults map[string]ledger.Defaults
		waits    bool
		ours     string
	}{
		{"nothing", map[string]ledger.Defaults{"Coscheduling": {}}, true, ourName},
		{"Schedule", map[string]ledger.Defaults{"Coscheduling": schedule}, false, ""},
		{"Schedule for one of two plugins", map[string]ledger.Defaults{"Coscheduling": schedule, "BatchPermit": {}}, true, ourName},
		{"Schedule for both plugins", map[string]ledger.Defaults{"Coscheduling": schedule, "BatchPermit": schedule}, false, ""},
		{"nothing for the batch annotations", map[string]ledger.Defaults{"BatchPermit": {}}, true, "batch.scheduling.k8s.io/group"},
	} {
		for kind, pod := range map[string]*corev1.Pod{
			"label": foreignPod(newSimulation(1), "a"), "field": inSchedulingGroup(newSimulation(1), "a"),
		} {
			t.Run(tc.name+", "+kind, func(t *testing.T) {
				answer := served(tc.defaults).Enter(pod)
				if waits := answer.Verdict == gang.Refuse; waits != tc.waits || answer.Gang != tc.waits {
					t.Fatalf("got %+v, want it to wait: %t", answer, tc.waits)
				}
				if tc.waits && (answer.Why.Kind != gang.KindUnknown || !strings.Contains(answer.Why.Problem.Error(), tc.ours)) {
					t.Errorf("explanation %q: %v, want it to name %s", answer.Why.Kind, answer.Why.Problem, tc.ours)
				}
			})
		}
	}
}

// inSchedulingGroup is a pod in a pod group of Kubernetes.
func inSchedulingGroup(s *simulation, name string) *corev1.Pod {
	s.version++
	pod := s.newPod(name)
	pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: new("train")}
	return pod
}

// TestGangMemberInSchedulingGroupIsRefused checks this for all values of unknownGangs, and for a pod that was already popped.
func TestGangMemberInSchedulingGroupIsRefused(t *testing.T) {
	for name, defaults := range map[string]ledger.Defaults{"Wait": {}, "Schedule": {ScheduleUnknown: true}} {
		t.Run(name, func(t *testing.T) {
			l := served(map[string]ledger.Defaults{"Coscheduling": defaults})
			pod := inSchedulingGroup(newSimulation(1), "a")
			pod.Annotations = map[string]string{ourName: "train", ourSize: "1"}
			for step, answer := range map[string]ledger.Answer{"Enter": l.Enter(pod), "Begin": l.Begin(pod), "Permit": l.Permit(pod.UID, "node")} {
				if answer.Verdict != gang.Refuse || answer.Why.Kind != gang.KindInvalid {
					t.Errorf("%s: %+v", step, answer)
				}
			}
		})
	}
}

// TestLabelOfAnotherProfileIsReported checks that the event calls it a label.
func TestLabelOfAnotherProfileIsReported(t *testing.T) {
	s := newSimulation(1)
	pod := s.newPod("a")
	pod.Labels = map[string]string{ourName: "train", ourSize: "2"}
	answer := served(map[string]ledger.Defaults{"BatchPermit": {}}).Enter(pod)
	const want = `label ` + ourName + ` has the value "train": schedulerName kubenexus-scheduler does not read this label`
	if answer.Why.Problem == nil || !strings.HasPrefix(answer.Why.Problem.Error(), want) {
		t.Errorf("problem %v, want %s", answer.Why.Problem, want)
	}
}

func TestPodsOfOtherSchedulersAreIgnored(t *testing.T) {
	for name, by := range map[string]func(*corev1.Pod){
		"bound":                func(p *corev1.Pod) { p.Spec.NodeName = "node" },
		"of another scheduler": func(p *corev1.Pod) { p.Spec.SchedulerName = "volcano" },
		"of another scheduler that reads Koordinator's keys": func(p *corev1.Pod) {
			p.Spec.SchedulerName = "koord-scheduler"
			p.Annotations = map[string]string{"gang.scheduling.koordinator.sh/name": "a", "gang.scheduling.koordinator.sh/min-available": "2"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(2)
			pod := s.change(foreignPod(s, "a-0"), by)
			s.perform(s.ledger.Observe(pod))
			s.rest(time.Minute)
			if _, pods := s.ledger.Size(); pods != 0 || len(s.notified) != 0 {
				t.Errorf("the ledger has %d pods and notices %v, want none", pods, s.notified)
			}
		})
	}
}
