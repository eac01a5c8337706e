package coscheduling

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// atOnce sets capacity aside for gangs as soon as they do not fit.
const atOnce = time.Nanosecond

// waits runs a scheduler that sets capacity aside after this time.
func waits(t *testing.T, maxWait time.Duration, nodes map[string]string) *running {
	t.Helper()
	return runWith(t, &obstacle{}, true, nodes, func(p *Plugins) {
		p.ledger.SetMaxWait(func(gang.Key) time.Duration { return maxWait })
	})
}

// pod creates a pod without a gang.
func (r *running) pod(name, cpu string, change func(*st.PodWrapper)) {
	r.t.Helper()
	p := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName(testProfileName).
		Req(map[corev1.ResourceName]string{"cpu": cpu})
	if change != nil {
		change(p)
	}
	if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, p.Obj(), metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
}

// members creates the members of a gang, each with so many CPUs.
func (r *running) members(group string, count int, cpu string, change func(*st.PodWrapper)) {
	r.t.Helper()
	for i := range count {
		r.pod(fmt.Sprintf("%s-%d", group, i), cpu, func(p *st.PodWrapper) {
			p.Annotations(map[string]string{
				conventions.Coscheduling().GroupAnnotation:        group,
				conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(count),
			})
			if change != nil {
				change(p)
			}
		})
	}
}

func runs(runtime string) func(*st.PodWrapper) {
	return func(p *st.PodWrapper) { p.Annotation(conventions.ExpectedRuntimeAnnotation, runtime) }
}

func (r *running) end(pod string) {
	r.t.Helper()
	if err := r.client.CoreV1().Pods(testNamespace).Delete(r.ctx, pod, metav1.DeleteOptions{}); err != nil {
		r.t.Fatal(err)
	}
}

// started reports whether all these pods have a node.
func (r *running) started(pods ...string) bool {
	nodes := r.nodes()
	return !slices.ContainsFunc(pods, func(pod string) bool { return nodes[pod] == "" })
}

// aside returns what is set aside for the gang, or "".
func (r *running) aside(group string) string {
	for _, s := range r.plugins.ledger.Statuses() {
		if s.Key.Name == group && s.SetAside != nil {
			return fmt.Sprintf("%d of %d after %s", s.SetAside.Held, s.SetAside.Of, s.SetAside.After)
		}
	}
	return ""
}

func (r *running) asideFor(group string) []string {
	return r.plugins.slots.AsideFor(gang.Key{Namespace: testNamespace, Name: group, Convention: conventions.Coscheduling().Name})
}

// due returns who has been passed by for too long.
func (r *running) due() []ledger.Waiting {
	return r.plugins.ledger.Due(10, func(gang.Key) ledger.Grouped { return ledger.Grouped{} })
}

// placeholders returns how many pods in the scheduler's cache stand for capacity that is set aside.
func (r *running) placeholders() int {
	n := 0
	for _, node := range r.sched.Cache.Dump().Nodes {
		for _, info := range node.Pods {
			if strings.HasPrefix(string(info.GetPod().UID), "kubenexus.io/aside/") {
				n++
			}
		}
	}
	return n
}

// stream keeps so many pods without a gang waiting, and ends the one that has run longest again and again, as soon as the nodes have been
// full. If it is patient, it waits each time until they are full again, so that a scheduler that is slow leaves no more room than one
// pod's. It returns the number of pods that have ended.
func (r *running) stream(waiting, full int, patient bool) func() int {
	var mu sync.Mutex
	ended := 0
	stop, stopped := make(chan struct{}), make(chan struct{})
	r.t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		for next := 0; ; {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			pods, err := r.client.CoreV1().Pods(testNamespace).List(r.ctx, metav1.ListOptions{LabelSelector: "stream"})
			if err != nil {
				return
			}
			var run []string
			for i := range pods.Items {
				if pods.Items[i].Spec.NodeName != "" {
					run = append(run, pods.Items[i].Name)
				}
			}
			for range waiting - (len(pods.Items) - len(run)) {
				name := fmt.Sprintf("stream-%06d", next)
				next++
				p := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName(testProfileName).Label("stream", "").
					Req(map[corev1.ResourceName]string{"cpu": "1"}).Obj()
				if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, p, metav1.CreateOptions{}); err != nil {
					return
				}
			}
			if len(run) > 0 && next > full && (!patient || len(run) >= full) {
				if err := r.client.CoreV1().Pods(testNamespace).Delete(r.ctx, slices.Min(run), metav1.DeleteOptions{}); err != nil {
					return
				}
				mu.Lock()
				ended++
				mu.Unlock()
			}
		}
	}()
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return ended
	}
}

