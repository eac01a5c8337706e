package install

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"github.com/kubenexus/kubenexus-scheduler/pkg/gang"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	guardRails = "../../config/guard-rails.yaml"

	podGroup = "pod-group.scheduling.sigs.k8s.io/name"
	podCount = "pod-group.scheduling.sigs.k8s.io/min-available"
	group    = "batch.scheduling.k8s.io/group"
	count    = "batch.scheduling.k8s.io/min-available"
)

// raiseGuardRails applies them and waits until the API server follows them. Other tests go without.
func raiseGuardRails(t *testing.T) {
	t.Helper()
	all := readObjects(t, guardRails)
	if warned := apply(t, all); len(warned) > 0 {
		t.Errorf("the API server warns: %q", warned)
	}
	t.Cleanup(func() { lowerGuardRails(t, all) })
	process.Within(t, patience, "the guard rails to be followed", func() (bool, string) {
		followed := []error{dryRun(t, suite.client, annotated(nil, map[string]string{gang.ReservationAnnotation: "{}"}))}
		for _, annotation := range []string{podCount, queueAnnotation} {
			followed = append(followed, dryRun(t, suite.client, annotated(nil, map[string]string{annotation: "1"})),
				dryRunTemplates(t, metav1.NamespaceDefault, map[string]string{annotation: "1"})["ReplicaSet"])
		}
		return !slices.Contains(followed, nil), fmt.Sprint(followed)
	})
}

// deleteAll deletes what a test applied, when it has ended.
func deleteAll(t *testing.T, all []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range all {
		resource, err := resourceOf(suite.plane.Config(), object)
		if err != nil {
			t.Fatal(err)
		}
		if err := resource.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func lowerGuardRails(t *testing.T, all []*unstructured.Unstructured) {
	t.Helper()
	deleteAll(t, all)
	ctx := context.Background() // the test's has ended
	pods := suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	process.Within(t, patience, "the guard rails to be gone", func() (bool, string) {
		bad := annotated(nil, map[string]string{podCount: "1", gang.ReservationAnnotation: "{}", queueAnnotation: "1"})
		_, err := pods.Create(ctx, bad, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil, fmt.Sprint(err)
	})
}

// TestGuardRailsHaveTheRightTypes does what kube-controller-manager does with policies, whose findings kubectl describe shows.
func TestGuardRailsHaveTheRightTypes(t *testing.T) {
	kinds := suite.client.Discovery()
	checker := &validating.TypeChecker{
		SchemaResolver: &resolver.ClientDiscoveryResolver{Discovery: kinds},
		RestMapper:     restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds)),
	}
	for _, object := range readObjects(t, guardRails) {
		if object.GetKind() != "ValidatingAdmissionPolicy" {
			continue
		}
		for _, warning := range checker.Check(decode[admissionv1.ValidatingAdmissionPolicy](t, object)) {
			t.Errorf("%s: %s: %s", object.GetName(), warning.FieldRef, warning.Warning)
		}
	}
}

func annotated(labels, annotations map[string]string) *corev1.Pod {
	pod := podNamed("", "1")
	pod.Namespace, pod.GenerateName = metav1.NamespaceDefault, "guarded-"
	pod.Labels, pod.Annotations = labels, annotations
	return pod
}

func dryRun(t *testing.T, client kubernetes.Interface, pod *corev1.Pod) error {
	t.Helper()
	_, err := client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// dryRunTemplates returns what is said to each kind whose template makes such pods.
func dryRunTemplates(t *testing.T, namespace string, annotations map[string]string) map[string]error {
	t.Helper()
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	labels := map[string]string{"app": "a"}
	meta, selector := metav1.ObjectMeta{Name: "guarded"}, &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations}, Spec: podNamed("", "1").Spec,
	}
	job := &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: *template.DeepCopy()}}
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	_, byJob := suite.client.BatchV1().Jobs(namespace).Create(t.Context(), job, dry)
	apps := suite.client.AppsV1()
	_, byDeployment := apps.Deployments(namespace).Create(t.Context(),
		&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}}, dry)
	_, byReplicaSet := apps.ReplicaSets(namespace).Create(t.Context(),
		&appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template}}, dry)
	_, byStatefulSet := apps.StatefulSets(namespace).Create(t.Context(),
		&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}}, dry)
	return map[string]error{"Job": byJob, "Deployment": byDeployment, "ReplicaSet": byReplicaSet, "StatefulSet": byStatefulSet}
}

