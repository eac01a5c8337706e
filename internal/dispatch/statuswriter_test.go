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

// newTestStatusWriter returns a writer that nothing runs, and what takes its events.
func newTestStatusWriter(t *testing.T, h *harness) (*statusWriter, *kubeevents.FakeRecorder) {
	t.Helper()
	recorder := kubeevents.NewFakeRecorder(10)
	h.dispatcher.recorders[testProfileName] = recorder
	return newStatusWriter(h.dispatcher), recorder
}

// exist makes a pod known to the informer.
func (h *harness) exist(t *testing.T, pod *corev1.Pod) gang.Ref {
	t.Helper()
	if err := h.informers.Core().V1().Pods().Informer().GetIndexer().Add(pod); err != nil {
		t.Fatal(err)
	}
	return ref(pod)
}

func tell(refs ...gang.Ref) gang.Tell {
	return gang.Tell{Members: refs, Explanation: gang.Explanation{Kind: gang.KindInvalid, Problem: &conventions.Problem{Annotation: "a", Value: "b"}}}
}

// TestWhatWaitsToBeWrittenIsBoundedByThePods that exist: a user can create and delete them faster than they are told anything.
func TestWhatWaitsToBeWrittenIsBoundedByThePods(t *testing.T) {
	for _, pods := range []int{10, 2 * crowd} {
		t.Run(fmt.Sprint(pods), func(t *testing.T) {
			h := newHarness(t)
			w, _ := newTestStatusWriter(t, h)
			var there []gang.Ref
			for i := range pods {
				there = append(there, h.exist(t, testPod(fmt.Sprint("there-", i)).SchedulerName(testProfileName).Obj()))
				w.enqueue(tell(there[i]))
				for j := range 20 * crowd / pods {
					w.enqueue(tell(ref(testPod(fmt.Sprint("gone-", i, "-", j)).Obj())))
				}
			}
			if n := len(w.order); n > max(crowd, 2*pods) || len(w.say) != n {
				t.Errorf("%d wait to be told something, with %d events; %d pods exist", n, len(w.say), pods)
			}
			var told []gang.Ref
			for r, _, ok := w.next(); ok; r, _, ok = w.next() {
				if w.addressee(r) != nil {
					told = append(told, r)
				}
			}
			if !slices.Equal(told, there) {
				t.Errorf("%d pods are told something, want all %d that exist, in their order", len(told), pods)
			}
		})
	}
}

// TestPodsThatAreGoneHoldNobodyUp: there is one token, and each pod that is told something waits for one that is being bound.
func TestPodsThatAreGoneHoldNobodyUp(t *testing.T) {
	h := newHarness(t)
	w, recorder := newTestStatusWriter(t, h)
	w.limiter = rate.NewLimiter(0, 1)
	w.dispatcher.limiter.Reserved("being bound")
	for i := range crowd / 2 {
		w.enqueue(tell(ref(testPod(fmt.Sprint("gone-", i)).Obj())))
	}
	w.enqueue(tell(h.exist(t, testPod("other").SchedulerName("another").Obj())))
	w.enqueue(tell(h.exist(t, testPod("there").SchedulerName(testProfileName).Obj())))
	ctx, cancel := context.WithTimeout(t.Context(), wait.ForeverTestTimeout)
	defer cancel()
	go w.run(ctx)
	select {
	case event := <-recorder.Events:
		if !strings.Contains(event, events.ReasonInvalid) {
			t.Errorf("the pod is told %q", event)
		}
	case <-ctx.Done():
		t.Error("the pod that exists waits for those that are gone")
	}
}

// TestOnlyPodsThatArePendingAreSaidToWait in their condition; of one that ended, the informer does not keep the conditions.
func TestOnlyPodsThatArePendingAreSaidToWait(t *testing.T) {
	for phase, patches := range map[corev1.PodPhase]int{corev1.PodPending: 1, corev1.PodFailed: 0} {
		t.Run(string(phase), func(t *testing.T) {
			h := newHarness(t)
			w, recorder := newTestStatusWriter(t, h)
			told := tell(h.exist(t, testPod("p").SchedulerName(testProfileName).Phase(phase).Obj()))
			w.write(t.Context(), told.Members[0], events.For(told.Explanation))
			if len(recorder.Events) != 1 {
				t.Errorf("%d events, want 1", len(recorder.Events))
			}
			got := 0
			for _, action := range w.dispatcher.handle.ClientSet().(*fake.Clientset).Actions() {
				if action.GetVerb() == "patch" {
					got++
				}
			}
			if got != patches {
				t.Errorf("%d patches, want %d", got, patches)
			}
		})
	}
}

// TestANewerEventTakesTheOldersPlace: what waits for one pod does not grow with how often its reason changes its numbers, and a mere
// change of the condition does not swallow an event that waits.
func TestANewerEventTakesTheOldersPlace(t *testing.T) {
	h := newHarness(t)
	w, _ := newTestStatusWriter(t, h)
	pod := h.exist(t, testPod("p").SchedulerName(testProfileName).Obj())
	for _, value := range []string{"first", "second", "third"} {
		told := tell(pod)
		told.Explanation.Problem = &conventions.Problem{Annotation: "a", Value: value}
		told.Refresh = value == "third"
		w.enqueue(told)
	}
	if len(w.order) != 1 || len(w.say) != 1 {
		t.Fatalf("%d wait to be told something, with %d events; want one", len(w.order), len(w.say))
	}
	if _, event, _ := w.next(); event.Type != corev1.EventTypeWarning || !strings.Contains(event.Note, "third") {
		t.Errorf("the pod is told %+v, want the event with what was said last", event)
	}
}
