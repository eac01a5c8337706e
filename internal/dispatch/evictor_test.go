package dispatch

import (
	"errors"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// TestAMemberIsEvictedByItsUID: a pod that was created again under the same name is not evicted. Only an evicted pod gets an event.
func TestAMemberIsEvictedByItsUID(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for name, tc := range map[string]struct {
		answer error
		events int
	}{
		"evicted":     {nil, 1},
		"gone":        {apierrors.NewNotFound(pods, "p"), 0},
		"another pod": {apierrors.NewConflict(pods, "p", nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			var asked []*policyv1.Eviction
			h.dispatcher.handle.ClientSet().(*fake.Clientset).PrependReactor("create", "pods",
				func(action clienttesting.Action) (bool, runtime.Object, error) {
					eviction := action.(clienttesting.CreateAction).GetObject().(*policyv1.Eviction)
					asked = append(asked, eviction)
					return true, nil, tc.answer
				})
			e := newEvictor(h.dispatcher)
			e.evict(t.Context(), ref(testPod("p").UID("u").Obj()), gang.Explanation{Kind: gang.KindEvicted})
			if len(asked) != 1 || asked[0].Name != "p" || *asked[0].DeleteOptions.Preconditions.UID != "u" {
				t.Errorf("asked for %+v, want one eviction of p with its UID", asked)
			}
			if events := len(h.dispatcher.writer.order); events != tc.events {
				t.Errorf("%d pods get an event, want %d", events, tc.events)
			}
		})
	}
}

// TestEvictionsThatCannotBeQueuedAreDropped, so that they do not delay other decisions: the ledger asks again.
func TestEvictionsThatCannotBeQueuedAreDropped(t *testing.T) {
	e := newEvictor(nil)
	for range cap(e.requests) + 1 {
		e.enqueue(gang.Evict{})
	}
	if len(e.requests) != cap(e.requests) {
		t.Errorf("%d evictions are queued, want %d", len(e.requests), cap(e.requests))
	}
}

// A refusal names its reason. A busy or unreachable API server is not a refusal.
func TestRefusalNamesTheBudget(t *testing.T) {
	budget := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	budget.ErrStatus.Details.Causes = append(budget.ErrStatus.Details.Causes, metav1.StatusCause{
		Type: policyv1.DisruptionBudgetCause, Message: "The disruption budget mpi needs 2 healthy pods and has 2 currently",
	})
	several := apierrors.NewInternalError(errors.New("x"))
	several.ErrStatus.Message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
	for err, want := range map[error]string{
		budget:                                  "the disruption budget mpi needs 2 healthy pods and has 2 currently",
		several:                                 "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support",
		apierrors.NewTooManyRequests("busy", 1): "",
		errors.New("connection refused"):        "",
	} {
		if got := refusal(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
