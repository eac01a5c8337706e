package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
)

// ranked gives a pod a priority.
func ranked(pod *corev1.Pod, priority int32) *corev1.Pod {
	pod.Spec.Priority = &priority
	return pod
}

// bindsTo is the pod as the API shows it once it is bound.
func bindsTo(pod *corev1.Pod, node string) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.NodeName = node
	pod.ResourceVersion += "0"
	return pod
}

// runs makes a pod run.
func runs(l *ledger.Ledger, pod *corev1.Pod) *corev1.Pod {
	pod = bindsTo(pod, "node")
	l.Observe(pod)
	return pod
}

// takerOf is the taker of a pod without a gang.
func takerOf(l *ledger.Ledger, pod *corev1.Pod) ledger.Taker {
	ref := gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
	return l.TakerFor(gang.Task{Gang: ledger.PodKey(pod), Members: []gang.Ref{ref}, Need: 1}, pod)
}

// describe writes units: their kind, the pods, and the core of surplus.
func describe(units []ledger.Unit, pods []*corev1.Pod) []string {
	kinds := map[preempt.Kind]string{preempt.Pod: "pod", preempt.Gang: "gang", preempt.Surplus: "surplus"}
	var all []string
	for i := range units {
		var names []string
		for _, at := range units[i].Pods {
			names = append(names, pods[at].Name)
		}
		slices.Sort(names)
		text := kinds[units[i].Kind] + " " + strings.Join(names, " ")
		if units[i].Core >= 0 {
			text += fmt.Sprintf(" of %d", units[i].Core)
		}
		all = append(all, text)
	}
	return all
}

// What a pod with priority 100 may preempt.
func TestUnits(t *testing.T) {
	alone := func(priority int32, change func(*corev1.Pod)) func(*ledger.Ledger) []*corev1.Pod {
		return func(l *ledger.Ledger) []*corev1.Pod {
			pod := ranked(member("a", "", 0, 1), priority)
			if change != nil {
				change(pod)
			}
			return []*corev1.Pod{runs(l, pod)}
		}
	}
	inGang := func(members, need int, priority int32, change func(i int, pod *corev1.Pod)) func(*ledger.Ledger) []*corev1.Pod {
		return func(l *ledger.Ledger) []*corev1.Pod {
			var pods []*corev1.Pod
			for i := range members {
				pod := ranked(member(fmt.Sprintf("g-%d", i), "g", need, i+1), priority)
				if change != nil {
					change(i, pod)
				}
				pods = append(pods, runs(l, pod))
			}
			return pods
		}
	}
	notPreemptible := func(pod *corev1.Pod) {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations["kubenexus.io/preemptible"] = "false"
	}
	for _, tc := range []struct {
		name string
		runs func(*ledger.Ledger) []*corev1.Pod
		want []string
	}{
		{"a lower pod", alone(99, nil), []string{"pod a"}},
		{"an equal pod", alone(100, nil), nil},
		{"a higher pod", alone(101, nil), nil},
		{"a pod of another scheduler", alone(0, func(pod *corev1.Pod) { pod.Spec.SchedulerName = "another" }), nil},
		{"a pod that is not preemptible", alone(0, notPreemptible), nil},
		{"a pod that is being deleted", alone(0, func(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{} }), nil},
		{"a gang that needs all", inGang(3, 3, 0, nil), []string{"gang g-0 g-1 g-2"}},
		{"a gang with surplus", inGang(4, 2, 0, nil), []string{"gang g-0 g-1", "surplus g-3 of 0", "surplus g-2 of 0"}},
		{
			"a gang of which the first member was bound last", inGang(4, 2, 0, func(i int, pod *corev1.Pod) {
				started := metav1.NewTime(time.Unix(100-int64(i), 0))
				pod.Status.StartTime = &started
			}),
			[]string{"gang g-0 g-1", "surplus g-3 of 0", "surplus g-2 of 0"},
		},
		{"an equal gang", inGang(4, 2, 100, nil), nil},
		{"a gang that is not preemptible", inGang(4, 2, 0, func(_ int, pod *corev1.Pod) { notPreemptible(pod) }), nil},
		{
			"a gang of which a member is being deleted",
			inGang(4, 2, 0, func(i int, pod *corev1.Pod) {
				if i == 3 {
					pod.DeletionTimestamp = &metav1.Time{}
				}
			}),
			[]string{"gang g-0 g-1", "surplus g-2 of 0"},
		},
		{"a gang of which a member is being bound", func(l *ledger.Ledger) []*corev1.Pod {
			pods := inGang(2, 2, 0, nil)(l)
			more := ranked(member("g-2", "g", 2, 5), 0)
			l.Enter(more)
			l.Begin(more)
			l.Permit(more.UID, "node")
			l.Reserved(more)
			return append(pods, bindsTo(more, "node"))
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, clock := newLedger()
			pods := tc.runs(l)
			units := l.Units(takerOf(l, ranked(member("taker", "", 0, 9), 100)), pods, clock.Now())
			if diff := cmp.Diff(tc.want, describe(units, pods)); diff != "" {
				t.Errorf("units (-want +got):\n%s", diff)
			}
			checkLastFirst(t, units)
		})
	}
}

