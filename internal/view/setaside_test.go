package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

var testNow = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// runsFor makes a pod that started at testNow and runs so long.
func runsFor(runtime time.Duration) func(*st.PodWrapper) {
	return func(p *st.PodWrapper) {
		p.Annotation(conventions.ExpectedRuntimeAnnotation, runtime.String()).StartTime(metav1.NewTime(testNow))
	}
}

// occupied returns a cluster of nodes with 4 CPUs each, on which pods run: the CPUs of each, by node.
func occupied(nodes ...[]string) *world {
	w := &world{}
	for i, pods := range nodes {
		name := fmt.Sprintf("n%d", i)
		w.nodes = append(w.nodes, testNode(name, "z0", map[corev1.ResourceName]string{
			corev1.ResourceCPU: "4", corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "10",
		}).Obj())
		for j, cpu := range pods {
			w.running = append(w.running, testPod(fmt.Sprintf("r%d-%d", i, j)).Node(name).
				Req(map[corev1.ResourceName]string{corev1.ResourceCPU: cpu}).Obj())
		}
	}
	return w
}

// change changes the running pod of this name.
func (w *world) change(name string, change func(*st.PodWrapper)) {
	i := slices.IndexFunc(w.running, func(p *corev1.Pod) bool { return p.Name == name })
	p := &st.PodWrapper{Pod: *w.running[i]}
	change(p)
	w.running[i] = p.Obj()
}

func (w *world) asideRequest(on ...string) AsideRequest {
	return AsideRequest{
		Task: w.task(), Now: testNow, Aside: on,
		Free:   func([]string) bool { return true },
		GangOf: func(*corev1.Pod) (gang.Key, bool) { return gang.Key{}, false },
	}
}

// found is what a test looks at.
type found struct {
	Nodes      []string
	Held       int
	After      string
	CouldStart time.Duration
}

func (h *harness) setAside(t *testing.T, w *world, on ...string) found {
	t.Helper()
	h.set(t, w)
	request := w.asideRequest(on...)
	request.GangOf = func(pod *corev1.Pod) (gang.Key, bool) { return h.planner.Ledger.GangOf(pod.UID) }
	plan, ok, err := h.planner.SetAside(h.ctx, request)
	must(t, err)
	if !ok {
		return found{}
	}
	f := found{Held: plan.Held, After: plan.After}
	for _, s := range plan.Slots {
		f.Nodes = append(f.Nodes, s.Node)
	}
	slices.Sort(f.Nodes)
	if !plan.CouldStart.IsZero() {
		f.CouldStart = plan.CouldStart.Sub(testNow)
	}
	return f
}

