package coscheduling

import (
	stdcmp "cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

var forecasts = flag.Int("forecasts", 100, "how many forecasts TestWhatIfComesTrue compares with what then happens")

// forecaster is a cluster in which each new gang is first asked about. What is preempted is not created again.
type forecaster struct {
	*running
	random *rand.Rand
	queues []string

	mu sync.Mutex
	done
}

// done is what the scheduler has done since the last call of begin.
type done struct {
	// bound has the nodes of the pods that were bound, nominated those that they were first nominated to, and preempted says of each pod
	// that was preempted for whom.
	bound, nominated, preempted map[string]string
}

// watch notes what the scheduler does.
func (f *forecaster) watch() {
	f.client.PrependReactor("*", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch action := action.(type) {
		case clienttesting.PatchAction:
			var patch corev1.Pod
			if err := json.Unmarshal(action.GetPatch(), &patch); err != nil {
				break // it clears a field
			}
			if node := patch.Status.NominatedNodeName; node != "" && f.nominated[action.GetName()] == "" {
				f.nominated[action.GetName()] = node
			}
			for _, condition := range patch.Status.Conditions {
				if condition.Type == corev1.DisruptionTarget {
					f.preempted[action.GetName()] = condition.Message
				}
			}
		case clienttesting.CreateAction:
			if binding, ok := action.GetObject().(*corev1.Binding); ok {
				f.bound[binding.Name] = binding.Target.Name
			}
		}
		return false, nil, nil
	})
}

// seen returns what the scheduler has done since begin.
func (f *forecaster) seen() done {
	f.mu.Lock()
	defer f.mu.Unlock()
	return done{bound: maps.Clone(f.bound), nominated: maps.Clone(f.nominated), preempted: maps.Clone(f.preempted)}
}

// disturbed reports whether something was done for another gang than this one.
func (d done) disturbed(name string) bool {
	for pod := range d.bound {
		if !strings.HasPrefix(pod, name+"-") {
			return true
		}
	}
	for pod := range d.nominated {
		if !strings.HasPrefix(pod, name+"-") {
			return true
		}
	}
	for _, why := range d.preempted {
		if !strings.Contains(why, "gang "+testNamespace+"/"+name+" ") {
			return true
		}
	}
	return false
}

// busyWithOthers reports whether the scheduler has decided something for another gang than this one. It binds pods a while later, and on a
// busy machine later than those of a gang that was decided after them.
func (f *forecaster) busyWithOthers(name string) bool {
	if slices.ContainsFunc(f.plugins.slots.Holding(), func(key gang.Key) bool { return key.Name != name }) {
		return true
	}
	for _, s := range f.plugins.ledger.Statuses() {
		if s.Key.Name != name && slices.ContainsFunc(s.Members, func(m gang.MemberStatus) bool { return m.State == gang.MemberBinding }) {
			return true
		}
	}
	return f.seen().disturbed(name)
}

// nodes returns how many of the pods were planned for each node. If pods had to make room first, they may be bound to others in the end,
// because more capacity may be free then.
func (d done) nodes(pods []*corev1.Pod) map[string]int {
	on := map[string]int{}
	for _, pod := range pods {
		on[stdcmp.Or(d.nominated[pod.Name], d.bound[pod.Name])]++
	}
	return on
}

func (f *forecaster) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = done{bound: map[string]string{}, nominated: map[string]string{}, preempted: map[string]string{}}
}

// members returns the pods of a random gang that needs all of them. Some gangs have two kinds of members, some want one zone.
func (f *forecaster) members(name string) []*corev1.Pod {
	annotations := map[string]string{
		conventions.Coscheduling().GroupAnnotation: name, conventions.QueueAnnotation: f.queues[f.random.IntN(len(f.queues))],
	}
	count, priority, cpu := 1+f.random.IntN(6), f.random.Int32N(4), 1+f.random.IntN(4)
	annotations[conventions.Coscheduling().MinAvailableAnnotation] = fmt.Sprint(count)
	if f.random.IntN(3) == 0 {
		annotations[conventions.TopologyRequiredAnnotation] = "zone"
	}
	if f.random.IntN(8) == 0 {
		annotations[conventions.PreemptibleAnnotation] = string(gang.NeverPreempted)
	}
	pods := make([]*corev1.Pod, count)
	for i := range pods {
		if i == 1 && f.random.IntN(2) == 0 {
			cpu = 1 + f.random.IntN(4)
		}
		pods[i] = testPod(fmt.Sprintf("%s-%d", name, i)).SchedulerName(testProfileName).Annotations(annotations).Priority(priority).
			Req(map[corev1.ResourceName]string{"cpu": fmt.Sprint(cpu)}).CreationTimestamp(metav1.Now()).Obj()
	}
	return pods
}