// checkLastFirst checks that of the surplus of a gang, what comes first started last: it goes first.
func checkLastFirst(t *testing.T, units []ledger.Unit) {
	t.Helper()
	for i := range units[min(1, len(units)):] {
		before, after := &units[i], &units[i+1]
		if before.Kind == preempt.Surplus && after.Kind == preempt.Surplus && before.Gang == after.Gang && !before.Started.After(after.Started) {
			t.Errorf("surplus %d started at %v, the next at %v", i, before.Started, after.Started)
		}
	}
}

// A gang never preempts itself, and an extra member of it neither.
func TestUnitsOfTheTakerItself(t *testing.T) {
	l, clock := newLedger()
	pod := runs(l, ranked(member("g-0", "g", 1, 1), 0))
	more := ranked(member("g-1", "g", 1, 2), 100)
	l.Observe(more)
	key, _ := l.GangOf(more.UID)
	taker := l.TakerFor(gang.Task{Gang: key, Need: 1}, more)
	taker.Priority = 100
	if units := l.Units(taker, []*corev1.Pod{pod}, clock.Now()); len(units) > 0 {
		t.Errorf("it may preempt %d units of its own", len(units))
	}
}

// What the ledger knows is enough to say cheaply that a taker can preempt nothing.
func TestMayPreempt(t *testing.T) {
	l, clock := newLedger()
	taker := takerOf(l, ranked(member("taker", "", 0, 9), 100))
	may := func(want bool, when string) {
		t.Helper()
		if got := l.MayPreempt(taker); got != want {
			t.Errorf("may preempt %s: %v, want %v", when, got, want)
		}
	}
	may(false, "in an empty cluster")
	equal := runs(l, ranked(member("equal", "", 0, 1), 100))
	may(false, "with an equal pod")
	low := ranked(member("low", "", 0, 2), 0)
	l.Reserved(low)
	may(true, "with a pod that is being bound")
	l.Units(taker, []*corev1.Pod{equal, bindsTo(low, "node")}, clock.Now())
	may(true, "after a plan, while the pod is being bound")
	low = runs(l, low)
	may(true, "with a lower pod")
	l.Forget(low.UID)
	l.Units(taker, []*corev1.Pod{equal}, clock.Now())
	may(false, "after a plan without the lower pod")
}

// unplaced has a gang of two with priority 100 that does not fit, and could not preempt anything.
func unplaced(t *testing.T, l *ledger.Ledger, name string, now time.Time, pods ...*corev1.Pod) {
	t.Helper()
	a, b := ranked(member(name+"-a", name, 2, 1), 100), ranked(member(name+"-b", name, 2, 2), 100)
	l.Enter(a)
	l.Enter(b)
	answer := l.Begin(a)
	if answer.Verdict != gang.Plan {
		t.Fatalf("%s is not planned: %+v", name, answer)
	}
	l.Units(l.TakerFor(answer.Task, a), pods, now)
	l.Unfit(a.UID, gang.Finding{Shortage: gang.Shortage{Missing: 2}})
}

// again returns which gang or pod is tried again, "" if none.
func again(l *ledger.Ledger, now time.Time) string {
	_, decisions := l.PreemptAgain(now)
	for _, d := range decisions {
		if activate, ok := d.(gang.Activate); ok {
			return activate.Members[0].Name
		}
	}
	return ""
}

