package gangread

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/events"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Cluster is what the queues of a cluster are computed from: all of its pods and nodes.
type Cluster struct {
	Pods  []*corev1.Pod
	Nodes []*corev1.Node
	// Queues is the configuration of the queues.
	Queues queue.Config
	// Schedulers are the schedulerNames that the scheduler serves.
	Schedulers []string
}

// Standings are the queues, and the places of gangs in them.
type Standings struct {
	ledger *ledger.Ledger
}

// Stand returns the queues as the scheduler counts them, but for capacity that it holds and pods that it is just binding.
func Stand(c Cluster, now time.Time) Standings {
	l := newLedger(c.Schedulers, now)
	for _, node := range c.Nodes {
		l.NodeChanged(node.Name, node) // before there are queues, which would count the capacity of all nodes again for each
	}
	l.Configure(&c.Queues, nil, c.Nodes)
	served := make([]*corev1.Pod, 0, len(c.Pods)) // those of others use no queue
	for _, pod := range c.Pods {
		if slices.Contains(c.Schedulers, pod.Spec.SchedulerName) {
			served = append(served, pod)
			observe(l, pod)
		}
	}
	for _, pod := range served {
		if goesAlone(pod, l) {
			l.Offer(pod)
		}
	}
	return Standings{ledger: l}
}

// goesAlone reports whether a pod without a gang waits for a node.
func goesAlone(pod *corev1.Pod, l *ledger.Ledger) bool {
	if pod.Spec.NodeName != "" || Ended(pod) || pod.DeletionTimestamp != nil || len(pod.Spec.SchedulingGates) > 0 {
		return false
	}
	_, member := l.GangOf(pod.UID)
	return !member
}

// Queues returns the queues with what they use and may use.
func (s Standings) Queues() answers.Queues {
	statuses := s.ledger.QueueStatuses()
	return answers.QueuesOf(statuses, s.ledger.QueueResources())
}

// Of returns the queue of a gang, and how many gangs of that queue go first; nil if the gang does not wait. The queue is empty if the
// gang's pods may not use the one that they name.
func (s Standings) Of(key gang.Key) (name string, position *int) {
	status, known := s.ledger.Status(key)
	if !known {
		return "", nil
	}
	return status.Queue, status.Position
}

// Place adds to the gangs which queues they are in, and their positions.
func (s Standings) Place(gangs []Gang) {
	for i := range gangs {
		if name, position := s.Of(gangs[i].Key); name != "" {
			gangs[i].Queue, gangs[i].Position = name, position
		}
	}
}

// Problem returns what is wrong with what a pending pod says of its gang and its queue, in the scheduler's words. With no queues given, it
// may name any.
func Problem(pod *corev1.Pod, queues *queue.Config, schedulers []string, now time.Time) (events.Why, bool) {
	l := newLedger(schedulers, now)
	if queues != nil {
		l.Configure(queues, nil, nil)
	}
	observe(l, pod)
	for _, decision := range l.Tick() {
		if notice, ok := decision.(gang.Notify); ok && notice.Explanation.Problem != nil {
			return events.Explain(notice.Explanation), true
		}
	}
	return events.Why{}, false
}

// Problem returns why the scheduler does not start a pod because of what it says of its gang or queue; nil if it does.
func (s Standings) Problem(uid types.UID) error { return s.ledger.Problem(uid) }
