package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// timed is a pod, and how long it is expected to run.
type timed struct {
	pod  *corev1.Pod
	want time.Duration
}

// alone returns a pod without a gang.
func alone(name, stated string, deadline int64) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{SchedulerName: "s"},
	}
	if stated != "" {
		pod.Annotations[conventions.ExpectedRuntimeAnnotation] = stated
	}
	if deadline != 0 {
		pod.Spec.ActiveDeadlineSeconds = &deadline
	}
	return pod
}

// inGang returns a pod of a gang of two.
func inGang(group, name, stated string, deadline int64) *corev1.Pod {
	pod := alone(group+"-"+name, stated, deadline)
	pod.Annotations[conventions.Coscheduling().GroupAnnotation] = group
	pod.Annotations[conventions.Coscheduling().MinAvailableAnnotation] = "2"
	return pod
}

// withRoles lets a member say of its gang's roles that one of them runs so long.
func withRoles(pod *corev1.Pod, runtime string) *corev1.Pod {
	delete(pod.Annotations, conventions.Coscheduling().MinAvailableAnnotation)
	pod.Annotations[conventions.RoleAnnotation] = "head"
	pod.Annotations[conventions.RolesAnnotation] = fmt.Sprintf(
		`[{"name":"head","min":1},{"name":"rank","min":1,"expectedRuntime":%q}]`, runtime)
	return pod
}

// inRole returns a member of a gang whose roles another member declares.
func inRole(pod *corev1.Pod, role string) *corev1.Pod {
	delete(pod.Annotations, conventions.Coscheduling().MinAvailableAnnotation)
	pod.Annotations[conventions.RoleAnnotation] = role
	return pod
}

// ofOthers lets another scheduler schedule the pod.
func ofOthers(pod *corev1.Pod) *corev1.Pod {
	pod.Spec.SchedulerName = "another"
	return pod
}

// TestHowLongPodsRun: the smaller of what the gang states, on any member or in its roles, and the pod's own deadline. A pod without a gang
// speaks for itself. It does not matter in which order a scheduler that restarts sees them, nor whether they have a node.
func TestHowLongPodsRun(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	cases := map[string][]timed{
		"nothing is said":                     {{alone("a", "", 0), 0}},
		"a pod without a gang says it":        {{alone("a", "2h", 0), 2 * hour}},
		"it has a deadline":                   {{alone("a", "", 60), minute}},
		"the deadline is smaller":             {{alone("a", "2h", 60), minute}},
		"the deadline is larger":              {{alone("a", "10s", 60), 10 * time.Second}},
		"no duration":                         {{alone("a", "soon", 60), minute}},
		"a negative duration":                 {{alone("a", "-1h", 0), 0}},
		"a deadline that no API server takes": {{alone("a", "", 1<<62), 0}},
		"nor this":                            {{alone("a", "2h", -5), 2 * hour}},

		"one member of a gang says it":                  {{inGang("a", "0", "2h", 0), 2 * hour}, {inGang("a", "1", "", 0), 2 * hour}, {inGang("a", "2", "", 0), 2 * hour}},
		"both say it":                                   {{inGang("a", "0", "2h", 0), 2 * hour}, {inGang("a", "1", "120m", 0), 2 * hour}},
		"one says it, the other has a smaller deadline": {{inGang("a", "0", "2h", 0), 2 * hour}, {inGang("a", "1", "", 60), minute}},
		"one says it, the other has a larger deadline":  {{inGang("a", "0", "10s", 0), 10 * time.Second}, {inGang("a", "1", "", 60), 10 * time.Second}},
		"only one has a deadline":                       {{inGang("a", "0", "", 60), minute}, {inGang("a", "1", "", 0), 0}},
		"no member says it":                             {{inGang("a", "0", "", 0), 0}, {inGang("a", "1", "", 0), 0}},
		"the gang beside says it": {
			{inGang("a", "0", "", 0), 0}, {inGang("a", "1", "", 0), 0}, {inGang("b", "0", "1h", 0), hour}, {inGang("b", "1", "", 0), hour},
		},
		"members contradict each other": {{inGang("a", "0", "2h", 0), 0}, {inGang("a", "1", "1h", 60), minute}},
		"a role states it": {
			{withRoles(inGang("a", "0", "", 0), "2h"), 2 * hour},
			{inRole(inGang("a", "1", "", 0), "rank"), 2 * hour},
			{inRole(inGang("a", "2", "", 60), "rank"), minute},
		},
		"a role and another member state the same": {
			{withRoles(inGang("a", "0", "", 0), "2h"), 2 * hour}, {inRole(inGang("a", "1", "2h", 0), "rank"), 2 * hour},
		},
		"one of another scheduler speaks for itself": {
			{inGang("a", "0", "2h", 0), 2 * hour},
			{inGang("a", "1", "", 0), 2 * hour},
			{ofOthers(inGang("a", "2", "", 0)), 0},
			{ofOthers(inGang("a", "3", "1h", 0)), hour},
		},
	}
	for name, pods := range cases {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := newWaitingRoom()
				seen, bound := rapid.Permutation(pods).Draw(t, "seen in this order"), rapid.Bool().Draw(t, "they have nodes")
				for i := range seen {
					pod := seen[i].pod.DeepCopy()
					if bound {
						pod.Spec.NodeName = "n"
					}
					w.Observe(pod)
				}
				for i, got := range w.Runtimes(podsOf(pods)) {
					if got != pods[i].want {
						t.Errorf("%s runs for %s, want %s", pods[i].pod.Name, got, pods[i].want)
					}
				}
			})
		})
	}
}

