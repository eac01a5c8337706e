package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	kubeevents "k8s.io/client-go/tools/events"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// newTestStatusWriter returns a writer that is not started, and the recorder that receives its events.
func newTestStatusWriter(t *testing.T, h *harness) (*statusWriter, *kubeevents.FakeRecorder) {
	t.Helper()
	recorder := kubeevents.NewFakeRecorder(10)
	h.dispatcher.recorders[testProfileName] = recorder
	return newStatusWriter(h.dispatcher), recorder
}

// exist adds a pod to the informer's store.
func (h *harness) exist(t *testing.T, pod *corev1.Pod) gang.Ref {
	t.Helper()
	if err := h.informers.Core().V1().Pods().Informer().GetIndexer().Add(pod); err != nil {
		t.Fatal(err)
	}
	return ref(pod)
}

func notify(refs ...gang.Ref) gang.Notify {
	return gang.Notify{Members: refs, Explanation: gang.Explanation{Kind: gang.KindInvalid, Problem: &conventions.Problem{Annotation: "a", Value: "b"}}}
}

// TestQueuedWritesAreBoundedByThePods that exist: a user can create and delete pods faster than the writer writes.
func TestQueuedWritesAreBoundedByThePods(t *testing.T) {
	for _, pods := range []int{10, 2 * crowd} {
		t.Run(fmt.Sprint(pods), func(t *testing.T) {
			h := newHarness(t)
			w, _ := newTestStatusWriter(t, h)
			var there []gang.Ref
			for i := range pods {
				there = append(there, h.exist(t, testPod(fmt.Sprint("there-", i)).SchedulerName(testProfileName).Obj()))
				w.enqueue(notify(there[i]))
				for j := range 20 * crowd / pods {
					w.enqueue(notify(ref(testPod(fmt.Sprint("gone-", i, "-", j)).Obj())))
				}
			}
			if n := len(w.order); n > max(crowd, 2*pods) || len(w.say) != n {
				t.Errorf("%d writes are queued, with %d events; %d pods exist", n, len(w.say), pods)
			}
			var written []gang.Ref
			for r, _, ok := w.next(); ok; r, _, ok = w.next() {
				if w.addressee(r) != nil {
					written = append(written, r)
				}
			}
			if !slices.Equal(written, there) {
				t.Errorf("events are written on %d pods, want all %d that exist, in order", len(written), pods)
			}
		})
	}
}

// TestDeletedPodsDelayNoOthers: there is one token, and each write waits for a pod that is being bound.
func TestDeletedPodsDelayNoOthers(t *testing.T) {
	h := newHarness(t)
	w, recorder := newTestStatusWriter(t, h)
	w.limiter = rate.NewLimiter(0, 1)
	w.dispatcher.limiter.Reserved("being bound")
	for i := range crowd / 2 {
		w.enqueue(notify(ref(testPod(fmt.Sprint("gone-", i)).Obj())))
	}
	w.enqueue(notify(h.exist(t, testPod("other").SchedulerName("another").Obj())))
	w.enqueue(notify(h.exist(t, testPod("there").SchedulerName(testProfileName).Obj())))
	ctx, cancel := context.WithTimeout(t.Context(), wait.ForeverTestTimeout)
	defer cancel()
	go w.run(ctx)
	select {
	case event := <-recorder.Events:
		if !strings.Contains(event, events.ReasonInvalid) {
			t.Errorf("the pod gets the event %q", event)
		}
	case <-ctx.Done():
		t.Error("the existing pod waits for deleted ones")
	}
}

// TestOnlyPendingPodsGetACondition: the informer of finished pods does not keep their conditions, and the condition of a pod that is being
// bound is the API server's. The informer may not know yet that it is bound.
func TestOnlyPendingPodsGetACondition(t *testing.T) {
	for name, tc := range map[string]struct {
		phase   corev1.PodPhase
		binding bool
		patches int
	}{
		"pending":     {phase: corev1.PodPending, patches: 1},
		"failed":      {phase: corev1.PodFailed},
		"being bound": {phase: corev1.PodPending, binding: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			w, recorder := newTestStatusWriter(t, h)
			pod := testPod("p").SchedulerName(testProfileName).Phase(tc.phase).Obj()
			event := notify(h.exist(t, pod))
			if tc.binding {
				w.dispatcher.ledger.Reserved(pod)
			}
			w.write(t.Context(), event.Members[0], events.For(event.Explanation))
			if len(recorder.Events) != 1 {
				t.Errorf("%d events, want 1", len(recorder.Events))
			}
			got := 0
			for _, action := range w.dispatcher.handle.ClientSet().(*fake.Clientset).Actions() {
				if action.GetVerb() == "patch" {
					got++
				}
			}
			if got != tc.patches {
				t.Errorf("%d patches, want %d", got, tc.patches)
			}
		})
	}
}

// TestANewerEventReplacesTheOlder: the writes queued for one pod do not grow when its reason changes its numbers, and a change of only the
// condition keeps the queued event.
func TestANewerEventReplacesTheOlder(t *testing.T) {
	h := newHarness(t)
	w, _ := newTestStatusWriter(t, h)
	pod := h.exist(t, testPod("p").SchedulerName(testProfileName).Obj())
	for _, value := range []string{"first", "second", "third"} {
		event := notify(pod)
		event.Explanation.Problem = &conventions.Problem{Annotation: "a", Value: value}
		event.Refresh = value == "third"
		w.enqueue(event)
	}
	if len(w.order) != 1 || len(w.say) != 1 {
		t.Fatalf("%d writes are queued, with %d events; want one", len(w.order), len(w.say))
	}
	if _, event, _ := w.next(); event.Type != corev1.EventTypeWarning || !strings.Contains(event.Note, "third") {
		t.Errorf("the pod gets %+v, want a warning with the latest message", event)
	}
}