// TestAGangOfHalfTheClusterStartsBesideAStreamOfPods, which never starts without capacity set aside.
func TestAGangOfHalfTheClusterStartsBesideAStreamOfPods(t *testing.T) {
	for name, maxWait := range map[string]time.Duration{"with capacity set aside": 200 * time.Millisecond, "without": 0} {
		t.Run(name, func(t *testing.T) {
			r := waits(t, maxWait, map[string]string{"n1": "4", "n2": "4", "n3": "4", "n4": "4"})
			ended := r.stream(8, 16, maxWait == 0)
			eventually(t, "the stream to fill the cluster", func() bool { return ended() > 16 })
			r.members("a", 2, "4", nil)
			if maxWait > 0 {
				eventually(t, "the gang to start", func() bool { return r.started("a-0", "a-1") })
				return
			}
			before := ended()
			eventually(t, "the stream to go on", func() bool { return ended() > before+300 })
			if r.started("a-0") || r.started("a-1") {
				t.Error("the gang started, so the stream proves nothing")
			}
		})
	}
}

// TestALargePodStartsBesideAStreamOfSmallOnes: a pod without a gang is a gang of one.
func TestALargePodStartsBesideAStreamOfSmallOnes(t *testing.T) {
	r := waits(t, 200*time.Millisecond, map[string]string{"n1": "4", "n2": "4"})
	ended := r.stream(8, 8, false)
	eventually(t, "the stream to fill the cluster", func() bool { return ended() > 8 })
	r.pod("large", "4", nil)
	eventually(t, "the pod to start", func() bool { return r.started("large") })
	eventually(t, "nothing to be set aside any more", func() bool { return r.placeholders() == 0 })
}

// TestOnlyWhatEndsInTimeUsesCapacitySetAside: a pod that runs as long as the gang waits at most, or that has a higher priority.
func TestOnlyWhatEndsInTimeUsesCapacitySetAside(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	r.pod("long", "4", runs("1h"))
	eventually(t, "the pod to run", func() bool { return r.started("long") })
	r.members("a", 2, "4", nil)
	eventually(t, "capacity to be set aside", func() bool { return r.aside("a") == "1 of 2 after pod default/long" })
	r.pod("too-long", "1", runs("2h"))
	r.pod("unknown", "1", nil)
	r.pod("short", "1", runs("30m"))
	r.pod("deadline", "1", func(p *st.PodWrapper) { p.Obj().Spec.ActiveDeadlineSeconds = new(int64(60)) })
	r.members("g", 1, "1", runs("10m"))
	eventually(t, "the short ones to run", func() bool { return r.started("short", "deadline", "g-0") })
	if r.started("too-long") || r.started("unknown") {
		t.Errorf("a pod that may run too long uses the capacity: %v", r.nodes())
	}
	r.pod("important", "1", func(p *st.PodWrapper) { p.Priority(10) })
	eventually(t, "the more important pod to run", func() bool { return r.started("important") })
}

