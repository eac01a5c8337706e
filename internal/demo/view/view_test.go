package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
)

// change alters a pod of a test.
type change func(*corev1.Pod)

func pod(name string, changes ...change) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{SchedulerName: "kubenexus-scheduler", Containers: []corev1.Container{{}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	for _, c := range changes {
		c(p)
	}
	return p
}

func member(d conventions.Convention, name, size string) change {
	return func(p *corev1.Pod) {
		p.Annotations = map[string]string{d.GroupAnnotation: name, d.MinAvailableAnnotation: size}
	}
}

func ofGang(name, size string) change { return member(conventions.Coscheduling(), name, size) }

func runs(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = "node", corev1.PodRunning }

func succeeded(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = "node", corev1.PodSucceeded }

func failed(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = "node", corev1.PodFailed }

func says(reason, message string) change {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: message,
		})
	}
}

func ownedBy(kind, name string) change {
	return func(p *corev1.Pod) {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: &yes}}
	}
}

func servedBy(name string) change { return func(p *corev1.Pod) { p.Spec.SchedulerName = name } }

func warning(kind, name, reason, note string, second int) *eventsv1.Event {
	return &eventsv1.Event{
		Type: corev1.EventTypeWarning, Reason: reason, Note: note,
		EventTime: metav1.MicroTime{Time: time.Unix(int64(second), 0)},
		Regarding: corev1.ObjectReference{Kind: kind, Namespace: "team", Name: name, UID: types.UID(name)},
	}
}

// lines are what the cluster looks like without a history.
func lines(c Cluster) []string {
	var found []string
	for _, row := range c.rows() {
		found = append(found, row.Line())
	}
	return found
}

func TestWhatIsSaidOfPods(t *testing.T) {
	const (
		upstream = "0/4 nodes are available: 4 Insufficient cpu."
		noRoom   = "gang team/g cannot be scheduled yet: 1 of the 2 pods it needs fit"
	)
	for _, test := range []struct {
		name    string
		cluster Cluster
		want    []string
	}{{
		name: "an incomplete gang says how many are missing",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("a", ofGang("g", "3"), says("GangIncomplete", "gang team/g has 2 of the 3 pods it needs; waiting for 1 more")),
			pod("b", ofGang("g", "3")),
		}},
		want: []string{"gang team/g  2 of 3 pods exist, 0 bound: waiting: gang team/g has 2 of the 3 pods it needs; waiting for 1 more"},
	}, {
		name: "a gang that became complete does not repeat that members are missing",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("a", ofGang("g", "2"), says("GangIncomplete", "gang team/g has 1 of the 2 pods it needs; waiting for 1 more")),
			pod("b", ofGang("g", "2")),
		}},
		want: []string{"gang team/g  2 of 2 pods exist, 0 bound: waiting: the scheduler has not reported a reason yet"},
	}, {
		name: "what the gang lacks comes before what one pod lacks",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("a", ofGang("g", "2"), says("Unschedulable", noRoom)), pod("b", ofGang("g", "2"), says("Unschedulable", upstream)),
		}},
		want: []string{"gang team/g  2 of 2 pods exist, 0 bound: waiting: " + noRoom},
	}, {
		name: "what upstream says of a member is shown when nothing else follows",
		cluster: Cluster{
			Pods:   []*corev1.Pod{pod("a", ofGang("g", "1"), says("Unschedulable", upstream))},
			Events: []*eventsv1.Event{warning("Pod", "a", "GangUnschedulable", noRoom, 1)},
		},
		want: []string{"gang team/g  1 of 1 pod exists, 0 bound: waiting: " + upstream},
	}, {
		name: "the newest warning stands in for a condition",
		cluster: Cluster{
			Pods: []*corev1.Pod{pod("a", ofGang("g", "1"))},
			Events: []*eventsv1.Event{
				warning("Pod", "a", "GangTimedOut", "new", 2), warning("Pod", "a", "GangUnschedulable", "old", 1),
			},
		},
		want: []string{"gang team/g  1 of 1 pod exists, 0 bound: waiting: new"},
	}, {
		name: "more pods than needed",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("a", ofGang("g", "1"), runs), pod("b", ofGang("g", "1"), says("Unschedulable", upstream)),
		}},
		want: []string{"gang team/g  2 pods exist (1 needed), 1 bound: released; 1 waits: " + upstream},
	}, {
		name:    "a gang that is being bound",
		cluster: Cluster{Pods: []*corev1.Pod{pod("a", ofGang("g", "2"), runs), pod("b", ofGang("g", "2"))}},
		want:    []string{"gang team/g  2 of 2 pods exist, 1 bound: starting; 1 waits: the scheduler has not reported a reason yet"},
	}, {
		name:    "a gang that ended",
		cluster: Cluster{Pods: []*corev1.Pod{pod("a", ofGang("g", "2"), succeeded), pod("b", ofGang("g", "2"), failed)}},
		want:    []string{"gang team/g  2 of 2 pods exist, 2 bound: finished, 1 failed"},
	}, {
		name: "one name in two conventions is two gangs",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("a", ofGang("g", "1"), runs), pod("b", member(conventions.BatchPermit(), "g", "1"), runs),
		}},
		want: []string{
			"gang team/g (BatchPermit)  1 of 1 pod exists, 1 bound: released",
			"gang team/g (Coscheduling)  1 of 1 pod exists, 1 bound: released",
		},
	}, {
		name: "pods without a gang are grouped by their owner, or shown by their name",
		cluster: Cluster{Pods: []*corev1.Pod{
			pod("alone", runs), pod("w1", ownedBy("ReplicaSet", "web"), runs), pod("w2", ownedBy("ReplicaSet", "web"), runs),
		}},
		want: []string{"pod team/alone: bound", "pods of ReplicaSet team/web  2 pods exist, 2 bound: bound"},
	}, {
		name:    "invalid annotations make no gang",
		cluster: Cluster{Pods: []*corev1.Pod{pod("a", ofGang("g", "two"), says("InvalidGangAnnotation", "not a number"))}},
		want:    []string{"pod team/a: waiting: not a number"},
	}, {
		name: "no scheduler serves the schedulerName of a pod",
		cluster: Cluster{
			Pods:       []*corev1.Pod{pod("a", servedBy("default-scheduler"))},
			Schedulers: []string{"kubenexus-scheduler", "batch-scheduler"},
		},
		want: []string{"pod team/a: waiting: no scheduler here serves schedulerName default-scheduler; " +
			"the pod can name kubenexus-scheduler or batch-scheduler"},
	}} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(test.cluster)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTrackerRemembersWhenThingsHappened(t *testing.T) {
	var tracker Tracker
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	first, firstRuns := pod("a", ofGang("g", "2")), pod("a", ofGang("g", "2"), runs)
	for now, pods := range [][]*corev1.Pod{
		1: {first},
		2: {first, pod("b", ofGang("g", "2"))},
		3: {firstRuns, pod("b", ofGang("g", "2"), runs)},
		4: {firstRuns}, // one is gone: a gang that was released does not start again
		5: {},
		6: {},
	} {
		snapshot := tracker.Observe(second(now), Cluster{Pods: pods})
		row := snapshot.Find("gang team/g")
		switch {
		case now == 4 && row.State != Released:
			t.Errorf("state with one pod left: %s, want %s", row.State, Released)
		case now == 6:
			want := History{FirstSeen: second(1), CompleteAt: second(2), ReleasedAt: second(3), EndedAt: second(5)}
			if row.State != Deleted || row.History != want {
				t.Errorf("%s with history %+v, want %s with %+v", row.State, row.History, Deleted, want)
			}
		}
	}
}