// TestGuardRails: a pod is refused exactly if the scheduler could not follow its annotations, with the sentence that the
// scheduler would say.
func TestGuardRails(t *testing.T) {
	raiseGuardRails(t)
	spark := map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"}
	with := func(more ...string) map[string]string {
		all := map[string]string{podGroup: "a", podCount: "3"}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	type pod struct{ labels, annotations map[string]string }
	pods := []pod{
		{nil, nil},
		{nil, map[string]string{"kubenexus.io/placement": "nowhere"}}, // of no gang
		{nil, with()},
		{nil, map[string]string{podCount: "3"}},
		{nil, map[string]string{podGroup: "a"}},
		{nil, map[string]string{group: "a", count: "3"}},
		{nil, map[string]string{count: "3"}},
		{nil, map[string]string{group: "a"}},
		{nil, with(group, "b")},
		{nil, with(count, "7")},
		{nil, with("kubenexus.io/role", "Worker")},
		{nil, with("kubenexus.io/role", "-worker")},
		{nil, with("kubenexus.io/role", strings.Repeat("w", 64))},
		{nil, with("kubenexus.io/role", "worker")},
		{nil, map[string]string{podGroup: "a", "kubenexus.io/roles": `[{"name":"w","min":2}]`}},
		{spark, nil},
		{spark, map[string]string{"spark-executor-count": "2", "spark-executor-cpu": "1", "spark-executor-mem": "1Gi"}},
		{spark, map[string]string{"kubenexus.io/placement": "nowhere"}},
		{map[string]string{"spark-role": "friend", "spark-app-selector": "s"}, map[string]string{"kubenexus.io/on-partial": "x"}},
	}
	for _, name := range []string{"", "two words", "-a", "a-", "ä", "a_b.c-d", "a\nb", `a"b`, strings.Repeat("n", 253), strings.Repeat("n", 254)} {
		pods = append(pods, pod{nil, with(podGroup, name)})
	}
	for _, size := range []string{
		"", "0", "-1", "+3", "03", "1", "2147483647", "2147483648", "-2147483649", "99999999999999999999", "3.0", "three", " 3", "3\n",
	} {
		pods = append(pods, pod{nil, with(podCount, size)}, pod{nil, map[string]string{group: "b", count: size}})
	}
	for _, duration := range []string{
		"", "0", "0s", "5", "5m", "1h30m", "24h", "24h0m1s", "-5m", "+5m", "soon", ".5h", "1.5h", "1.h", "1d", "5 m", "100us", "100µs",
		"99999999h", "1m1m", "5m ", ".s", "\"",
	} {
		for _, annotation := range []string{"kubenexus.io/schedule-timeout", "kubenexus.io/reservation-timeout"} {
			pods = append(pods, pod{nil, with(annotation, duration)})
		}
	}
	for annotation, good := range map[string][]string{
		"kubenexus.io/placement": {"pack", "spread"}, "kubenexus.io/restart-policy": {"replace", "whole-gang"},
		"kubenexus.io/on-partial": {"wait", "evict"},
	} {
		for _, value := range append(good, "", "Pack", "all", strings.Repeat("x", 100)) {
			pods = append(pods, pod{nil, with(annotation, value)})
		}
	}
	refused := 0
	for _, p := range pods {
		_, want := gang.Parse(p.labels, p.annotations, gang.Dialects())
		got := dryRun(t, suite.client, annotated(p.labels, p.annotations))
		switch {
		case want == nil && got != nil:
			t.Errorf("%v %q is refused: %v", p.labels, p.annotations, got)
		case want != nil && (got == nil || !strings.HasSuffix(got.Error(), "denied request: "+want.Error())):
			t.Errorf("%v %q\n got %v\nwant %v", p.labels, p.annotations, got, want)
		case want != nil:
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("only %d pods were refused", refused)
	}
	foreign := annotated(nil, map[string]string{podCount: "x"})
	foreign.Spec.SchedulerName = "another-scheduler"
	if err := dryRun(t, suite.client, foreign); err != nil {
		t.Errorf("a pod of another scheduler is refused: %v", err)
	}
}

// TestGuardRailsLookIntoTemplates: whoever applies a workload with bad annotations is told what is wrong with them.
func TestGuardRailsLookIntoTemplates(t *testing.T) {
	raiseGuardRails(t)
	good, bad := map[string]string{podGroup: "a", podCount: "3"}, map[string]string{podGroup: "a", podCount: "all"}
	for _, annotations := range []map[string]string{good, bad} {
		_, want := gang.Parse(nil, annotations, gang.Dialects())
		for kind, got := range dryRunTemplates(t, metav1.NamespaceDefault, annotations) {
			if want == nil && got != nil || want != nil && (got == nil || !strings.HasSuffix(got.Error(), "denied request: "+want.Error())) {
				t.Errorf("%s: got %v, want %v", kind, got, want)
			}
		}
	}
}

// TestGuardRailsLetOldPodsBe: a pod from before can be changed as long as its annotations stay, and corrected.
func TestGuardRailsLetOldPodsBe(t *testing.T) {
	old := annotated(nil, map[string]string{podCount: "x"})
	pods := suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	old, err := pods.Create(t.Context(), old, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raiseGuardRails(t)
	patch := func(metadata string) error {
		_, err := pods.Patch(t.Context(), old.Name, "application/merge-patch+json", []byte(`{"metadata":`+metadata+`}`), metav1.PatchOptions{})
		return err
	}
	if err := patch(`{"labels":{"a":"b"}}`); err != nil {
		t.Errorf("a label: %v", err)
	}
	if err := patch(`{"annotations":{"` + podCount + `":"y"}}`); err == nil {
		t.Error("another bad value is accepted")
	}
	if err := patch(`{"annotations":{"` + podCount + `":"2","` + podGroup + `":"a"}}`); err != nil {
		t.Errorf("good values: %v", err)
	}
}

// TestOnlyTheSchedulerReserves: a user can neither write the reservation nor take it away, by whatever way, and the scheduler
// that the manifest installs can.
func TestOnlyTheSchedulerReserves(t *testing.T) {
	raiseGuardRails(t)
	config := suite.plane.Config()
	config.Impersonate.UserName = account
	config.Impersonate.Groups = []string{"system:masters"} // the policy is tried here, not the rights
	scheduler := kubernetes.NewForConfigOrDie(config)
	note := map[string]string{gang.ReservationAnnotation: "{}"}
	all := metav1.CreateOptions{}
	for _, by := range []struct {
		who     string
		client  kubernetes.Interface
		refused bool
	}{{"a user", suite.client, true}, {"the scheduler", scheduler, false}} {
		check := func(what string, err error) {
			t.Helper()
			if by.refused != (err != nil && strings.Contains(err.Error(), "is the scheduler's")) || !by.refused && err != nil {
				t.Errorf("%s, %s: %v", by.who, what, err)
			}
		}
		check("create", dryRun(t, by.client, annotated(nil, note)))
		pods := by.client.CoreV1().Pods(metav1.NamespaceDefault)
		plain, err := suite.client.CoreV1().Pods(metav1.NamespaceDefault).Create(t.Context(), annotated(nil, nil), all)
		if err != nil {
			t.Fatal(err)
		}
		write := []byte(`{"metadata":{"annotations":{"kubenexus.io/reservation":"{}"}}}`)
		for _, subresource := range []string{"", "status"} {
			var sub []string
			if subresource != "" {
				sub = []string{subresource}
			}
			_, err = pods.Patch(t.Context(), plain.Name, "application/merge-patch+json", write,
				metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, sub...)
			check("patch "+subresource, err)
		}
		check("bind", pods.Bind(t.Context(), &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: plain.Name, Annotations: note}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
		}, all))
		if !by.refused { // now it is there
			_, err = suite.client.CoreV1().Pods(metav1.NamespaceDefault).Patch(t.Context(), plain.Name, "application/merge-patch+json",
				[]byte(`{"metadata":{"annotations":{"kubenexus.io/reservation":null}}}`), metav1.PatchOptions{})
			if err == nil {
				t.Error("a user took the reservation away")
			}
		}
	}
}