func TestPreemptAgainWhenSomethingLowerStarted(t *testing.T) {
	l, clock := newLedger()
	unplaced(t, l, "g", clock.Now())
	expect := func(want, when string) {
		t.Helper()
		if got := again(l, clock.Now()); got != want {
			t.Errorf("%s, %q is tried again, want %q", when, got, want)
		}
	}
	expect("", "if nothing changed")
	runs(l, ranked(member("equal", "", 0, 3), 100))
	expect("", "with an equal pod that started")
	low := ranked(member("low", "", 0, 4), 0)
	l.Reserved(low)
	expect("", "while a lower pod is being bound, and cannot be preempted")
	runs(l, low)
	expect("g-a", "with a lower pod that started")
	a := ranked(member("g-a", "g", 2, 1), 100)
	if answer := l.Begin(a); answer.Verdict != gang.Plan || answer.Scout != nil {
		t.Errorf("it is not planned whatever it lacked: %+v", answer)
	}
	l.Unfit(a.UID, gang.Finding{Shortage: gang.Shortage{Missing: 2}})
	expect("", "if nothing changed since")
}

// Capacity that frees up may be enough together with victims, though not alone.
func TestPreemptAgainWhenCapacityFreesUp(t *testing.T) {
	for _, lower := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a lower pod: %v", lower), func(t *testing.T) {
			l, clock := newLedger()
			priority, want := int32(100), ""
			if lower {
				priority, want = 0, "g-a"
			}
			pod := runs(l, ranked(member("runs", "", 0, 3), priority))
			l.Begin(pod) // a cycle that sees it
			unplaced(t, l, "g", clock.Now(), pod)
			if got := again(l, clock.Now()); got != "" {
				t.Errorf("%q is tried again though nothing changed", got)
			}
			for _, d := range l.CapacityChanged("node", "") {
				if _, activates := d.(gang.Activate); activates { // the gang's own wake-up finds that it is not enough
					a := ranked(member("g-a", "g", 2, 1), 100)
					l.Begin(a)
					l.Looked(a.UID, false, 1, nil)
				}
			}
			if got := again(l, clock.Now()); got != want {
				t.Errorf("%q is tried again, want %q", got, want)
			}
		})
	}
}

// Those that wait are tried in turn, so that one that never fits does not keep the others from it.
func TestPreemptAgainInTurn(t *testing.T) {
	l, clock := newLedger()
	unplaced(t, l, "g", clock.Now())
	unplaced(t, l, "h", clock.Now())
	pod := ranked(member("alone", "", 0, 5), 50)
	l.Begin(pod)
	l.Units(takerOf(l, pod), nil, clock.Now())
	var tried []string
	for i := range 6 {
		low := ranked(member(fmt.Sprintf("low-%d", i), "", 0, 10+i), 0)
		l.Reserved(low)
		runs(l, low)
		who := again(l, clock.Now())
		tried = append(tried, who)
		switch who {
		case "alone":
			l.Begin(pod)
			l.Units(takerOf(l, pod), nil, clock.Now())
		case "":
		default: // it does not fit
			name := strings.TrimSuffix(who, "-a")
			a := ranked(member(who, name, 2, 1), 100)
			answer := l.Begin(a)
			l.Units(l.TakerFor(answer.Task, a), nil, clock.Now())
			l.Unfit(a.UID, gang.Finding{Shortage: gang.Shortage{Missing: 2}})
		}
	}
	if want := []string{"g-a", "h-a", "alone", "g-a", "h-a", "alone"}; !slices.Equal(tried, want) {
		t.Errorf("tried %q, want %q", tried, want)
	}
}

// What could preempt nothing is forgotten once it has a node, or is gone.
func TestTriedPodsAreForgotten(t *testing.T) {
	l, _ := newLedger()
	for i, forget := range []func(*corev1.Pod){
		func(pod *corev1.Pod) { l.Placed(pod) },
		func(pod *corev1.Pod) { runs(l, pod) },
		func(pod *corev1.Pod) { l.Deleted(pod) },
		func(*corev1.Pod) { l.Retain(func(gang.Ref) bool { return false }) },
	} {
		pod := ranked(member(fmt.Sprintf("waits-%d", i), "", 0, i+1), 0)
		if l.MayPreempt(takerOf(l, pod)) {
			t.Fatal("it may preempt something in an empty cluster")
		}
		if l.Tried() != 1 {
			t.Fatalf("%d are remembered, want 1", l.Tried())
		}
		if forget(pod); l.Tried() != 0 {
			t.Errorf("%d: it is remembered", i)
		}
	}
}