func podsOf(all []timed) []*corev1.Pod {
	pods := make([]*corev1.Pod, len(all))
	for i := range all {
		pods[i] = all[i].pod
	}
	return pods
}

// TestHowLongManyPodsRun checks that each of many pods has its own answer, and that a member's ends to count with the member.
func TestHowLongManyPodsRun(t *testing.T) {
	w := newWaitingRoom()
	var all []timed
	for i := range 3000 {
		group, runs := fmt.Sprintf("g%d", i/2), time.Duration(1+i/2)*time.Second
		stated := ""
		if i%2 == 0 {
			stated = runs.String()
		}
		all = append(all, timed{inGang(group, fmt.Sprint(i%2), stated, 0), runs})
		w.Observe(all[i].pod)
	}
	got := w.Runtimes(podsOf(all))
	if len(got) != len(all) || !slices.EqualFunc(got, all, func(d time.Duration, one timed) bool { return d == one.want }) {
		t.Errorf("%d answers for %d pods: %v", len(got), len(all), got)
	}
	w.Forget(all[0].pod.UID)
	if got := w.Runtimes(podsOf(all[1:2])); got[0] != 0 {
		t.Errorf("the member that stated it is gone, and the other one runs for %s", got[0])
	}
}

// TestWhoAsksSaysForHowLong: a pod that stands for its gang asks for how long the whole gang runs; one that joins a running gang, and one
// without a gang, for itself. Slots for members that do not exist end nobody knows when.
func TestWhoAsksSaysForHowLong(t *testing.T) {
	creator := func(runtime string) *corev1.Pod {
		pod := alone("a-driver", "", 0)
		pod.Annotations[conventions.Coscheduling().GroupAnnotation] = "a"
		pod.Annotations[conventions.RoleAnnotation] = "driver"
		pod.Annotations[conventions.RolesAnnotation] = `[{"name":"driver","min":1,"creates":true},` +
			`{"name":"executor","min":2,"requests":{"cpu":"1"}` + runtime + `}]`
		return pod
	}
	running := func(pod *corev1.Pod) *corev1.Pod {
		pod.Spec.NodeName = "n"
		return pod
	}
	for name, tc := range map[string]struct {
		others []*corev1.Pod
		asks   *corev1.Pod
		want   time.Duration
	}{
		"a pod without a gang":                 {nil, alone("p", "1h", 60), time.Minute},
		"a gang that another member speaks of": {[]*corev1.Pod{inGang("a", "0", "1h", 0)}, inGang("a", "1", "", 60), time.Hour},
		"a gang with two deadlines":            {[]*corev1.Pod{inGang("a", "0", "", 120)}, inGang("a", "1", "", 60), 2 * time.Minute},
		"a gang with one deadline":             {[]*corev1.Pod{inGang("a", "0", "", 0)}, inGang("a", "1", "", 60), 0},
		"a creator, before the others exist":   {nil, creator(`,"expectedRuntime":"1h"`), 0},
		"a creator, and the others exist": {
			[]*corev1.Pod{inRole(inGang("a", "0", "", 0), "executor"), inRole(inGang("a", "1", "", 0), "executor")},
			creator(`,"expectedRuntime":"1h"`), time.Hour,
		},
		"one that joins a running gang": {
			[]*corev1.Pod{running(inGang("a", "0", "1h", 0)), running(inGang("a", "1", "", 0))}, inGang("a", "2", "", 60), time.Minute,
		},
		"one that joins and has no deadline": {
			[]*corev1.Pod{running(inGang("a", "0", "1h", 0)), running(inGang("a", "1", "", 60))}, inGang("a", "2", "", 0), time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWaitingRoom()
			for _, pod := range append(tc.others, tc.asks) {
				if pod.Spec.NodeName != "" {
					w.Observe(pod)
				} else {
					w.Enter(pod)
				}
			}
			asker := w.Asks(tc.asks)
			if asker.Runtime != tc.want {
				t.Errorf("%s asks for %s, want %s", tc.asks.Name, asker.Runtime, tc.want)
			}
			if parked, waits := w.AsksFor(asker.Key); waits && parked.Runtime != tc.want {
				t.Errorf("parked, it asks for %s, want %s", parked.Runtime, tc.want)
			}
		})
	}
}

