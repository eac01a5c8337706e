package gangread

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
)

// List returns the pods of a namespace, or of all with metav1.NamespaceAll. It reads them page by page.
func List(ctx context.Context, client kubernetes.Interface, namespace string) ([]*corev1.Pod, error) {
	var pods []*corev1.Pod
	pages := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Pods(namespace).List(ctx, options)
	}))
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
		pod, isPod := object.(*corev1.Pod)
		if !isPod {
			return fmt.Errorf("the API server listed a %T as a pod", object)
		}
		pods = append(pods, pod)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	return pods, nil
}
