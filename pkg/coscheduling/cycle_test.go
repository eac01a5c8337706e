package coscheduling

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	fwk "k8s.io/kube-scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// obstacle is a plugin that rejects pods or lets them wait. Where a function is nil, all pods pass.
type obstacle struct {
	reserve func(pod *corev1.Pod, node string) *fwk.Status
	permit  func(pod *corev1.Pod, node string) *fwk.Status
	preBind func(pod *corev1.Pod, node string) *fwk.Status
	// preEnqueue is asked without a node.
	preEnqueue func(pod *corev1.Pod, node string) *fwk.Status
	// bind returns Skip for pods that the next plugin is to bind.
	bind func(pod *corev1.Pod, node string) *fwk.Status

	mu sync.Mutex
	// reserved are the pods for which Reserve was called, and not Unreserve since.
	reserved map[string]string
}

const obstacleName = "Obstacle"

func (o *obstacle) Name() string { return obstacleName }

func ask(f func(*corev1.Pod, string) *fwk.Status, pod *corev1.Pod, node string) *fwk.Status {
	if f == nil {
		return nil
	}
	return f(pod, node)
}

func (o *obstacle) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	o.mu.Lock()
	o.reserved[pod.Name] = node
	o.mu.Unlock()
	return ask(o.reserve, pod, node)
}

func (o *obstacle) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.reserved, pod.Name)
}

func (o *obstacle) Permit(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) (*fwk.Status, time.Duration) {
	return ask(o.permit, pod, node), time.Minute
}

func (o *obstacle) PreBindPreFlight(context.Context, fwk.CycleState, *corev1.Pod, string) (*fwk.PreBindPreFlightResult, *fwk.Status) {
	return nil, nil
}

func (o *obstacle) PreBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	return ask(o.preBind, pod, node)
}

func (o *obstacle) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	return ask(o.preEnqueue, pod, "")
}

func (o *obstacle) Bind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if o.bind == nil {
		return fwk.NewStatus(fwk.Skip)
	}
	return o.bind(pod, node)
}

func (o *obstacle) holds() map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.reserved)
}

// running is a running scheduler with a fake API.
type running struct {
	*harness
	t *testing.T
}

// run starts a scheduler with the obstacle, on nodes with these numbers of CPUs. It calls Attach if attached is true.
func run(t *testing.T, o *obstacle, attached bool, nodes map[string]string) *running {
	t.Helper()
	return runWith(t, o, attached, nodes, func(*Plugins) {})
}

