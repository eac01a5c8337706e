package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/ledger"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// teams is a queue team with research and teaching below it.
func teams() *queue.Config {
	team, research, teaching := queue.NewQueue("team"), queue.NewQueue("research"), queue.NewQueue("teaching")
	research.Guarantee = queue.Amounts{"cpu": 6000}
	team.Queues = []queue.Queue{research, teaching}
	return &queue.Config{Queues: []queue.Queue{team}}
}

// inQueue returns a pod that requests so many cores. It is a member of the gang, unless that has no name, and was created after so many
// seconds.
func inQueue(name, queueName, group string, members, cpu int, seconds int64) *corev1.Pod {
	annotations := map[string]string{conventions.QueueAnnotation: queueName}
	if group != "" {
		annotations[conventions.Coscheduling().GroupAnnotation] = group
		annotations[conventions.Coscheduling().MinAvailableAnnotation] = fmt.Sprint(members)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: "1", Annotations: annotations,
			CreationTimestamp: metav1.NewTime(time.Unix(seconds, 0)),
		},
		Spec: corev1.PodSpec{
			SchedulerName: "kubenexus-scheduler",
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(int64(cpu), resource.DecimalSI)},
			}}},
		},
	}
}

// serving returns a ledger of a cluster with 16 cores.
func serving() (*ledger.Ledger, []*corev1.Node) {
	l := ledger.New(testingclock.NewFakePassiveClock(time.Unix(1_000, 0)))
	l.Serve("kubenexus-scheduler", conventions.Coscheduling().Name, ledger.Defaults{Timeout: time.Minute})
	return l, []*corev1.Node{{
		ObjectMeta: metav1.ObjectMeta{Name: "n"},
		Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("16")}},
	}}
}

func TestQueueStatusesShowWhatIsUsedAndWhatWaits(t *testing.T) {
	l, nodes := serving()
	if all, resources := l.QueueStatuses(), l.QueueResources(); all != nil || resources != nil {
		t.Errorf("without queues, the statuses are %v and the resources %v", all, resources)
	}
	l.Configure(teams(), nil, nodes)
	bound := inQueue("bound", "research", "", 0, 4, 10)
	bound.Spec.NodeName = "n"
	l.Observe(bound)
	l.Reserved(inQueue("binding", "teaching", "", 0, 1, 20))
	for i := range 2 {
		l.Observe(inQueue(fmt.Sprint("a-", i), "research", "a", 2, 5, 30))
	}
	l.Observe(inQueue("b-0", "research", "b", 2, 1, 25)) // incomplete: it does not wait for its turn
	l.Offer(inQueue("alone", "teaching", "", 0, 2, 40))

	cpu := func(millicores int64) queue.Vector { return queue.Vector{millicores} }
	want := []queue.Status{
		{Name: "team", Used: cpu(5000), Fair: cpu(16_000), Share: 5. / 16, FairShare: 1, Waiting: 2, HeadAge: time.Unix(30, 0)},
		{
			Name: "research", Parent: "team", Leaf: true, Guarantee: queue.Amounts{"cpu": 6000}, Used: cpu(4000), Fair: cpu(13_000),
			Share: 4. / 16, FairShare: 13. / 16, Waiting: 1, HeadAge: time.Unix(30, 0), BelowGuarantee: true,
		},
		{
			Name: "teaching", Parent: "team", Leaf: true, Used: cpu(1000), Fair: cpu(3000), Share: 1. / 16, FairShare: 3. / 16,
			Waiting: 1, HeadAge: time.Unix(40, 0),
		},
		{Name: "default", Leaf: true, Used: nil, Fair: cpu(0)},
	}
	got := l.QueueStatuses()
	shown := cmpopts.IgnoreFields(queue.Status{}, "Order", "Weight", "Priority", "Limit", "Demand", "Ready")
	if diff := cmp.Diff(want, got, shown, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the statuses (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]queue.Resource{{Name: "cpu", Total: 16_000}}, l.QueueResources()); diff != "" {
		t.Errorf("the resources (-want +got):\n%s", diff)
	}

	l.Deleted(bound)
	if used := got[1].Used.Get(0); used != 4000 {
		t.Errorf("an earlier status says that %d are used after a pod is gone, want what it said before", used)
	}
	l.Configure(nil, nil, nodes)
	if all, resources := l.QueueStatuses(), l.QueueResources(); all != nil || resources != nil {
		t.Errorf("without queues again, the statuses are %v and the resources %v", all, resources)
	}
}

