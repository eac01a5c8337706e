package coscheduling

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/requests"
	"github.com/kubenexus/kubenexus-scheduler/internal/slots"
)

// rackLabel is a topology key.
const rackLabel = "example.com/rack"

// addNode adds a node to the scheduler's cache.
func (h *harness) addNode(name, rack string, change func(*corev1.Node)) {
	node := st.MakeNode().Name(name).Label(rackLabel, rack).
		Capacity(map[corev1.ResourceName]string{"cpu": "4", "memory": "8Gi", "pods": "110", "nvidia.com/gpu": "8"}).Obj()
	if change != nil {
		change(node)
	}
	h.sched.Cache.AddNode(klog.Background(), node)
}

// addPod adds a pod on a node to the scheduler's cache, and to the ledger.
func (h *harness) addPod(t *testing.T, namespace, name, group, node, cpu string) {
	t.Helper()
	pod := st.MakePod().Namespace(namespace).Name(name).UID(namespace + "/" + name).SchedulerName(testProfileName).Node(node).
		StartTime(metav1.Now()).Req(map[corev1.ResourceName]string{"cpu": cpu, "memory": "1Gi"})
	if group != "" {
		pod.Annotations(map[string]string{
			conventions.Coscheduling().GroupAnnotation: group, conventions.Coscheduling().MinAvailableAnnotation: "1",
			conventions.TopologyPreferredAnnotation: rackLabel,
		})
	}
	if err := h.sched.Cache.AddPod(klog.Background(), pod.Obj()); err != nil {
		t.Fatal(err)
	}
	h.plugins.ledger.Observe(pod.Obj())
}

// TestNodesSayWhatTheyHaveAndWhoUsesIt: what is set aside is not used, also while the one that may use it has it, and pods without a gang are.
func TestNodesSayWhatTheyHaveAndWhoUsesIt(t *testing.T) {
	h := newHarness(t)
	if _, err := h.plugins.Nodes(h.ctx); !errors.Is(err, errNotAttached) {
		t.Fatalf("without Attach, the error is %v", err)
	}
	h.plugins.Attach(h.ctx, h.sched)
	h.addNode("n3", "r2", func(node *corev1.Node) {
		node.Spec.Unschedulable = true
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}
	})
	h.addNode("n1", "r1", nil)
	h.addNode("n2", "r1", func(node *corev1.Node) { delete(node.Status.Allocatable, "nvidia.com/gpu") })
	h.addPod(t, "team-a", "a-0", "a", "n1", "100m")
	h.addPod(t, "team-a", "a-1", "a", "n1", "200m")
	h.addPod(t, "team-a", "a-2", "a", "n2", "1")
	h.addPod(t, "team-b", "b-0", "b", "n2", "2")
	h.addPod(t, "team-b", "alone", "", "n2", "500m")
	waiting := gang.Key{Namespace: "team-b", Name: "waits", Convention: conventions.Coscheduling().Name}
	h.plugins.slots.SetAside(klog.Background(), waiting, []slots.Aside{
		{Node: "n2", Requests: requests.From([]gang.Amount{{Resource: "cpu", Quantity: 1500}})},
		{Node: "n2", Requests: requests.From([]gang.Amount{{Resource: "cpu", Quantity: 1500}})},
	})
	const gi = float64(1 << 30)
	want := answers.Nodes{
		Resources: []string{"cpu", "memory", "nvidia.com/gpu"}, TopologyKeys: []string{rackLabel},
		Gangs: []answers.GangOnNodes{{Namespace: "team-a", Name: "a"}, {Namespace: "team-b", Name: "b"}},
		Items: []answers.Node{
			{
				Name: "n1", Domains: []string{"r1"}, Ready: true, Allocatable: []float64{4, 8 * gi, 8}, Used: []float64{0.3, 2 * gi, 0},
				Gangs: []answers.GangOnNode{{Gang: 0, Pods: 2, Uses: []float64{0.3, 2 * gi, 0}}},
			},
			{
				Name: "n2", Domains: []string{"r1"}, Ready: true, Allocatable: []float64{4, 8 * gi, 0}, Used: []float64{3.5, 3 * gi, 0},
				SetAside: []float64{3, 0, 0}, Gangs: []answers.GangOnNode{
					{Gang: 0, Pods: 1, Uses: []float64{1, gi, 0}}, {Gang: 1, Pods: 1, Uses: []float64{2, gi, 0}},
				},
			},
			{
				Name: "n3", Domains: []string{"r2"}, Unschedulable: true, Allocatable: []float64{4, 8 * gi, 8}, Used: []float64{0, 0, 0},
			},
		},
	}
	for _, lifted := range []bool{false, true} {
		if lifted {
			h.plugins.slots.Lift(klog.Background(), func(gang.Key) bool { return true })
		}
		got, err := h.plugins.Nodes(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(answers.Nodes{}, "At"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("lifted %t: (-want +got):\n%s", lifted, diff)
		}
		if time.Since(got.At) > time.Hour {
			t.Errorf("the nodes were read at %s", got.At)
		}
	}
}

// TestNodesAreReadWhileNoCycleRuns: what a cycle has reserved for some members of a gang is never seen.
func TestNodesAreReadWhileNoCycleRuns(t *testing.T) {
	h := newHarness(t)
	h.plugins.Attach(h.ctx, h.sched)
	h.addNode("n1", "r1", nil)
	between := h.plugins.questions.Load().between
	between.Begins()
	answered := make(chan error, 1)
	go func() {
		nodes, err := h.plugins.Nodes(h.ctx)
		if err == nil && nodes.Items[0].Used[0] != 2 {
			err = fmt.Errorf("%v is used", nodes.Items[0].Used)
		}
		answered <- err
	}()
	h.addPod(t, "team-a", "a-0", "a", "n1", "2")
	between.Ended(time.Now())
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestTheOrderSaysWhatEachGangWaitsFor(t *testing.T) {
	h := newHarness(t)
	for i, namespace := range []string{"team-b", "team-a"} {
		for j := range 2 {
			pod := st.MakePod().Namespace(namespace).Name(fmt.Sprint("p", j)).UID(fmt.Sprint(namespace, j)).SchedulerName(testProfileName).
				CreationTimestamp(metav1.NewTime(time.Unix(int64(i), 0))).
				Annotations(map[string]string{
					conventions.Coscheduling().GroupAnnotation: "training", conventions.Coscheduling().MinAvailableAnnotation: "2",
				}).Obj()
			h.plugins.ledger.Observe(pod)
		}
	}
	order := h.plugins.Order("")
	if len(order.Items) != 2 || order.Items[0].Key.Namespace != "team-b" || order.Items[1].Position != 1 {
		t.Fatalf("the order is %+v", order.Items)
	}
	if turn := h.plugins.Order("team-a").Items[0]; turn.Position != 1 || turn.Why.Kind != gang.KindUntried || turn.Why.Gang != turn.Key {
		t.Errorf("the turn is %+v, and waits for %+v", turn, turn.Why)
	}
}
