package dispatch

import (
	"context"
	"errors"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// evictor evicts members of gangs through the Eviction API, which respects disruption budgets. It drops requests that it cannot queue,
// because the ledger requests the eviction again if a member is still there after a while.
type evictor struct {
	dispatcher *Dispatcher
	requests   chan gang.Evict
}

func newEvictor(p *Dispatcher) *evictor {
	return &evictor{dispatcher: p, requests: make(chan gang.Evict, 64)}
}

func (e *evictor) enqueue(d gang.Evict) {
	select {
	case e.requests <- d:
	default: // the ledger asks again
	}
}

func (e *evictor) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-e.requests:
			for _, ref := range d.Members {
				e.evict(ctx, ref, d.Because)
			}
		}
	}
}

func (e *evictor) evict(ctx context.Context, ref gang.Ref, because gang.Explanation) {
	uid := types.UID(ref.UID)
	err := e.dispatcher.handle.ClientSet().PolicyV1().Evictions(ref.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}},
	})
	switch {
	case err == nil:
		e.dispatcher.writer.enqueue(gang.Notify{Members: []gang.Ref{ref}, Explanation: because})
	case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil:
		e.dispatcher.logger.V(2).Info("Failed to evict a member of a gang", "gang", because.Gang, "pod", ref.Name, "err", err)
		if why := refusal(err); why != "" {
			e.dispatcher.Perform(e.dispatcher.ledger.EvictionRefused(uid, why))
		}
	}
}

// refusal returns why the API server refused the eviction, such as the disruption budget that does not allow it. It returns "" if the
// server was busy or did not answer.
func refusal(err error) string {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return ""
	}
	if cause, found := apierrors.StatusCause(err, policyv1.DisruptionBudgetCause); found {
		return strings.TrimSuffix(strings.Replace(cause.Message, "The disruption", "the disruption", 1), ".")
	}
	switch {
	case apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err), apierrors.IsTimeout(err), apierrors.IsServiceUnavailable(err):
		return "" // the server is busy
	}
	return strings.TrimSuffix(answer.Status().Message, ".")
}
