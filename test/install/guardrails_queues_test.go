package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	queueAnnotation  = "kubenexus.io/queue"
	queuesAnnotation = "kubenexus.io/queues"
	askFor           = ", or ask an administrator to change the namespace's annotation kubenexus.io/queues"
)

// namespaceWith creates a namespace that may use these queues, or without the annotation if queues is nil, and waits until pods can be
// created in it.
func namespaceWith(t *testing.T, queues *string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "queues-"}}
	if queues != nil {
		namespace.Annotations = map[string]string{queuesAnnotation: *queues}
	}
	namespace, err := suite.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background() // the test's context is done
		// Delete the pods first: the scheduler of another test would try to schedule them in a terminating namespace.
		err := errors.Join(
			suite.client.CoreV1().Pods(namespace.Name).DeleteCollection(ctx,
				metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{}),
			suite.client.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{}))
		if err != nil {
			t.Error(err)
		}
	})
	process.Within(t, patience, "the namespace's service account", func() (bool, string) {
		err := dryRun(t, suite.client, podIn(namespace.Name, nil))
		return err == nil, fmt.Sprint(err)
	})
	return namespace.Name
}

func podIn(namespace string, annotations map[string]string) *corev1.Pod {
	pod := annotated(nil, annotations)
	pod.Namespace = namespace
	return pod
}

// inQueue returns the annotations of a pod in that queue.
func inQueue(queue string) map[string]string { return map[string]string{queueAnnotation: queue} }

// refusal returns the policy's message for a pod in that queue.
func refusal(queue, namespace, mayUse string) string {
	return fmt.Sprintf("denied request: annotation kubenexus.io/queue has the value %q: namespace %s may use %s", queue, namespace, mayUse)
}

// checkRefused checks that the error is exactly this refusal, or nil if want is empty.
func checkRefused(t *testing.T, what string, got error, want string) {
	t.Helper()
	refused := apierrors.IsForbidden(got) && strings.HasSuffix(got.Error(), want)
	if want == "" && got != nil || want != "" && !refused {
		t.Errorf("%s\n got %v\nwant %s", what, got, want)
	}
}

// TestANamespaceUsesOnlyItsQueues: its annotation lists them, and so does the message.
func TestANamespaceUsesOnlyItsQueues(t *testing.T) {
	raiseGuardRails(t)
	const none = "no queue; leave this annotation out" + askFor
	for _, test := range []struct {
		queues  *string
		mayUse  string
		allowed []string
		refused []string
	}{
		{nil, none, nil, []string{"research", "default", "", " ", ",", "*"}},
		{new(""), none, nil, []string{"research", ""}},
		{new(" \n"), none, nil, []string{"research", "", " \n"}},
		{new(" , "), `the queues ","; name one of them` + askFor, nil, []string{"research", "", " ", ",", " , "}},
		{new("research"), `the queues "research"; name one of them` + askFor, []string{"research"}, []string{
			"batch", "res", "search", "research2", "Research", "research.a", "research,", " research", "research\n", "", " ", "*", "r*", ".*",
		}},
		{new("research, batch"), `the queues "research, batch"; name one of them` + askFor, []string{"research", "batch"}, []string{
			"gpu", "research, batch", "research,batch", ", ", "", "*",
		}},
		{
			new("  research\t,batch ,,\n gpu\n"), `the queues "research\t,batch ,,\n gpu"; name one of them` + askFor,
			[]string{"research", "batch", "gpu"},
			[]string{"", " gpu", "cpu"},
		},
		{new("*"), "any queue; name one, or leave this annotation out", []string{"research", "batch"}, []string{"", " ", "*"}},
		{new(" * "), "any queue; name one, or leave this annotation out", []string{"research"}, []string{"", "*"}},
		{new("research, *"), `the queues "research, *"; name one of them` + askFor, []string{"research"}, []string{"batch", "*"}},
		{new("res*"), `the queues "res*"; name one of them` + askFor, nil, []string{"research"}},
	} {
		namespace := namespaceWith(t, test.queues)
		for _, queue := range test.allowed {
			checkRefused(t, "a pod", dryRun(t, suite.client, podIn(namespace, inQueue(queue))), "")
			for _, w := range workloads(podIn(namespace, inQueue(queue))) {
				checkRefused(t, w.resource, w.dryRun(t, namespace), "")
			}
		}
		for _, queue := range test.refused {
			want := refusal(queue, namespace, test.mayUse)
			checkRefused(t, "a pod", dryRun(t, suite.client, podIn(namespace, inQueue(queue))), want)
			for _, w := range workloads(podIn(namespace, inQueue(queue))) {
				checkRefused(t, w.resource, w.dryRun(t, namespace), want)
			}
			ours := podIn(namespace, inQueue(queue))
			ours.Spec.SchedulerName = "batch-scheduler"
			checkRefused(t, "a pod of batch-scheduler", dryRun(t, suite.client, ours), want)
			theirs := podIn(namespace, inQueue(queue))
			theirs.Spec.SchedulerName = corev1.DefaultSchedulerName
			checkRefused(t, "a pod of another scheduler", dryRun(t, suite.client, theirs), "")
		}
		plain := map[string]string{podGroup: "a", podCount: "3"} // names no queue
		checkRefused(t, "a pod of no queue", dryRun(t, suite.client, podIn(namespace, plain)), "")
		for _, w := range workloads(podIn(namespace, plain)) {
			checkRefused(t, w.resource, w.dryRun(t, namespace), "")
		}
	}
}

