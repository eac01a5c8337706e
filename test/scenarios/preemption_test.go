package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// rooms has nodes full of a gang with a low priority whose members end slowly, and a scheduler that may be killed.
type rooms struct {
	*scenario
	scheduler *process.Scheduler
}

// roomClass is a PriorityClass of these tests.
type roomClass string

const (
	noClass  roomClass = ""
	high     roomClass = "high-room"
	highest  roomClass = "highest-room"
	roomCPUs           = 4
)

// newRooms starts a scheduler, and fills so many nodes with gangs of low pods, one on each node.
func newRooms(t *testing.T, name string, nodes int) *rooms {
	t.Helper()
	r := &rooms{scenario: newScenario(t, name)}
	r.startAnother()
	r.classes(map[roomClass]int32{high: 1000, highest: 2000})
	if err := suite.plane.AddNodes(r.ctx, "node", nodes, smallNode); err != nil {
		t.Fatal(err)
	}
	r.awaitNodes(ours)
	return r
}

func (r *rooms) startAnother() {
	r.t.Helper()
	r.scheduler = startScheduler(r.t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2",
		"--authorization-always-allow-paths=/livez,/readyz,/metrics")
}

// classes creates priority classes, which go with the test.
func (s *scenario) classes(values map[roomClass]int32) {
	s.t.Helper()
	for name, value := range values {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: string(name)}, Value: value}
		if _, err := suite.client.SchedulingV1().PriorityClasses().Create(s.ctx, class, metav1.CreateOptions{}); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { deletePriorityClass(s.t, class.Name) })
		s.awaitPriorityClass(class.Name)
	}
}

// full fills so many nodes with gangs that end slowly, one for each node, and waits until they run.
func (r *rooms) full(prefix string, nodes int) {
	r.t.Helper()
	for i := range nodes {
		name := fmt.Sprintf("%s%d", prefix, i)
		r.ranked(name, roomCPUs, noClass, slow)
		r.boundIs(r.t, name, roomCPUs)
	}
}

// ranked creates a gang with a priority whose members request 1 CPU each.
func (s *scenario) ranked(name string, members int, class roomClass, needs ...func(*corev1.Pod)) {
	s.t.Helper()
	for i := range members {
		pod := podSpec{
			namespace: s.namespace, name: fmt.Sprintf("%s-%d", name, i), cpu: "1", scheduler: ours, priorityClass: string(class),
			annotations: gangAnnotations(name, members),
		}.pod()
		for _, need := range needs {
			need(pod)
		}
		if err := create(s, pod); err != nil {
			s.t.Fatal(err)
		}
	}
}

// awaitsPods waits until a gang says for how many pods it waits.
func (r *rooms) awaitsPods(group string, pods int) {
	r.t.Helper()
	r.waitsWith(r.t, group+"-0", fmt.Sprintf("waits for %d pods to end", pods))
}

// victims returns the groups of the pods that are being deleted, and how many pods each has.
func (r *rooms) victims() map[string]int {
	r.t.Helper()
	pods, err := suite.client.CoreV1().Pods(r.namespace).List(r.ctx, metav1.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	victims := map[string]int{}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp != nil {
			victims[pods.Items[i].Labels[groupLabel]]++
		}
	}
	return victims
}

// victimsAre waits until these are the victims.
func (r *rooms) victimsAre(want string) {
	r.t.Helper()
	process.Within(r.t, patience, "the victims to be "+want, func() (bool, string) {
		now := fmt.Sprint(r.victims())
		return now == "map["+want+"]", now
	})
}

// nobodyElseGoes checks for a second that there are no other victims than these.
func (r *rooms) nobodyElseGoes(want string) {
	r.t.Helper()
	now := ""
	process.Poll(time.Second, func() bool {
		now = fmt.Sprint(r.victims())
		return now != "map["+want+"]"
	})
	if now != "map["+want+"]" {
		r.t.Errorf("the victims are %s, want %s", now, want)
	}
}

// quiet checks that the scheduler holds nothing any more, and preempted nothing in vain.
func (r *rooms) quiet() {
	r.t.Helper()
	noneInVain(r.t, r.scheduler)
	process.Within(r.t, patience, "no pod that waits to have a nominated node", func() (bool, string) {
		nominated, err := r.nominated()
		return err == nil && nominated == "", nominated
	})
}

