package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	source "k8s.io/client-go/tools/cache/testing"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/recreated"
)

// testMember returns the pod "a" of the gang "g" with this min-available.
func testMember(uid string, need int) *corev1.Pod {
	return testPod("a").UID(uid).SchedulerName(testProfileName).Annotations(map[string]string{
		conventions.Coscheduling().GroupAnnotation: "g", conventions.Coscheduling().MinAvailableAnnotation: fmt.Sprint(need),
	}).Obj()
}

// handleWith is a framework with other informers.
type handleWith struct {
	framework.Framework
	informers informers.SharedInformerFactory
}

func (h handleWith) SharedInformerFactory() informers.SharedInformerFactory { return h.informers }

// TestAPodCreatedAgainWhileTheWatchWasCutIsAnotherMember: the gang no longer counts the deleted pod. This process is not the leader, so it
// does not compare the ledger with the lister.
func TestAPodCreatedAgainWhileTheWatchWasCutIsAnotherMember(t *testing.T) {
	plain := testPod("a").UID("second").SchedulerName(testProfileName).Obj()
	running := testMember("first", 2)
	running.Spec.NodeName = "n"
	for _, tc := range []struct {
		name          string
		first, second *corev1.Pod
		members       int
	}{
		{"a pending member", testMember("first", 2), testMember("second", 2), 1},
		{"a running member", running, testMember("second", 2), 1},
		{"a pod without a gang replaces a member", testMember("first", 2), plain, 0},
	} {
		for name, wrap := range map[string]func(cache.SharedIndexInformer) cache.SharedIndexInformer{
			"our informer": recreated.Informer, "upstream's informer": func(i cache.SharedIndexInformer) cache.SharedIndexInformer { return i },
		} {
			t.Run(tc.name+", "+name, func(t *testing.T) {
				api := source.NewFakeControllerSource()
				h := newHarness(t)
				pods := wrap(cache.NewSharedIndexInformer(api, &corev1.Pod{}, 0, cache.Indexers{}))
				factory := informers.NewSharedInformerFactory(h.client, 0)
				factory.InformerFor(&corev1.Pod{}, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer { return pods })
				// No upstream handlers: they would end the process here.
				if err := New(klog.Logger{}, h.parts, handleWith{h.framework, factory}).Watch(); err != nil {
					t.Fatal(err)
				}
				api.Add(tc.first)
				go pods.RunWithContext(t.Context())
				l := h.ledger
				eventually(t, "the first pod", func() bool { return l.Knows("first") })
				api.DeleteDropWatch(tc.first)
				api.AddDropWatch(tc.second)
				api.ResetWatch()
				eventually(t, "the second pod alone", func() bool {
					_, pods := l.Size()
					return !l.Knows("first") && l.Knows("second") == (tc.members > 0) && pods == tc.members
				})
				api.Delete(tc.second)
				eventually(t, "no pod", func() bool { gangs, pods := l.Size(); return gangs == 0 && pods == 0 })
			})
		}
	}
}

// TestANodeCreatedAgainWhileTheWatchWasCutIsAnotherNode: slots on the deleted node are not held on the new one.
func TestANodeCreatedAgainWhileTheWatchWasCutIsAnotherNode(t *testing.T) {
	h := newHarness(t)
	l := h.ledger
	driver := testPod("driver").SchedulerName(testProfileName).Annotations(map[string]string{
		conventions.Coscheduling().GroupAnnotation: "g", conventions.RoleAnnotation: "driver", conventions.ReservationTimeoutAnnotation: "1h",
		conventions.RolesAnnotation: `[{"name":"driver","min":1,"creates":true},{"name":"executor","min":1,"requests":{"cpu":"1"}}]`,
	}).Obj()
	l.Enter(driver)
	if answer := l.Begin(driver); answer.Verdict != gang.Plan {
		t.Fatalf("%+v", answer)
	}
	l.Commit(driver.UID, gang.Planned{
		Pins: []gang.Pin{{UID: string(driver.UID), Node: "n"}}, Slots: []gang.Slot{{Role: "executor", Node: "n"}},
	})
	if moves := l.Moves(); len(moves) != 1 || !moves[0].Held {
		t.Fatalf("%+v, want one slot that is held", moves)
	}
	h.dispatcher.ClusterEvent(st.MakeNode().Name("n").UID("first").Obj(), st.MakeNode().Name("n").UID("second").Obj())
	if moves := l.Moves(); len(moves) != 1 || moves[0].Held {
		t.Errorf("%+v, want one slot that is no longer held", moves)
	}
}

// TestADeletedPodFreesCapacity, also if a new pod has its name.
func TestADeletedPodFreesCapacity(t *testing.T) {
	h := newHarness(t)
	l, activated := h.ledger, make(chan types.UID, 1)
	h.dispatcher.Activating(func(_ klog.Logger, refs []gang.Ref) { activated <- types.UID(refs[0].UID) })
	go h.dispatcher.Run(h.ctx)
	pod := testMember("waits", 1)
	l.Enter(pod)
	l.Begin(pod)
	l.Unfit(pod.UID, gang.Finding{Shortage: gang.Shortage{Missing: 1}})
	h.dispatcher.ClusterEvent(testPod("other").UID("first").Node("n").Obj(), testPod("other").UID("second").Obj())
	select {
	case uid := <-activated:
		if uid != "waits" {
			t.Errorf("%s was activated", uid)
		}
	case <-time.After(wait.ForeverTestTimeout):
		t.Error("the gang that lacks capacity was not activated")
	}
}

// TestPodHandlerReportsEachPod that is added, updated or deleted.
func TestPodHandlerReportsEachPod(t *testing.T) {
	var calls []string
	h := podHandler(
		func(pod *corev1.Pod) { calls = append(calls, "seen "+string(pod.UID)) },
		func(pod *corev1.Pod) { calls = append(calls, "gone "+string(pod.UID)) },
	)
	first, second := testMember("first", 1), testMember("second", 1)
	h.OnAdd(first, true)
	h.OnUpdate(first, first)
	h.OnUpdate(first, second)
	h.OnDelete(cache.DeletedFinalStateUnknown{Key: "default/a", Obj: second})
	h.OnDelete(cache.DeletedFinalStateUnknown{Key: "default/b"}) // the informer never had the pod
	if want := []string{"seen first", "seen first", "gone first", "seen second", "gone second"}; !slices.Equal(calls, want) {
		t.Errorf("%q, want %q", calls, want)
	}
}
