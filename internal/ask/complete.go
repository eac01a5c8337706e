package ask

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubenexus/kubenexus-scheduler/internal/answers"
)

// Complete completes the pods of a question as the API server would: each set is created by a dry run, so that defaults, priorities and
// admission apply. An error is that of the API server: the pods could not be created.
func Complete(ctx context.Context, client kubernetes.Interface, question *answers.WhatIf) error {
	for i := range question.Pods {
		set := &question.Pods[i]
		pod := set.Pod.DeepCopy()
		if pod.Name == "" && pod.GenerateName == "" {
			pod.GenerateName = "what-if-"
		}
		created, err := client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return fmt.Errorf("creating such a pod in namespace %s by dry run: %w", pod.Namespace, err)
		}
		created.Name, created.GenerateName = pod.Name, pod.GenerateName
		set.Pod = *created
	}
	return nil
}