// noneInVain checks the metric of victims that went in vain.
func noneInVain(t *testing.T, scheduler *process.Scheduler) {
	t.Helper()
	_, text := scheduler.Get("metrics", "")
	_, after, found := strings.Cut(text, "\nkubenexus_preemption_victims_in_vain_total ")
	if value, _, _ := strings.Cut(after, "\n"); !found || value != "0" {
		t.Errorf("%q pods were preempted in vain: %s", value, scheduler.Log.Lines("in vain"))
	}
}

// TestPreemptionOutlivesAKill: the scheduler is killed with -9 while victims end. The next one holds the same capacity, against a gang of the
// same priority too, has nobody else go, and starts the gang when the victims are gone.
func TestPreemptionOutlivesAKill(t *testing.T) {
	r := newRooms(t, "preempt-kill", 3)
	r.full("low", 3)
	r.ranked("first", 2*roomCPUs, high)
	r.awaitsPods("first", 2*roomCPUs)
	process.Within(t, patience, "the members to have nominated nodes", func() (bool, string) {
		text, err := r.nominated()
		return err == nil && strings.Count(text, ": 4\n") == 2, text
	})
	victims := r.victims()
	want := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(victims), "map["), "]")
	if len(victims) != 2 {
		t.Fatalf("the victims are %s, want two gangs", want)
	}
	r.scheduler.Kill()
	r.ranked("beside", roomCPUs, noClass) // could use what one of the victims frees
	for group := range victims {
		r.letAllEnd(t, group)
		break
	}
	left := r.victims()
	r.startAnother()
	r.awaitsPods("first", roomCPUs)
	r.ranked("second", roomCPUs, noClass)
	r.waitsWith(t, "second-0", "of the 4 pods it needs fit")
	r.nobodyElseGoes(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(left), "map["), "]"))
	r.boundIs(t, "first", 0)
	r.boundIs(t, "beside", 0)
	r.letAllEnd(t, "")
	r.boundIs(t, "first", 2*roomCPUs)
	r.boundIs(t, "beside", 0)
	r.boundIs(t, "second", 0)
	r.quiet()
}

// TestAnEqualGangDoesNotTakeWhatIsHeldAfterAKill: what is held is held against a gang of the same priority that the next scheduler sees first.
func TestAnEqualGangDoesNotTakeWhatIsHeldAfterAKill(t *testing.T) {
	r := newRooms(t, "preempt-equal", 2)
	r.full("low", 1)
	r.ranked("safe", roomCPUs, highest)
	r.boundIs(t, "safe", roomCPUs)
	r.ranked("first", roomCPUs, high)
	r.awaitsPods("first", roomCPUs)
	r.victimsAre("low0:4")
	r.scheduler.Kill()
	r.ranked("equal", roomCPUs, high)
	r.letAllEnd(t, "")
	r.startAnother()
	r.boundIs(t, "first", roomCPUs)
	r.waitsWith(t, "equal-0", "of the 4 pods it needs fit")
	r.boundIs(t, "equal", 0)
	r.quiet()
}

// TestKilledWhileItPreempts kills the scheduler when the first victims of a gang of many are being deleted. The next one has the others go,
// so that no gang is cut, and no other gang goes.
func TestKilledWhileItPreempts(t *testing.T) {
	const members = 100
	s := newScenario(t, "preempt-cut")
	r := &rooms{scenario: s}
	r.startAnother()
	r.classes(map[roomClass]int32{high: 1000})
	shape := controlplane.NodeShape{CPU: fmt.Sprint(members), Memory: "64Gi", Pods: 2 * members}
	if err := suite.plane.AddNodes(s.ctx, "node", 3, shape); err != nil {
		t.Fatal(err)
	}
	s.awaitNodes(ours)
	for i := range 3 {
		s.ranked(fmt.Sprintf("low%d", i), members, noClass, slow)
	}
	s.allBound(t, 3*members)
	s.ranked("first", members, high)
	var victims map[string]int
	process.Within(t, patience, "the first victims", func() (bool, string) {
		victims = r.victims()
		return len(victims) > 0, ""
	})
	r.scheduler.Kill()
	victims = r.victims()
	t.Logf("the scheduler was killed when the victims were %v", victims)
	group := slices.Collect(maps.Keys(victims))[0]
	r.letAllEnd(t, group) // the pods that are terminating
	r.startAnother()
	process.Within(t, patience, "all members of the gang to be victims, or gone", func() (bool, string) {
		now, left := r.victims(), r.left(group)
		if len(now) > 1 || len(now) == 1 && now[group] == 0 {
			t.Fatalf("the victims are %v, want those of %s only", now, group)
		}
		return now[group] == left, fmt.Sprint(now, left)
	})
	r.letAllEnd(t, group)
	s.boundIs(t, "first", members)
	for i := range 3 {
		if other := fmt.Sprintf("low%d", i); other != group {
			s.boundIs(t, other, members)
		}
	}
	r.quiet()
}