// TestQueuesOfAnyLength: annotations can have 256 KiB. They do not slow down the API server, and what the policy does not read is refused.
func TestQueuesOfAnyLength(t *testing.T) {
	raiseGuardRails(t)
	const most = 255 << 10 // with the name, just below the limit
	long := strings.Repeat("q", most)
	one, star := namespaceWith(t, new("research")), namespaceWith(t, new("*"))
	checkRefused(t, "a long name", dryRun(t, suite.client, podIn(one, inQueue(long))),
		refusal(long[:64]+"...", one, `the queues "research"; name one of them`+askFor))
	checkRefused(t, "a long name where any is allowed", dryRun(t, suite.client, podIn(star, inQueue(long))), "")

	for before, allowed := range map[string]bool{
		strings.Repeat("another-team, ", 999): true, strings.Repeat("another-team, ", 1000): false,
		strings.Repeat("another-team, ", most/14-1): false, strings.Repeat(",", most-8): false,
	} {
		namespace := namespaceWith(t, new(before+"research"))
		want := func(queue string) string {
			return refusal(queue, namespace, `the queues "`+before[:256]+`..."; name one of them`+askFor)
		}
		what := fmt.Sprintf("a list of %d", strings.Count(before, ",")+1)
		last := want("research")
		if allowed {
			last = ""
		}
		checkRefused(t, what, dryRun(t, suite.client, podIn(namespace, inQueue("research"))), last)
		checkRefused(t, what, dryRun(t, suite.client, podIn(namespace, inQueue("gpu"))), want("gpu"))
		checkRefused(t, what, dryRun(t, suite.client, podIn(namespace, inQueue(long))), want(long[:64]+"..."))
		checkRefused(t, what, dryRun(t, suite.client, podIn(namespace, nil)), "")
	}
}