// TestWhatIsSupposedSaysForHowLong: what does not exist, and what waits, runs as long as if it existed.
func TestWhatIsSupposedSaysForHowLong(t *testing.T) {
	pair := []*corev1.Pod{inGang("a", "0", "1h", 0), inGang("a", "1", "", 60)}
	for name, tc := range map[string]struct {
		pods []*corev1.Pod
		want time.Duration
	}{
		"a pod without a gang":          {[]*corev1.Pod{alone("p", "1h", 0)}, time.Hour},
		"a gang of which a member says": {pair, time.Hour},
		"a gang of which a role says": {
			[]*corev1.Pod{withRoles(inGang("a", "0", "", 0), "1h"), inRole(inGang("a", "1", "", 0), "rank")}, time.Hour,
		},
	} {
		w := newWaitingRoom()
		supposed, err := w.Suppose(tc.pods, nil)
		if err != nil || supposed.Runtime != tc.want {
			t.Errorf("%s: %+v, error %v; want a runtime of %s", name, supposed, err, tc.want)
		}
	}
	w := newWaitingRoom()
	for _, pod := range pair {
		w.Enter(pod)
	}
	if supposed, err := w.SupposeWaiting("default", "a", []gang.Key{}); err != nil || supposed.Runtime != time.Hour {
		t.Errorf("a gang that waits: %+v, error %v", supposed, err)
	}
}

// BenchmarkRuntimes measures how long it takes to look up how long the pods of 5,000 nodes run.
func BenchmarkRuntimes(b *testing.B) {
	w := newWaitingRoom()
	pods := make([]*corev1.Pod, 40_000)
	for i := range pods {
		stated := ""
		if i%8 == 0 {
			stated = "1h"
		}
		pods[i] = inGang(fmt.Sprintf("g%d", i/8), fmt.Sprint(i%8), stated, 0)
		pods[i].Spec.NodeName = "n"
		w.Observe(pods[i])
	}
	for b.Loop() {
		if runtimes := w.Runtimes(pods); runtimes[len(runtimes)-1] != time.Hour {
			b.Fatal(runtimes[len(runtimes)-1])
		}
	}
}