// TestCapacityIsSetAsideAnewIfItsNodeIsGone.
func TestCapacityIsSetAsideAnewIfItsNodeIsGone(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4", "n3": "4"})
	for i := range 3 {
		r.pod(fmt.Sprintf("r%d", i), "3", nil)
	}
	eventually(t, "the pods to run", func() bool { return r.started("r0", "r1", "r2") })
	r.members("a", 1, "4", nil)
	eventually(t, "capacity to be set aside", func() bool { return len(r.asideFor("a")) == 1 })
	gone := r.asideFor("a")[0]
	if err := r.client.CoreV1().Nodes().Delete(r.ctx, gone, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another node", func() bool { on := r.asideFor("a"); return len(on) == 1 && on[0] != gone })
	for pod, node := range r.nodes() {
		if node == r.asideFor("a")[0] {
			r.end(pod)
		}
	}
	eventually(t, "the gang to start", func() bool { return r.started("a-0") })
}

// TestWhatIsSetAsideForAGangIsFreeOnceTheGangIsGone, and the cache is as it was before.
func TestWhatIsSetAsideForAGangIsFreeOnceTheGangIsGone(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	r.pod("r", "1", nil)
	eventually(t, "the pod to run", func() bool { return r.started("r") })
	r.members("a", 2, "4", nil)
	eventually(t, "capacity to be set aside", func() bool { return len(r.asideFor("a")) == 2 })
	r.pod("waits", "4", nil)
	eventually(t, "the pod to be refused", func() bool { return len(r.due()) == 2 && r.placeholders() == 2 })
	r.end("a-0")
	r.end("a-1")
	eventually(t, "the pod that waited to run", func() bool { return r.started("waits") })
	eventually(t, "nothing to be assumed", func() bool { return len(r.sched.Cache.Dump().AssumedPods) == 0 })
	used := int64(0)
	for _, node := range r.sched.Cache.Dump().Nodes {
		used += node.Requested.MilliCPU
	}
	if used != 5000 {
		t.Errorf("%dm CPUs are in use, want 5000m", used)
	}
}

// TestAGangOfHigherPriorityComesFirst: capacity is set aside for one gang of a pool at a time, the first in the order.
func TestAGangOfHigherPriorityComesFirst(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	high := func(p *st.PodWrapper) { p.Priority(10) } // nothing that waits preempts these
	r.pod("r1", "1", high)
	r.pod("r2", "4", high)
	eventually(t, "the pods to run", func() bool { return r.started("r1", "r2") })
	r.members("a", 2, "3", nil)
	eventually(t, "capacity to be set aside", func() bool { return r.aside("a") == "1 of 2 after " })
	r.members("b", 2, "4", high)
	eventually(t, "capacity to be set aside for the other gang", func() bool { return r.aside("b") == "0 of 2 after " && r.aside("a") == "" })
	r.end("r2")
	r.end("r1")
	eventually(t, "the gang of higher priority to start", func() bool { return r.started("b-0", "b-1") })
	eventually(t, "the other gang to be next", func() bool { return r.aside("a") == "0 of 2 after " })
}

// TestOneGangInEachPool: gangs that can use different nodes do not wait for each other.
func TestOneGangInEachPool(t *testing.T) {
	r := waits(t, atOnce, map[string]string{"n1": "4", "n2": "4"})
	on := r.inPools("n1", "n2")
	r.pod("r-n1", "1", on("n1"))
	r.pod("r-n2", "1", on("n2"))
	eventually(t, "the pods to run", func() bool { return r.started("r-n1", "r-n2") })
	r.members("a", 1, "4", on("n1"))
	r.members("b", 1, "4", on("n1"))
	r.members("c", 1, "4", on("n2"))
	eventually(t, "capacity to be set aside in each pool", func() bool {
		return r.aside("a") == "0 of 1 after " && r.aside("c") == "0 of 1 after "
	})
	if on := slices.Concat(r.asideFor("a"), r.asideFor("b"), r.asideFor("c")); !slices.Equal(on, []string{"n1", "n2"}) {
		t.Errorf("set aside on %v", on)
	}
}

// TestARestartSetsTheSameAside: a gang that was created long ago need not wait again.
func TestARestartSetsTheSameAside(t *testing.T) {
	long := metav1.NewTime(time.Now().Add(-time.Hour))
	r := waits(t, 30*time.Minute, map[string]string{"n1": "4", "n2": "4"})
	r.pod("r", "1", func(p *st.PodWrapper) { p.Annotation(conventions.ExpectedRuntimeAnnotation, "1h") })
	eventually(t, "the pod to run", func() bool { return r.started("r") })
	r.members("a", 2, "4", func(p *st.PodWrapper) { p.CreationTimestamp(long) })
	eventually(t, "capacity to be set aside", func() bool { return r.aside("a") == "1 of 2 after pod default/r" })
	r.pod("large", "4", func(p *st.PodWrapper) { p.CreationTimestamp(metav1.NewTime(long.Add(time.Minute))) })
	eventually(t, "the pod to be next", func() bool {
		due := r.due()
		return len(due) == 2 && due[1].Key.Instance == string(types.UID("large"))
	})
}
