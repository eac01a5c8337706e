// Package load creates and deletes the objects that schedulers are measured with. These are the same for all schedulers, except for the
// scheduler's name and the marks for groups.
package load

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"

	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

const (
	// Namespace is the namespace of all pods.
	Namespace = "bench"
	// InFlight is the number of requests in flight.
	InFlight = 32
	// PodsPerNode is how many pods of the usual size fit on a node.
	PodsPerNode = 64
	// The capacity of a node.
	nodeMemory, nodePods = "256Gi", 110
	// slot is a resource of which each of the first Slots nodes has one.
	slot corev1.ResourceName = "bench.kubenexus.io/slot"
	// Slots is the number of nodes with a slot.
	Slots = 50
	// RackKey is the label that says in which of Racks racks a node is.
	RackKey = "example.com/rack"
	// Racks is the number of racks. Each has as many nodes as the others, or one more or less.
	Racks = 50
	// nowhere is a label that no node has.
	nowhere = "bench.kubenexus.io/nowhere"
	// Low is the name of the PriorityClass of pods that are preempted.
	Low = "bench-low"
	// High is the name of the PriorityClass of pods that preempt others.
	High = "bench-high"
)

// Prepare creates the namespace and the service account that pods need, because no controller runs here.
func Prepare(ctx context.Context, client kubernetes.Interface) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the namespace: %w", err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err := client.CoreV1().ServiceAccounts(Namespace).Create(ctx, account, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the service account: %w", err)
	}
	return nil
}

// CreatePriorities creates the PriorityClasses.
func CreatePriorities(ctx context.Context, client kubernetes.Interface) error {
	for name, value := range map[string]int32{Low: -1000, High: 1000} {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
		if _, err := client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating priority class %s: %w", name, err)
		}
	}
	return nil
}

// ConfigureQueues creates the ConfigMap of the contenders with queues. No other contender reads it.
func ConfigureQueues(ctx context.Context, client kubernetes.Interface, name, text string) error {
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{queueconfig.Key: text}}
	if _, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Create(ctx, configMap, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the configuration of queues: %w", err)
	}
	return nil
}

// AddNodes creates nodes with the numbers from (inclusive) to to (exclusive).
func AddNodes(ctx context.Context, client kubernetes.Interface, from, to int) error {
	return parallel(ctx, to-from, func(ctx context.Context, i int) error {
		if _, err := client.CoreV1().Nodes().Create(ctx, node(from+i), metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %d: %w", from+i, err)
		}
		return nil
	})
}

func nodeName(i int) string { return "node-" + strconv.Itoa(i) }

// rackName returns the rack of a node. Nodes are added one after the other to the racks, so these stay equally large.
func rackName(node int) string { return "rack-" + strconv.Itoa(node%Racks) }

// node returns a node without a kubelet. It is ready, sends no heartbeats and runs nothing.
func node(i int) *corev1.Node {
	name := nodeName(i)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewQuantity(PodsPerNode, resource.DecimalSI),
		corev1.ResourceMemory: resource.MustParse(nodeMemory),
		corev1.ResourcePods:   *resource.NewQuantity(nodePods, resource.DecimalSI),
	}
	if i < Slots {
		capacity[slot] = *resource.NewQuantity(1, resource.DecimalSI)
	}
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, RackKey: rackName(i)}},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated",
				LastHeartbeatTime: now, LastTransitionTime: now,
			}},
		},
	}
}

// parallel calls do for 0 to count-1, in this order and many at a time. It stops at the first error.
func parallel(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workqueue.ParallelizeUntil(running, InFlight, count, func(i int) {
		if err := do(running, i); err != nil {
			fail(err) // only the first error counts: it causes the others
		}
	})
	return context.Cause(running)
}
