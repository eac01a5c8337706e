package coscheduling

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/kubenexus/kubenexus-scheduler/internal/bindlimit"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queuePlugin gates and sorts the pods of the scheduling queue, and limits how many pods are bound at the same time. PreEnqueue and Less
// run under the queue's lock, so they must not call the queue.
type queuePlugin struct {
	ledger     *ledger.Ledger
	dispatcher *dispatch.Dispatcher
	client     kubernetes.Interface
	limiter    *bindlimit.Limiter
}

var (
	_ fwk.PreEnqueuePlugin  = &queuePlugin{}
	_ fwk.QueueSortPlugin   = &queuePlugin{}
	_ fwk.EnqueueExtensions = &queuePlugin{}
)

func (p *Plugins) newQueue(ctx context.Context, obj runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
	args, err := parseQueueArgs(obj)
	if err != nil {
		return nil, err
	}
	if err := p.connect(ctx, h); err != nil {
		return nil, err
	}
	p.queuesFrom = args.source() // all profiles have the same arguments
	return &queuePlugin{ledger: p.ledger, dispatcher: p.dispatcher, client: h.ClientSet(), limiter: p.limiter}, nil
}

// Name returns the plugin's name.
func (q *queuePlugin) Name() string { return QueueName }

// EventsToRegister registers no events: the ledger activates gated pods by name.
func (q *queuePlugin) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return nil, nil
}

// PreEnqueue gates the members of a gang until the gang may be scheduled, except the member that represents it.
func (q *queuePlugin) PreEnqueue(_ context.Context, pod *corev1.Pod) *fwk.Status {
	answer := q.ledger.Enter(pod)
	q.dispatcher.Perform(answer.Decisions)
	if answer.Verdict == gang.Refuse {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, events.Sentence(answer.Why))
	}
	return nil
}

// Less sorts members by the order of gangs. It sorts other pods by priority and then by time in the queue, as kube-scheduler does, except
// those that preempted others: these keep their age.
//
// The pod whose turn it is by the queues comes last, so that the scheduler first sees all others that the scheduling queue has ready.
func (q *queuePlugin) Less(a, b fwk.QueuedPodInfo) bool {
	if turn := q.ledger.Turn(a.GetPodInfo().GetPod().UID); turn || q.ledger.Turn(b.GetPodInfo().GetPod().UID) {
		return !turn
	}
	return q.key(a).Compare(q.key(b)) < 0
}

// key returns the sort key of a pod in the queue.
func (q *queuePlugin) key(info fwk.QueuedPodInfo) queue.SortKey {
	pod := info.GetPodInfo().GetPod()
	if key, ok := q.ledger.Order(pod.UID); ok {
		return key
	}
	key := queue.SortKey{Priority: corev1helpers.PodPriority(pod), Age: info.GetTimestamp()}
	if pod.Status.NominatedNodeName != "" {
		key.Age = pod.CreationTimestamp.Time // it has capacity held for it, and does not queue up a second time
	}
	return key
}

var (
	_ fwk.BindPlugin     = &queuePlugin{}
	_ fwk.PostBindPlugin = &queuePlugin{}
	_ fwk.ReservePlugin  = &queuePlugin{}
)

// Bind waits until fewer than bindlimit.InFlight pods are being bound. It then skips, so that the next plugin binds the pod, except for
// creators with a reservation. PreBind, which may be slow, has finished by then.
func (q *queuePlugin) Bind(ctx context.Context, _ fwk.CycleState, pod *corev1.Pod, node string) *fwk.Status {
	if status := q.limiter.Enter(ctx, pod.UID); !status.IsSuccess() {
		return status
	}
	return q.bindCreator(ctx, pod, node)
}

// PostBind lets the next pod be bound.
func (q *queuePlugin) PostBind(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.limiter.Leave(pod.UID)
	q.limiter.Done(pod.UID)
}

// Reserve counts a pod that will be bound.
func (q *queuePlugin) Reserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) *fwk.Status {
	q.limiter.Reserved(pod.UID)
	q.ledger.Reserved(pod)
	return nil
}

// Unreserve lets the next pod be bound if this one could not be.
func (q *queuePlugin) Unreserve(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ string) {
	q.limiter.Leave(pod.UID)
	q.limiter.Done(pod.UID)
	q.dispatcher.Perform(q.ledger.Unreserved(pod.UID))
}

// bindCreator binds a creator and records, in the same request, what is held for its gang. For all other pods it returns Skip.
func (q *queuePlugin) bindCreator(ctx context.Context, pod *corev1.Pod, node string) *fwk.Status {
	text, err := q.ledger.Reservation(pod.UID)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Failed to record the reservation of a gang; it is lost when this process ends", "pod", pod.Name)
	}
	if text == "" {
		return fwk.NewStatus(fwk.Skip)
	}
	err = q.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			Annotations: map[string]string{conventions.ReservationAnnotation: text},
		},
		Target: corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	return fwk.AsStatus(err)
}