func TestTrackerTellsOnceWhatNoRowShows(t *testing.T) {
	var tracker Tracker
	cluster := Cluster{Events: []*eventsv1.Event{
		warning("Pod", "a", "GangTimedOut", "gang team/g did not start within 10s", 1),
		warning("Pod", "b", "GangTimedOut", "gang team/g did not start within 10s", 1),
		warning("Pod", "a", "FailedScheduling", "no room", 1),
		warning("Job", "j", "FailedCreate", "exceeded quota", 1),
		warning("Service", "kubernetes", "ClusterIPNotAllocated", "repairing", 1),
	}}
	want := []string{"Job team/j: FailedCreate: exceeded quota", "gang team/g did not start within 10s"}
	if diff := cmp.Diff(want, tracker.Observe(1, cluster).Notes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if again := tracker.Observe(2, cluster).Notes; len(again) > 0 {
		t.Errorf("reported again: %q", again)
	}
}

func TestRoomCountsWhatIsBoundAndRuns(t *testing.T) {
	oneCPU := func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}
	}
	node := &corev1.Node{Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}}}
	room := Cluster{
		Nodes: []*corev1.Node{node, node},
		Pods:  []*corev1.Pod{pod("a", oneCPU, runs), pod("b", oneCPU), pod("c", oneCPU, succeeded)},
	}.room()
	if got, want := room.Text(), "2 nodes, 0.5 of 8 CPU in use"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// crowd is a snapshot with many gangs that wait for a long reason.
func crowd(t *testing.T, gangs int) Snapshot {
	t.Helper()
	var cluster Cluster
	for i := range gangs {
		name := fmt.Sprintf("gang-with-a-long-name-%02d", i)
		cluster.Pods = append(cluster.Pods, pod(name, ofGang(name, "2"), says("GangIncomplete", strings.Repeat("long words ", 40))))
	}
	var tracker Tracker
	return tracker.Observe(time.Second, cluster)
}

func TestTableFitsTheWindow(t *testing.T) {
	snapshot := crowd(t, 20)
	for _, size := range [][2]int{{1, 1}, {10, 3}, {80, 24}, {200, 100}} {
		table := snapshot.Table(size[0], size[1], false)
		if len(table) > size[1] {
			t.Errorf("%d lines in a window of %d", len(table), size[1])
		}
		for _, line := range table {
			if n := len([]rune(line)); n > size[0] {
				t.Errorf("line of %d in a window of %d: %q", n, size[0], line)
			}
		}
	}
}