// ask returns what would happen to the pods.
func (f *forecaster) ask(pods []*corev1.Pod) answers.Forecast {
	f.t.Helper()
	var asked []*corev1.Pod
	for i, pod := range pods {
		copied := pod.DeepCopy()
		copied.Name, copied.UID = fmt.Sprintf("what-if/%d", i), types.UID(fmt.Sprintf("what-if/%d", i))
		asked = append(asked, copied)
	}
	var forecast answers.Forecast
	eventually(f.t, "an answer", func() (answered bool) {
		var err error
		if forecast, err = f.plugins.WhatIf(f.ctx, asked); err != nil && !errors.Is(err, answers.ErrTooLong) { // the machine may be busy
			f.t.Fatal(err)
		}
		return err == nil
	})
	return forecast
}

// settles waits until the scheduler has tried all gangs, and knows all that has happened.
func (f *forecaster) settles() {
	f.t.Helper()
	defer f.explain("")
	eventually(f.t, "all gangs to be tried", func() bool { return f.unsettled() == "" })
}

// unsettled returns what is not settled yet, or "".
func (f *forecaster) unsettled() string {
	if holding := f.plugins.slots.Holding(); len(holding) > 0 {
		return fmt.Sprintf("capacity is held for %v", holding)
	}
	cache, known := f.sched.Cache.Dump(), map[string]string{}
	for node, info := range cache.Nodes {
		for _, nominated := range f.framework.NominatedPodsForNode(node) {
			return fmt.Sprintf("pod %s is nominated to %s", nominated.GetPod().Name, node)
		}
		for _, pod := range info.Pods {
			known[pod.GetPod().Name] = node
		}
	}
	if diff := cmp.Diff(known, f.running.nodes()); diff != "" || len(cache.AssumedPods) > 0 {
		return fmt.Sprintf("%d assumed pods, the cache and the API differ: %s", len(cache.AssumedPods), diff)
	}
	if unknown := f.unknown(); unknown != "" {
		return unknown
	}
	byGang := f.gangs()
	for _, s := range f.plugins.ledger.Statuses() {
		for _, m := range s.Members {
			if m.State == gang.MemberBinding || f.plugins.ledger.Binding(types.UID(m.UID)) {
				return fmt.Sprintf("pod %s is being bound", m.Name)
			}
		}
		waits := []gang.Kind{"", gang.KindUntried, gang.KindPreempting}
		if s.Phase != gang.Running && slices.Contains(waits, s.Why.Kind) || s.Phase == gang.Incomplete && s.Needs.Have != len(byGang[s.Key.Name]) {
			return fmt.Sprintf("gang %s is %s: %s", s.Key.Name, s.Phase, s.Why.Kind)
		}
	}
	return ""
}

