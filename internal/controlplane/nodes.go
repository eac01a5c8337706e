package controlplane

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
)

// nodeCreators is how many nodes are created at a time.
const nodeCreators = 32

// NodeShape describes simulated nodes. Quantities are written as in manifests.
type NodeShape struct {
	CPU    string
	Memory string
	Pods   int
	Labels map[string]string
	Taints []corev1.Taint
	// Extended are further resources, such as "nvidia.com/gpu": "8".
	Extended map[string]string
}

// AddNodes creates count nodes named prefix-0, prefix-1 and so on, which must
// not exist. When it returns they are ready and have no taints but the shape's.
func (cp *ControlPlane) AddNodes(ctx context.Context, prefix string, count int, shape NodeShape) error {
	capacity, err := shape.capacity()
	if err != nil {
		return fmt.Errorf("add nodes %s-*: %w", prefix, err)
	}
	client, err := kubernetes.NewForConfig(cp.controllerConfig("kubenexus-nodes"))
	if err != nil {
		return fmt.Errorf("add nodes %s-*: create client: %w", prefix, err)
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu   sync.Mutex
		errs []error
	)
	workqueue.ParallelizeUntil(ctx, nodeCreators, count, func(i int) {
		node := shape.node(prefix+"-"+strconv.Itoa(i), capacity)
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			cancel() // the others would likely fail for the same reason
		}
	})
	switch {
	case len(errs) > 0:
		return fmt.Errorf("add nodes %s-*: %w", prefix, errs[0])
	case ctx.Err() != nil:
		return fmt.Errorf("add nodes %s-*: %w", prefix, context.Cause(ctx))
	}
	return nil
}

func (s NodeShape) capacity() (corev1.ResourceList, error) {
	list := corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(int64(s.Pods), resource.DecimalSI)}
	quantities := map[string]string{"cpu": s.CPU, "memory": s.Memory}
	maps.Copy(quantities, s.Extended)
	var errs []error
	for name, value := range quantities {
		q, err := resource.ParseQuantity(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("resource %s: %q: %w", name, value, err))
		}
		list[corev1.ResourceName(name)] = q
	}
	return list, errors.Join(errs...)
}

// node returns a node that is ready from the start. That saves the simulator a
// request per node, and AddNodes waiting for it.
func (s NodeShape) node(name string, capacity corev1.ResourceList) *corev1.Node {
	labels := map[string]string{
		corev1.LabelHostname:   name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
	}
	maps.Copy(labels, s.Labels)
	now := metav1.Now()
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.NodeSpec{Taints: s.Taints},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses:   []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}},
			Conditions: []corev1.NodeCondition{{
				Type:               corev1.NodeReady,
				Status:             corev1.ConditionTrue,
				LastHeartbeatTime:  now,
				LastTransitionTime: now,
				Reason:             "Simulated",
				Message:            "this node is simulated",
			}},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				KubeletVersion:          kubernetesVersion(),
				OSImage:                 "simulated",
				KernelVersion:           "simulated",
				ContainerRuntimeVersion: "simulated://0",
			},
		},
	}
}
