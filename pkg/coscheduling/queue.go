package coscheduling

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
)

// Queue decides which pods stand in the scheduling queue's active part, and in which order, and lines them up to be bound.
// PreEnqueue and Less run under the queue's lock: they must not call the queue.
type Queue struct {
	ledger     *ledger.Ledger
	dispatcher *dispatcher
	line       *bindLimiter
}

var (
	_ fwk.PreEnqueuePlugin  = &Queue{}
	_ fwk.QueueSortPlugin   = &Queue{}
	_ fwk.EnqueueExtensions = &Queue{}
)

func (p *Plugins) newQueue(ctx context.Context, _ runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	if err := p.connect(ctx, h); err != nil {
		return nil, err
	}
	return &Queue{ledger: p.ledger, dispatcher: p.dispatcher, line: p.line}, nil
}

// Name returns the plugin's name.
func (q *Queue) Name() string { return QueueName }

// EventsToRegister registers none: gated pods are woken by name, when the ledger says so.
func (q *Queue) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return nil, nil
}

// PreEnqueue keeps a gang's members out of the queue until they may be placed, except the one that represents it.
func (q *Queue) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	answer := q.ledger.Enter(pod)
	q.dispatcher.perform(answer.Decisions)
	if answer.Verdict == gang.Refuse {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, events.Sentence(answer.Why))
	}
	return nil
}

// Less sorts by the one order of gangs, and of other pods by priority and then by the time in the queue, as kube-scheduler does.
func (q *Queue) Less(a, b fwk.QueuedPodInfo) bool {
	return q.key(a).Compare(q.key(b)) < 0
}

// key is the place of a pod in the queue.
func (q *Queue) key(info fwk.QueuedPodInfo) ledger.SortKey {
	pod := info.GetPodInfo().GetPod()
	if key, ok := q.ledger.Order(pod.UID); ok {
		return key
	}
	return ledger.SortKey{Priority: corev1helpers.PodPriority(pod), Age: info.GetTimestamp()}
}