// gangs returns the names of the pods of each gang.
func (f *forecaster) gangs() map[string][]string {
	pods, err := f.client.CoreV1().Pods(testNamespace).List(f.ctx, metav1.ListOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	byGang := map[string][]string{}
	for i := range pods.Items {
		name := pods.Items[i].Annotations[conventions.Coscheduling().GroupAnnotation]
		byGang[name] = append(byGang[name], pods.Items[i].Name)
	}
	return byGang
}

// unknown returns by which pods of gangs the ledger and the API differ, or "".
func (f *forecaster) unknown() string {
	known := map[string][]string{}
	for _, s := range f.plugins.ledger.Statuses() {
		known[s.Key.Name] = []string{}
		for _, m := range s.Members {
			known[s.Key.Name] = append(known[s.Key.Name], m.Name)
		}
	}
	return cmp.Diff(known, f.gangs(), cmpopts.SortSlices(stdcmp.Less[string]))
}

// endSome deletes gangs at random, so that the cluster is neither empty nor full of what waits.
func (f *forecaster) endSome() {
	byGang := f.gangs()
	for len(byGang) > 14 {
		names := slices.Sorted(maps.Keys(byGang))
		name := names[f.random.IntN(len(names))]
		for _, pod := range byGang[name] {
			_ = f.client.CoreV1().Pods(testNamespace).Delete(f.ctx, pod, metav1.DeleteOptions{}) // it may have been preempted a moment ago
		}
		delete(byGang, name)
	}
	eventually(f.t, "the ledger to know", func() bool { return f.unknown() == "" })
}

// TestWhatIfComesTrue asks about random gangs, creates them, and compares the answers with what then happens: which nodes they get, which
// pods are preempted for them, or that they wait.
func TestWhatIfComesTrue(t *testing.T) {
	for name, queues := range map[string][]queue.Queue{
		"without queues": nil,
		"with queues": {
			queued("a", func(q *queue.Queue) { q.Guarantee = queue.Amounts{"cpu": 12_000} }),
			queued("b", func(q *queue.Queue) { q.Weight = 2; q.Limit = queue.Amounts{"cpu": 24_000} }),
			queued("c", func(q *queue.Queue) { q.Priority = 5 }),
		},
	} {
		t.Run(name, func(t *testing.T) { runForecasts(t, queues) })
	}
}

func runForecasts(t *testing.T, queues []queue.Queue) {
	f := &forecaster{random: rand.New(rand.NewPCG(3, 4)), queues: []string{queue.Default}}
	f.begin()
	f.running = runWith(t, &obstacle{}, true, nil, func(*Plugins) {})
	for i := range 8 {
		node := st.MakeNode().Name(fmt.Sprintf("n%d", i)).Label("zone", fmt.Sprintf("z%d", i%3)).
			Capacity(map[corev1.ResourceName]string{"cpu": "8", "memory": "64Gi", "pods": "110"}).Obj()
		if _, err := f.client.CoreV1().Nodes().Create(f.ctx, node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the nodes to be known", func() bool { return f.sched.Cache.NodeCount() == 8 })
	if len(queues) > 0 {
		f.configure(queues...)
		f.queues = nil
		for i := range queues {
			f.queues = append(f.queues, queues[i].Name)
		}
	}
	f.watch()
	outcomes, outcomesAgain, disturbed := map[answers.Outcome]int{}, map[answers.Outcome]int{}, 0
	total := *forecasts
	if len(queues) > 0 {
		total /= 4 // the scheduler says only after a second that a limit keeps a gang from starting
	}
	if testing.Short() {
		total /= 4
	}
	for i := range total {
		f.endSome()
		f.settles()
		f.askAgain(outcomesAgain)
		f.settles() // the gang that was asked about may have started
		pods := f.members(fmt.Sprintf("g%d", i))
		f.begin()
		forecast := f.askTwice(pods)
		f.create(pods)
		if f.compare(forecast, pods) {
			outcomes[forecast.Outcome]++
		} else {
			disturbed++
		}
	}
	if disturbed > total/5 {
		t.Errorf("%d of %d gangs could not be compared: something else happened meanwhile", disturbed, total)
	}
	t.Log(outcomes, disturbed, outcomesAgain)
	if outcomesAgain[answers.Waits] == 0 && !testing.Short() {
		t.Error("no gang that waits was asked about")
	}
	for _, want := range []answers.Outcome{answers.Waits, answers.StartsAfterPreemption, answers.Starts} {
		if outcomes[want] == 0 && !testing.Short() { // a short run has few gangs
			t.Errorf("no gang had the outcome %s", want)
		}
	}
}

// askTwice asks until two answers in a row are the same: the scheduler may learn of what happened before a while later than this test does.
func (f *forecaster) askTwice(pods []*corev1.Pod) (forecast answers.Forecast) {
	eventually(f.t, "two answers that are the same", func() bool {
		before := forecast
		forecast = f.ask(pods)
		return cmp.Equal(before, forecast, cmpopts.IgnoreFields(answers.Forecast{}, "At", "StartsAt"))
	})
	return forecast
}

func (f *forecaster) create(pods []*corev1.Pod) {
	for _, pod := range pods {
		if _, err := f.client.CoreV1().Pods(testNamespace).Create(f.ctx, pod.DeepCopy(), metav1.CreateOptions{}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// compare waits for what a forecast says, and fails if something else happens. It returns false if the scheduler did something for another
// gang meanwhile: then the cluster is not the one that was asked about.
func (f *forecaster) compare(forecast answers.Forecast, pods []*corev1.Pod) bool {
	f.t.Helper()
	name := pods[0].Annotations[conventions.Coscheduling().GroupAnnotation]
	what := fmt.Sprintf("gang %s of %d, for which the forecast is %+v", name, len(pods), forecast)
	waits := forecast.Outcome == answers.Waits || forecast.Outcome == answers.Rejected
	var seen done
	defer f.explain(name)
	eventually(f.t, what+", to be tried", func() bool {
		seen = f.seen()
		// What goes with a victim on a node of the plan may end after the gang has started on what was free earlier.
		return seen.disturbed(name) || waits && f.waits(name) ||
			len(seen.bound) >= len(pods) && len(seen.preempted) >= len(forecast.Victims)
	})
	if seen.disturbed(name) || f.busyWithOthers(name) {
		return false
	}
	want, victims := map[string]int{}, []string{}
	for _, node := range forecast.Nodes {
		want[node.Name] = node.Pods
	}
	for _, victim := range forecast.Victims {
		victims = append(victims, victim.Name)
	}
	slices.Sort(victims)
	got := map[string]int{}
	if len(seen.bound) > 0 {
		got = seen.nodes(pods)
	}
	if diff := cmp.Diff(want, got) + cmp.Diff(victims, append([]string{}, slices.Sorted(maps.Keys(seen.preempted))...)); diff != "" {
		f.t.Fatalf("%s: nodes or victims (-forecast +real):\n%s\n%+v", what, diff, seen)
	}
	return true
}

// waits reports whether a gang was tried and waits.
func (f *forecaster) waits(name string) bool {
	for _, s := range f.plugins.ledger.Statuses() {
		if s.Key.Name == name {
			return s.Phase == gang.Ready && s.Why.Kind != "" && s.Why.Kind != gang.KindUntried
		}
	}
	return false
}