// TestQueuesOfWhatExists: a pod or workload from before the list keeps its queue, and its other fields can be changed. It cannot change to
// another queue that is not listed.
func TestQueuesOfWhatExists(t *testing.T) {
	namespace := namespaceWith(t, new("batch"))
	pods := suite.client.CoreV1().Pods(namespace)
	old, err := pods.Create(t.Context(), podIn(namespace, inQueue("research")), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := pods.Create(t.Context(), podIn(namespace, nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app": "a"}
	sets := suite.client.AppsV1().StatefulSets(namespace)
	set, err := sets.Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "old"}, Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: inQueue("research")}, Spec: podNamed("", "1").Spec,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raiseGuardRails(t)
	patch := func(pod, change string, subresources ...string) error {
		_, err := pods.Patch(t.Context(), pod, types.MergePatchType, []byte(change), metav1.PatchOptions{}, subresources...)
		return err
	}
	patchSet := func(change string) error {
		_, err := sets.Patch(t.Context(), set.Name, types.MergePatchType, []byte(change), metav1.PatchOptions{})
		return err
	}
	into := func(queue string) string { return `{"metadata":{"annotations":{"kubenexus.io/queue":` + queue + `}}}` }
	ofTemplate := func(change string) string { return `{"spec":{"template":` + change + `}}` }
	toGPU := refusal("gpu", namespace, `the queues "batch"; name one of them`+askFor)

	checkRefused(t, "another label", patch(old.Name, `{"metadata":{"labels":{"a":"b"}}}`), "")
	checkRefused(t, "another annotation", patch(old.Name, `{"metadata":{"annotations":{"a":"b"}}}`), "")
	checkRefused(t, "its status", patch(old.Name, `{"status":{"message":"ok"}}`, "status"), "")
	checkRefused(t, "the same queue", patch(old.Name, into(`"research"`)), "")
	for _, pod := range []string{old.Name, plain.Name} {
		checkRefused(t, "into a queue", patch(pod, into(`"gpu"`)), toGPU)
		checkRefused(t, "into a queue by the status", patch(pod, into(`"gpu"`), "status"), toGPU)
		checkRefused(t, "into a listed queue", patch(pod, into(`"batch"`)), "")
		checkRefused(t, "out of it", patch(pod, into(`null`)), "")
	}
	bind := pods.Bind(t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: plain.Name, Annotations: inQueue("gpu")}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
	}, metav1.CreateOptions{})
	checkRefused(t, "into a queue by a binding", bind, toGPU)
	checkRefused(t, "back into the old one", patch(old.Name, into(`"research"`)),
		refusal("research", namespace, `the queues "batch"; name one of them`+askFor))

	checkRefused(t, "something else of a StatefulSet", patchSet(`{"spec":{"minReadySeconds":1}}`), "")
	checkRefused(t, "its template's labels", patchSet(ofTemplate(`{"metadata":{"labels":{"b":"c"}}}`)), "")
	checkRefused(t, "its queue", patchSet(ofTemplate(into(`"gpu"`))), toGPU)
	checkRefused(t, "its queue to a listed one", patchSet(ofTemplate(into(`"batch"`))), "")
	checkRefused(t, "its queue to none", patchSet(ofTemplate(into(`null`))), "")

	// A longer list takes effect soon.
	_, err = suite.client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"kubenexus.io/queues":"batch,gpu"}}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	process.Within(t, patience, "the queue to be allowed", func() (bool, string) {
		err := errors.Join(patch(old.Name, into(`"gpu"`)), patchSet(ofTemplate(into(`"gpu"`))))
		return err == nil, fmt.Sprint(err)
	})
}

// TestTenantsNeitherListQueuesNorBind: users with the role admin in a namespace can create pods there. They can neither change its list of
// queues nor do what only a scheduler does.
func TestTenantsNeitherListQueuesNorBind(t *testing.T) {
	namespace := namespaceWith(t, new("research"))
	// The controller that aggregates the role admin does not run here.
	for _, part := range []string{"system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view"} {
		_, err := suite.client.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: part},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: part},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "tenants"}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	tenants := []string{"tenants", "system:authenticated"}
	for _, right := range []rbacv1.PolicyRule{
		oneRight("create", "rbac.authorization.k8s.io", "roles"), oneRight("create", "", "pods"), oneRight("get", "", "namespaces", namespace),
	} {
		process.Within(t, patience, "tenants to be admins", func() (bool, string) { return grant{right, namespace}.isAllowed(t, tenants) })
	}
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		if allowed, by := (grant{oneRight(verb, "", "namespaces", namespace), namespace}).isAllowed(t, tenants); allowed {
			t.Errorf("tenants may %s their namespace: %s", verb, by)
		}
	}
	for _, resource := range []string{"bindings", "pods/binding"} {
		if allowed, by := (grant{oneRight("create", "", resource), namespace}).isAllowed(t, tenants); allowed {
			t.Errorf("tenants may create %s: %s", resource, by)
		}
	}
}