// TestWhatIsSetAside: the fewest pods are waited for, those with a known end first.
func TestWhatIsSetAside(t *testing.T) {
	full := []string{"1", "1", "1", "1"}
	stays := func(p *st.PodWrapper) { p.Spec.RestartPolicy = corev1.RestartPolicyAlways }
	for _, tc := range []struct {
		name string
		// nodes are the CPUs of the pods on each; change changes them.
		nodes  [][]string
		change func(*world)
		// members and cpu are the gang's.
		members int
		cpu     string
		aside   []string
		want    found
	}{
		{
			name: "nothing is waited for", nodes: [][]string{{}}, members: 1, cpu: "4",
			want: found{Nodes: []string{"n0"}, Held: 1},
		},
		{
			name: "no end is known: the node with the fewest pods", nodes: [][]string{full, {"3"}}, members: 1, cpu: "4",
			want: found{Nodes: []string{"n1"}},
		},
		{
			name: "a known end comes before unknown ones", nodes: [][]string{{"3"}, {"2", "2"}}, members: 1, cpu: "4",
			change: func(w *world) {
				w.change("r1-0", runsFor(time.Hour))
				w.change("r1-1", runsFor(2*time.Hour))
			},
			want: found{Nodes: []string{"n1"}, After: "pod default/r1-1", CouldStart: 2 * time.Hour},
		},
		{
			name: "the earliest of the known ends", nodes: [][]string{{"4"}, {"4"}, {}}, members: 2, cpu: "4",
			change: func(w *world) {
				w.change("r0-0", runsFor(2*time.Hour))
				w.change("r1-0", runsFor(time.Hour))
			},
			want: found{Nodes: []string{"n1", "n2"}, Held: 1, After: "pod default/r1-0", CouldStart: time.Hour},
		},
		{
			name: "an end that is overdue", nodes: [][]string{{"4"}}, members: 1, cpu: "4",
			change: func(w *world) {
				w.change("r0-0", func(p *st.PodWrapper) {
					p.Annotation(conventions.ExpectedRuntimeAnnotation, "1h").StartTime(metav1.NewTime(testNow.Add(-2 * time.Hour)))
				})
			},
			want: found{Nodes: []string{"n0"}, After: "pod default/r0-0"},
		},
		{
			name: "one end is unknown: what could be known is", nodes: [][]string{{"4"}, {"4"}}, members: 2, cpu: "4",
			change: func(w *world) { w.change("r0-0", runsFor(time.Hour)) },
			want:   found{Nodes: []string{"n0", "n1"}, CouldStart: time.Hour},
		},
		{
			name: "but not if the pod is in nobody's way", nodes: [][]string{{"2"}, {"4"}}, members: 2, cpu: "2",
			change: func(w *world) { w.change("r0-0", runsFor(time.Hour)) },
			want:   found{Nodes: []string{"n0", "n0"}, Held: 1, After: "pod default/r0-0", CouldStart: time.Hour},
		},
		{
			name: "a pod that is being deleted ends", nodes: [][]string{{"4"}, {"4"}}, members: 1, cpu: "4",
			change: func(w *world) {
				deleted := metav1.NewTime(testNow.Add(30 * time.Second))
				w.change("r1-0", func(p *st.PodWrapper) { p.DeletionTimestamp = &deleted })
			},
			want: found{Nodes: []string{"n1"}, After: "pod default/r1-0", CouldStart: 30 * time.Second},
		},
		{
			name: "one that hangs may never end", nodes: [][]string{{"4"}, {"4"}}, members: 1, cpu: "4",
			change: func(w *world) {
				deleted := metav1.NewTime(testNow.Add(-time.Hour))
				w.change("r0-0", func(p *st.PodWrapper) { p.DeletionTimestamp = &deleted })
				w.change("r1-0", runsFor(time.Hour))
			},
			want: found{Nodes: []string{"n1"}, After: "pod default/r1-0", CouldStart: time.Hour},
		},
		{
			name: "pods of DaemonSets stay", nodes: [][]string{{"1"}, {"2", "2"}}, members: 1, cpu: "4",
			change: func(w *world) {
				w.change("r0-0", func(p *st.PodWrapper) {
					p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "d", Controller: new(true)}}
				})
			},
			want: found{Nodes: []string{"n1"}},
		},
		{
			name: "pods that restart come last", nodes: [][]string{{"4"}, full}, members: 1, cpu: "4",
			change: func(w *world) { w.change("r0-0", stays) },
			want:   found{Nodes: []string{"n1"}},
		},
		{
			name: "capacity that is set aside stays where it is", nodes: [][]string{full, {"3"}}, members: 1, cpu: "4", aside: []string{"n0"},
			want: found{Nodes: []string{"n0"}},
		},
		{
			name: "unless it is free elsewhere", nodes: [][]string{{"1"}, {}}, members: 1, cpu: "4", aside: []string{"n0"},
			want: found{Nodes: []string{"n1"}, Held: 1},
		},
		{name: "nothing helps", nodes: [][]string{full}, members: 2, cpu: "4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := occupied(tc.nodes...)
			w.join("a", tc.members, tc.cpu, nil)
			if tc.change != nil {
				tc.change(w)
			}
			if diff := cmp.Diff(tc.want, newHarness(t).setAside(t, w, tc.aside...)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// servesGangs lets the ledger read the gangs of all pods.
func (h *harness) servesGangs() {
	h.planner.Ledger.Serve("", conventions.Coscheduling().Name, ledger.Defaults{})
}

// TestAGangEndsWhenOneMemberSays: how long a gang runs counts for those of its pods that do not say it, and the plan names the gang.
func TestAGangEndsWhenOneMemberSays(t *testing.T) {
	inGang := func(name string) func(*st.PodWrapper) {
		return func(p *st.PodWrapper) {
			p.Annotation(conventions.Coscheduling().GroupAnnotation, name).Annotation(conventions.Coscheduling().MinAvailableAnnotation, "2").
				StartTime(metav1.NewTime(testNow))
		}
	}
	for name, tc := range map[string]struct {
		change func(*world)
		want   found
	}{
		"nobody says it": {func(*world) {}, found{Nodes: []string{"n0", "n1"}}},
		"one member says it": {
			func(w *world) { w.change("r0-0", runsFor(time.Hour)) },
			found{Nodes: []string{"n0", "n1"}, After: "gang default/x", CouldStart: time.Hour},
		},
		"the other one has a deadline": {
			func(w *world) {
				w.change("r0-0", runsFor(time.Hour))
				w.change("r1-0", func(p *st.PodWrapper) { p.Spec.ActiveDeadlineSeconds = new(int64(60)) })
			},
			found{Nodes: []string{"n0", "n1"}, After: "gang default/x", CouldStart: time.Hour},
		},
		"one of another gang does not": {
			func(w *world) {
				w.change("r0-0", runsFor(time.Hour))
				w.change("r1-0", inGang("y"))
			},
			found{Nodes: []string{"n0", "n1"}, CouldStart: time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, w := newHarness(t), occupied([]string{"4"}, []string{"4"})
			h.servesGangs()
			w.change("r0-0", inGang("x"))
			w.change("r1-0", inGang("x"))
			tc.change(w)
			for _, pod := range w.running {
				h.planner.Ledger.Observe(pod)
			}
			w.join("a", 2, "4", nil)
			if diff := cmp.Diff(tc.want, h.setAside(t, w)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestTheFewestPodsAreWaitedFor: the gang fits in a cluster without the pods that are waited for, and not if the last of them is still
// there.
func TestTheFewestPodsAreWaitedFor(t *testing.T) {
	h := newHarness(t)
	results := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := dice(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") })
		w := drawWorld(d, true)
		w.nominations = nil
		for range len(w.nodes) * 2 {
			w.running = append(w.running, drawRunning(d, w, fmt.Sprintf("f%d", len(w.running))))
		}
		for _, p := range w.running {
			if d.one(3) {
				w.change(p.Name, runsFor(time.Duration(1+d(100))*time.Minute))
			}
		}
		s := &search{view: h.view(t, w), request: w.asideRequest(), ledger: h.planner.Ledger}
		s.findPool()
		ended, found := s.find()
		if s.err != nil {
			t.Fatalf("%v", s.err)
		}
		fits := func(ended int) bool {
			gone := map[string]bool{}
			for _, r := range s.releases[:ended] {
				gone[s.infos[r.Pod].GetPod().Name] = true
			}
			left := *w
			left.running = slices.DeleteFunc(slices.Clone(w.running), func(p *corev1.Pod) bool { return gone[p.Name] })
			h.set(t, &left)
			return h.plan(t, left.task()).Finding == nil
		}
		switch {
		case !found:
			results["never"]++
			if fits(len(s.releases)) {
				t.Fatalf("nothing found, but the gang fits once all pods have ended\n%s", w)
			}
		case !fits(ended):
			t.Fatalf("the gang does not fit once %d pods have ended\n%s", ended, w)
		case ended > 0:
			results["later"]++
			if fits(ended - 1) {
				t.Fatalf("the gang fits once %d pods have ended, one less than found\n%s", ended-1, w)
			}
		default:
			results["now"]++
		}
	})
	for _, result := range []string{"never", "later", "now"} {
		if results[result] == 0 {
			t.Errorf("no case with the result %q: %v", result, results)
		}
	}
}

// BenchmarkSetAside measures how long it takes to find what a gang of half of a full cluster waits for. Each running pod is a gang that the
// ledger knows.
func BenchmarkSetAside(b *testing.B) {
	for _, nodes := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			h := newHarness(b)
			h.servesGangs()
			w := benchWorld(nodes, false)
			w.running = nil
			random := rand.New(rand.NewPCG(1, 2))
			for i := range 8 * nodes {
				p := testPod(fmt.Sprintf("r%d", i)).Node(w.nodes[i/8].Name).Req(map[corev1.ResourceName]string{corev1.ResourceCPU: "1"})
				if i%2 == 0 {
					runsFor(time.Duration(random.IntN(3600)) * time.Second)(p)
				}
				p.Annotation(conventions.Coscheduling().GroupAnnotation, p.Obj().Name).
					Annotation(conventions.Coscheduling().MinAvailableAnnotation, "1")
				w.running = append(w.running, p.Obj())
				h.planner.Ledger.Observe(p.Obj())
			}
			w.join("a", nodes/2, "8", nil)
			h.set(b, w)
			for b.Loop() {
				if _, found, err := h.planner.SetAside(h.ctx, w.asideRequest()); err != nil || !found {
					b.Fatal(found, err)
				}
			}
		})
	}
}