// runWith prepares the plugins before the scheduler starts.
func runWith(t *testing.T, o *obstacle, attached bool, nodes map[string]string, prepare func(*Plugins)) *running {
	t.Helper()
	o.reserved = map[string]string{}
	r := &running{harness: newHarnessWith(t, o), t: t}
	prepare(r.plugins)
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		node := st.MakeNode().Name(name).Capacity(map[corev1.ResourceName]string{"cpu": nodes[name], "memory": "64Gi", "pods": "110"}).Obj()
		if _, err := r.client.CoreV1().Nodes().Create(r.ctx, node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if attached {
		r.plugins.Attach(r.ctx, r.sched)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.informers.Start(ctx.Done())
	r.informers.WaitForCacheSync(ctx.Done())
	if err := r.sched.WaitForHandlersSync(ctx); err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() { r.sched.Run(ctx) })
	t.Cleanup(func() { cancel(); ended.Wait(); r.informers.Shutdown() })
	return r
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	asked := func(context.Context) (bool, error) { return yes(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, wait.ForeverTestTimeout, true, asked); err != nil {
		t.Fatalf("waited for %s: %v", what, err)
	}
}

// create creates the members of a gang that needs all of them.
func (r *running) create(group string, members ...string) {
	r.t.Helper()
	for i, name := range members {
		pod := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName(testProfileName).
			Req(map[corev1.ResourceName]string{"cpu": "1"}).Annotations(map[string]string{
			conventions.Coscheduling().GroupAnnotation:        group,
			conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(len(members)),
		}).Obj()
		pod.ResourceVersion = fmt.Sprint(i + 1)
		if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, pod, metav1.CreateOptions{}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// nodes returns the nodes of the bound pods, by the pods' names.
func (r *running) nodes() map[string]string {
	pods, err := r.client.CoreV1().Pods(testNamespace).List(r.ctx, metav1.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	nodes := map[string]string{}
	for i := range pods.Items {
		if node := pods.Items[i].Spec.NodeName; node != "" {
			nodes[pods.Items[i].Name] = node
		}
	}
	return nodes
}

// why returns the explanation of the only gang.
func (r *running) why() gang.Explanation {
	statuses := r.plugins.ledger.Statuses()
	if len(statuses) != 1 {
		return gang.Explanation{}
	}
	return statuses[0].Why
}

// holdsNothing waits until nothing is reserved or assumed for the gang.
func (r *running) holdsNothing(o *obstacle) {
	r.t.Helper()
	eventually(r.t, "nothing to be reserved", func() bool {
		dump := r.sched.Cache.Dump()
		return len(o.holds()) == 0 && len(dump.AssumedPods) == 0
	})
	if bound := r.nodes(); len(bound) != 0 {
		r.t.Errorf("%v are bound", bound)
	}
}

// TestARefusedReservationIsPlannedAround: the same gang cycle plans another node for the member.
func TestARefusedReservationIsPlannedAround(t *testing.T) {
	o := &obstacle{reserve: func(pod *corev1.Pod, node string) *fwk.Status {
		if pod.Name == "a-1" && node == "small" {
			return fwk.NewStatus(fwk.Unschedulable, "not here")
		}
		return nil
	}}
	r := run(t, o, true, map[string]string{"small": "2", "large": "8"})
	r.create("a", "a-0", "a-1")
	eventually(t, "the gang to start", func() bool { return len(r.nodes()) == 2 })
	if nodes := r.nodes(); nodes["a-1"] != "large" {
		t.Errorf("a-1 is on node %s, whose reservation was refused", nodes["a-1"])
	}
}

// TestReservationsThatAreAlwaysRefused end the gang cycle after some plans. The gang has the reason, and holds nothing.
func TestReservationsThatAreAlwaysRefused(t *testing.T) {
	o := &obstacle{reserve: func(pod *corev1.Pod, _ string) *fwk.Status {
		if pod.Name == "a-1" {
			return fwk.NewStatus(fwk.Unschedulable, "nowhere")
		}
		return nil
	}}
	r := run(t, o, true, map[string]string{"n1": "2", "n2": "2", "n3": "2", "n4": "2", "n5": "2"})
	r.create("a", "a-0", "a-1")
	eventually(t, "the reason", func() bool { return strings.Contains(r.why().Detail, "nowhere") })
	r.holdsNothing(o)
}

// TestAGangThatChangesWhileItIsReservedIsRetried, once all members are unreserved.
func TestAGangThatChangesWhileItIsReservedIsRetried(t *testing.T) {
	var r *running
	var once sync.Once
	o := &obstacle{}
	o.reserve = func(pod *corev1.Pod, _ string) *fwk.Status {
		if pod.Name != "a-1" {
			return nil
		}
		once.Do(func() {
			if err := r.client.CoreV1().Pods(testNamespace).Delete(r.ctx, "a-0", metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
			eventually(t, "the ledger to know that a member is gone", func() bool { return !r.plugins.ledger.Knows("a-0") })
		})
		return nil
	}
	r = run(t, o, true, map[string]string{"n": "8"})
	r.create("a", "a-0", "a-1")
	eventually(t, "the gang to be incomplete", func() bool { return r.why().Kind == gang.KindIncomplete })
	r.holdsNothing(o)
	again := st.MakePod().Namespace(testNamespace).Name("a-2").UID("a-2").SchedulerName(testProfileName).Annotations(map[string]string{
		conventions.Coscheduling().GroupAnnotation: "a", conventions.Coscheduling().MinAvailableAnnotation: "2",
	}).Obj()
	if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, again, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gang to start", func() bool { return len(r.nodes()) == 2 })
}

// TestNoMemberIsBoundIfAPluginRejectsOne, in Permit or in PreBind: all members are unreserved, and the gang has the reason.
func TestNoMemberIsBoundIfAPluginRejectsOne(t *testing.T) {
	refuse := func(pod *corev1.Pod, _ string) *fwk.Status {
		if pod.Name == "a-1" {
			return fwk.NewStatus(fwk.Unschedulable, "not this one")
		}
		return nil
	}
	for name, o := range map[string]*obstacle{
		"Permit": {permit: refuse}, "PreBind": {preBind: refuse},
		"PreBind, by an error": {preBind: func(pod *corev1.Pod, _ string) *fwk.Status {
			if pod.Name == "a-1" {
				return fwk.NewStatus(fwk.Error, "not this one")
			}
			return nil
		}},
		"Permit, while another waits there": {permit: func(pod *corev1.Pod, _ string) *fwk.Status {
			if pod.Name == "a-1" {
				return fwk.NewStatus(fwk.Unschedulable, "not this one")
			}
			return fwk.NewStatus(fwk.Wait)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, o, true, map[string]string{"n1": "2", "n2": "2"})
			r.create("a", "a-0", "a-1", "a-2")
			eventually(t, "the reason", func() bool {
				why := r.why()
				return why.Kind == gang.KindNotBound && why.Culprit == "a-1" && strings.Contains(why.Detail, "not this one")
			})
			if bound := r.nodes(); len(bound) != 0 {
				t.Errorf("%v are bound", bound)
			}
		})
	}
}

// TestAMemberThatCannotBeBoundReturnsToTheQueue, although it was not popped from there, also if another plugin keeps it out of it by then.
func TestAMemberThatCannotBeBoundReturnsToTheQueue(t *testing.T) {
	for name, gated := range map[string]bool{"and is popped again": false, "and is gated there": true} {
		t.Run(name, func(t *testing.T) {
			var r *running
			var failed atomic.Bool
			o := &obstacle{bind: func(pod *corev1.Pod, _ string) *fwk.Status {
				if pod.Name != "a-2" || failed.Load() {
					return fwk.NewStatus(fwk.Skip)
				}
				eventually(t, "the ledger to know that another member is bound", func() bool {
					return r.plugins.ledger.Statuses()[0].Count(func(s gang.MemberState) bool { return s == gang.MemberBound }) > 0
				})
				failed.Store(true)
				return fwk.NewStatus(fwk.Error, "the API server refuses it")
			}}
			o.preEnqueue = func(pod *corev1.Pod, _ string) *fwk.Status {
				if pod.Name == "a-2" && gated && failed.Load() {
					return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "gated")
				}
				return nil
			}
			r = run(t, o, true, map[string]string{"n": "8"})
			r.create("a", "a-0", "a-1", "a-2")
			eventually(t, "the bind to fail", failed.Load)
			r.create("b", "b-0", "b-1")
			want := map[bool]int{false: 5, true: 4}[gated]
			eventually(t, "all others to be bound", func() bool { return len(r.nodes()) == want })
		})
	}
}

// TestMembersWaitForAnotherPermitPlugin, which allows them later.
func TestMembersWaitForAnotherPermitPlugin(t *testing.T) {
	o := &obstacle{permit: func(*corev1.Pod, string) *fwk.Status { return fwk.NewStatus(fwk.Wait) }}
	r := run(t, o, true, map[string]string{"n": "8"})
	r.create("a", "a-0", "a-1")
	f := r.sched.Profiles[testProfileName]
	waiting := func(name string) fwk.WaitingPod { return f.GetWaitingPod(types.UID(name)) }
	eventually(t, "both to wait", func() bool { return waiting("a-0") != nil && waiting("a-1") != nil })
	waiting("a-0").Allow(obstacleName)
	if bound := r.nodes(); len(bound) != 0 {
		t.Errorf("%v are bound while one waits", bound)
	}
	waiting("a-1").Allow(obstacleName)
	eventually(t, "the gang to start", func() bool { return len(r.nodes()) == 2 })
}

// TestNominationsAreRemovedWhenMembersAreReserved: otherwise they would keep other pods off the nominated node.
func TestNominationsAreRemovedWhenMembersAreReserved(t *testing.T) {
	var r *running
	var left atomic.Int64
	o := &obstacle{preBind: func(*corev1.Pod, string) *fwk.Status {
		left.Add(int64(len(r.sched.SchedulingQueue.NominatedPodsForNode("n2"))))
		return nil
	}}
	r = run(t, o, true, map[string]string{"n1": "2", "n2": "1"})
	for i, name := range []string{"a-0", "a-1"} {
		pod := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName(testProfileName).
			Req(map[corev1.ResourceName]string{"cpu": "1"}).Annotations(map[string]string{
			conventions.Coscheduling().GroupAnnotation: "a", conventions.Coscheduling().MinAvailableAnnotation: "2",
		}).NominatedNodeName("n2").Obj()
		pod.ResourceVersion = fmt.Sprint(i + 1)
		if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the gang to start", func() bool { return len(r.nodes()) == 2 })
	if n := left.Load(); n != 0 {
		t.Errorf("%d pods are still nominated while members that are reserved wait to be bound", n)
	}
}

// TestASchedulerThatIsNotAttachedSaysSo, and schedules pods without a gang.
func TestASchedulerThatIsNotAttachedSaysSo(t *testing.T) {
	o := &obstacle{}
	r := run(t, o, false, map[string]string{"n": "8"})
	r.create("a", "a-0", "a-1")
	plain := st.MakePod().Namespace(testNamespace).Name("plain").UID("plain").SchedulerName(testProfileName).Obj()
	if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, plain, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod without a gang to start", func() bool { return r.nodes()["plain"] != "" })
	eventually(t, "a member to say why it waits", func() bool {
		for _, name := range []string{"a-0", "a-1"} {
			pod, err := r.client.CoreV1().Pods(testNamespace).Get(r.ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range pod.Status.Conditions {
				if strings.Contains(c.Message, "coscheduling.Attach") {
					return true
				}
			}
		}
		return false
	})
	if nodes := r.nodes(); len(nodes) != 1 {
		t.Errorf("%v are bound", nodes)
	}
}
