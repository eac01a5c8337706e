package load

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// InSeveralRacks returns how many groups of the batch have bound pods in more than one rack.
func (b *Batch) InSeveralRacks(ctx context.Context, client kubernetes.Interface) (int, error) {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("listing the nodes: %w", err)
	}
	racks := make(map[string]string, len(nodes.Items))
	for i := range nodes.Items {
		racks[nodes.Items[i].Name] = nodes.Items[i].Labels[RackKey]
	}
	pods, err := client.CoreV1().Pods(Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("listing the pods: %w", err)
	}
	rackOf, torn := map[string]string{}, map[string]bool{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if Prefix(pod.Name) != b.Prefix || pod.Spec.NodeName == "" {
			continue
		}
		group, rack := pod.Labels[GroupLabel], racks[pod.Spec.NodeName]
		if first, known := rackOf[group]; known && first != rack {
			torn[group] = true
		}
		rackOf[group] = rack
	}
	return len(torn), nil
}
