package install

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// labeled returns a pod that names its queue by the label, and another one by the annotation if that is not empty.
func labeled(namespace, queue, annotated string) *corev1.Pod {
	pod := podIn(namespace, nil)
	pod.Labels = map[string]string{queueAnnotation: queue}
	if annotated != "" {
		pod.Annotations = inQueue(annotated)
	}
	return pod
}

// labelRefusal returns the policy's message for a pod with that label.
func labelRefusal(queue, namespace, mayUse string) string {
	return strings.ReplaceAll(strings.Replace(refusal(queue, namespace, mayUse), "annotation", "label", 1), "this annotation", "this label")
}

// TestTheLabelOfAQueueIsCheckedToo, beside the annotation: the scheduler reads the label where there is no annotation.
func TestTheLabelOfAQueueIsCheckedToo(t *testing.T) {
	raiseGuardRails(t)
	for _, test := range []struct {
		queues  *string
		mayUse  string
		allowed []string
		refused []string
	}{
		{nil, "no queue; leave this annotation out" + askFor, nil, []string{"research", ""}},
		{new("research, batch"), `the queues "research, batch"; name one of them` + askFor, []string{"research", "batch"}, []string{"gpu", "res", ""}},
		{new("*"), "any queue; name one, or leave this annotation out", []string{"research"}, []string{""}},
	} {
		namespace := namespaceWith(t, test.queues)
		check := func(pod *corev1.Pod, want string) {
			t.Helper()
			checkRefused(t, "a pod", dryRun(t, suite.client, pod), want)
			for _, w := range workloads(pod) {
				checkRefused(t, w.resource, w.dryRun(t, namespace), want)
			}
		}
		for _, queue := range test.allowed {
			check(labeled(namespace, queue, ""), "")
			check(labeled(namespace, queue, queue), "")
		}
		for _, queue := range test.refused {
			check(labeled(namespace, queue, ""), labelRefusal(queue, namespace, test.mayUse))
			theirs := labeled(namespace, queue, "")
			theirs.Spec.SchedulerName = corev1.DefaultSchedulerName
			check(theirs, "")
			for _, other := range test.allowed {
				check(labeled(namespace, queue, other), labelRefusal(queue, namespace, test.mayUse))
				if queue != "" {
					check(labeled(namespace, other, queue), refusal(queue, namespace, test.mayUse))
				}
			}
		}
	}
}

// TestALabelKeepsItsQueue as an annotation does: what exists can be changed otherwise, but not into another queue, nor into that of the
// label by taking the annotation away.
func TestALabelKeepsItsQueue(t *testing.T) {
	namespace := namespaceWith(t, new("batch"))
	pods := suite.client.CoreV1().Pods(namespace)
	create := func(pod *corev1.Pod) string {
		t.Helper()
		made, err := pods.Create(t.Context(), pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return made.Name
	}
	old, both, plain := create(labeled(namespace, "research", "")), create(labeled(namespace, "research", "batch")), create(podIn(namespace, nil))
	raiseGuardRails(t)
	patch := func(pod, in, queue string, subresources ...string) error {
		change := fmt.Sprintf(`{"metadata":{%q:{"kubenexus.io/queue":%s}}}`, in, queue)
		_, err := pods.Patch(t.Context(), pod, types.MergePatchType, []byte(change), metav1.PatchOptions{}, subresources...)
		return err
	}
	const mayUse = `the queues "batch"; name one of them` + askFor
	toGPU, toResearch := labelRefusal("gpu", namespace, mayUse), labelRefusal("research", namespace, mayUse)

	checkRefused(t, "the same queue", patch(old, "labels", `"research"`), "")
	checkRefused(t, "an annotation beside it", patch(old, "annotations", `"batch"`), "")
	checkRefused(t, "back to the label", patch(old, "annotations", `null`), toResearch)
	checkRefused(t, "from the annotation to the label", patch(both, "annotations", `null`), toResearch)
	for _, pod := range []string{old, both, plain} {
		checkRefused(t, "into a queue", patch(pod, "labels", `"gpu"`), toGPU)
		checkRefused(t, "into a queue by the status", patch(pod, "labels", `"gpu"`, "status"), toGPU)
		checkRefused(t, "into a listed queue", patch(pod, "labels", `"batch"`), "")
		checkRefused(t, "out of it", patch(pod, "labels", `null`), "")
	}
	bind := pods.Bind(t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: plain, Labels: inQueue("gpu")}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
	}, metav1.CreateOptions{})
	checkRefused(t, "into a queue by a binding", bind, toGPU)
}