// left returns how many pods of a group exist.
func (s *scenario) left(group string) int {
	s.t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{LabelSelector: groupLabel + "=" + group})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(pods.Items)
}

// TestWhatHappensWhileVictimsEnd: other things that happen while a gang waits for its victims.
func TestWhatHappensWhileVictimsEnd(t *testing.T) {
	t.Run("the-gang-is-deleted", func(t *testing.T) {
		r := newRooms(t, "preempt-deleted", 1)
		r.full("low", 1)
		r.ranked("first", roomCPUs, high)
		r.awaitsPods("first", roomCPUs)
		r.ranked("second", roomCPUs, noClass)
		r.waitsWith(t, "second-0", "of the 4 pods it needs fit")
		r.remove("first")
		r.letAllEnd(t, "")
		r.boundIs(t, "second", roomCPUs)
		r.quiet()
	})
	t.Run("the-pod-is-deleted", func(t *testing.T) {
		r := newRooms(t, "preempt-pod-deleted", 1)
		r.full("low", 1)
		pod := podSpec{namespace: r.namespace, name: "first-0", cpu: fmt.Sprint(roomCPUs), scheduler: ours, priorityClass: string(high)}
		if err := create(r.scenario, pod.pod()); err != nil {
			t.Fatal(err)
		}
		r.victimsAre("low0:4")
		r.ranked("second", roomCPUs, noClass)
		r.waitsWith(t, "second-0", "of the 4 pods it needs fit")
		r.remove("first")
		r.letAllEnd(t, "")
		r.boundIs(t, "second", roomCPUs)
		r.quiet()
	})
	t.Run("a-node-is-deleted", func(t *testing.T) {
		r := newRooms(t, "preempt-node", 2)
		r.full("low", 2)
		r.ranked("first", roomCPUs, high)
		r.awaitsPods("first", roomCPUs)
		victims := r.victims()
		node := r.nodeOfMember(t, victims)
		if err := suite.client.CoreV1().Nodes().Delete(r.ctx, node, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		r.victimsAre("low0:4 low1:4")
		r.letAllEnd(t, "")
		r.boundIs(t, "first", roomCPUs)
		r.quiet()
	})
	t.Run("a-dearer-gang-takes-a-part", func(t *testing.T) {
		r := newRooms(t, "preempt-part", 3)
		r.full("low", 2)
		r.ranked("safe", roomCPUs, highest)
		r.boundIs(t, "safe", roomCPUs)
		r.ranked("first", 2*roomCPUs, high)
		r.awaitsPods("first", 2*roomCPUs)
		r.ranked("dearer", 2, highest)
		r.waitsWith(t, "dearer-0", "of the 2 pods it needs fit")
		r.letAllEnd(t, "low0")
		r.boundIs(t, "dearer", 2)
		r.letAllEnd(t, "low1")
		r.waitsWith(t, "first-0", "6 of the 8 pods it needs fit")
		r.boundIs(t, "first", 0)
		r.remove("dearer")
		r.boundIs(t, "first", 2*roomCPUs)
		r.quiet()
	})
}

// nodeOfMember returns a node on which pods are being deleted.
func (r *rooms) nodeOfMember(t *testing.T, victims map[string]int) string {
	t.Helper()
	for group := range victims {
		nodes := slices.Compact(r.nodesOf(t, group))
		if len(nodes) != 1 {
			t.Fatalf("%s is on %v, want one node", group, nodes)
		}
		return r.podNode(t, group+"-0")
	}
	t.Fatal("there are no victims")
	return ""
}

// podNode is the node of a pod.
func (s *scenario) podNode(t *testing.T, name string) string {
	t.Helper()
	pod, err := suite.client.CoreV1().Pods(s.namespace).Get(s.ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod.Spec.NodeName
}