func TestTheStatusOfAGangNamesItsQueueWhileQueuesAreConfigured(t *testing.T) {
	l, nodes := serving()
	named, unnamed := inQueue("a-0", "research", "a", 2, 1, 10), inQueue("b-0", "", "b", 2, 1, 20)
	delete(unnamed.Annotations, conventions.QueueAnnotation)
	l.Configure(teams(), nil, nodes)
	l.Observe(named)
	l.Observe(unnamed)
	queues := func() map[string]string {
		found := map[string]string{}
		for _, g := range l.Statuses() {
			found[g.Key.Name] = g.Queue
		}
		return found
	}
	if diff := cmp.Diff(map[string]string{"a": "research", "b": queue.Default}, queues()); diff != "" {
		t.Errorf("the queues of gangs (-want +got):\n%s", diff)
	}
	l.Configure(nil, []*corev1.Pod{unnamed}, nodes)
	key := gang.Key{Namespace: "default", Name: "b", Convention: conventions.Coscheduling().Name}
	if got, _ := l.Status(key); got.Queue != "" {
		t.Errorf("without queues, the queue of a gang is %q", got.Queue)
	}
}

// usedBy returns the millicores that a queue uses.
func usedBy(l *ledger.Ledger, name string) int64 {
	for _, q := range l.QueueStatuses() {
		if q.Name == name {
			return q.Used.Get(0)
		}
	}
	return 0
}

// TestAPodThatIsBoundWhileTheQueuesAreConfiguredIsCounted: the pods of which the new tree is made are listed a moment before.
func TestAPodThatIsBoundWhileTheQueuesAreConfiguredIsCounted(t *testing.T) {
	l, nodes := serving()
	l.Configure(teams(), nil, nodes)
	plain, member := inQueue("plain", "research", "", 0, 2, 10), inQueue("a-0", "research", "a", 1, 3, 10)
	listed := []*corev1.Pod{plain.DeepCopy(), member.DeepCopy()}
	for _, pod := range []*corev1.Pod{plain, member} {
		l.Observe(pod.DeepCopy())
		l.Reserved(pod)
		pod.Spec.NodeName, pod.ResourceVersion = "n", "2"
		l.Observe(pod)
	}
	l.Configure(teams(), listed, nodes)
	if got := usedBy(l, "research"); got != 5000 {
		t.Errorf("the queue uses %d millicores, want 5000", got)
	}
	l.Deleted(plain)
	l.Deleted(member)
	if got := usedBy(l, "research"); got != 0 {
		t.Errorf("when the pods are gone, the queue uses %d millicores", got)
	}
}

// TestAGangThatIsDeletedUsesItsQueueUntilItIsGone: pods run on during their grace period, so others may not use the limit of their queue.
func TestAGangThatIsDeletedUsesItsQueueUntilItIsGone(t *testing.T) {
	l, nodes := serving()
	l.Configure(teams(), nil, nodes)
	pods := []*corev1.Pod{inQueue("a-0", "research", "a", 2, 3, 10), inQueue("a-1", "research", "a", 2, 3, 10)}
	for _, pod := range pods {
		pod.Spec.NodeName = "n"
		l.Observe(pod)
	}
	for _, pod := range pods {
		ending := pod.DeepCopy()
		ending.DeletionTimestamp, ending.ResourceVersion = new(metav1.NewTime(time.Unix(1_000, 0))), "2"
		l.Observe(ending)
	}
	if got := usedBy(l, "research"); got != 6000 {
		t.Errorf("while its pods are being deleted, the queue uses %d millicores, want 6000", got)
	}
	l.Deleted(pods[0])
	if got := usedBy(l, "research"); got != 3000 {
		t.Errorf("when one is gone, the queue uses %d millicores, want 3000", got)
	}
	l.Deleted(pods[1])
	if got := usedBy(l, "research"); got != 0 {
		t.Errorf("when both are gone, the queue uses %d millicores", got)
	}
}
