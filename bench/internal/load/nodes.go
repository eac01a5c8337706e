// Package load makes and removes the objects that schedulers are measured on. They are the same for all of them, except for
// what says which scheduler is meant and which pods belong together.
package load

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
)

const (
	// Namespace is where all pods are.
	Namespace = "bench"
	// creators is how many requests are under way at a time.
	creators = 32
	// PodsPerNode is how many pods of the usual size fit on a node.
	PodsPerNode = 64
	// What a node has.
	nodeMemory, nodePods = "256Gi", 110
	// slot is a resource that only the first nodes have, one each.
	slot corev1.ResourceName = "bench.kubenexus.io/slot"
	// Slots is how many nodes have one.
	Slots = 50
)

// Prepare creates the namespace and the service account that pods need: no controller does it here.
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

// AddNodes creates the nodes number from up to, but not including, to.
func AddNodes(ctx context.Context, client kubernetes.Interface, from, to int) error {
	return parallel(ctx, to-from, func(ctx context.Context, i int) error {
		if _, err := client.CoreV1().Nodes().Create(ctx, node(from+i), metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %d: %w", from+i, err)
		}
		return nil
	})
}

// node returns a node without a kubelet: it is ready, sends no heartbeats and runs nothing.
func node(i int) *corev1.Node {
	name := "node-" + strconv.Itoa(i)
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
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
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

// parallel calls do for 0 up to count, in this order but many at a time, and gives up at the first error.
func parallel(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workqueue.ParallelizeUntil(running, creators, count, func(i int) {
		if err := do(running, i); err != nil {
			fail(err) // only the first counts: the others fail because of it
		}
	})
	return context.Cause(running)
}
