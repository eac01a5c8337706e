package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	guardRails = "../../config/guard-rails.yaml"

	podGroup = "pod-group.scheduling.sigs.k8s.io/name"
	podCount = "pod-group.scheduling.sigs.k8s.io/min-available"
	group    = "batch.scheduling.k8s.io/group"
	count    = "batch.scheduling.k8s.io/min-available"
)

// raiseGuardRails applies the policies and waits until the API server enforces them. Other tests run without.
func raiseGuardRails(t *testing.T) {
	t.Helper()
	all := readObjects(t, guardRails)
	if warned := apply(t, all); len(warned) > 0 {
		t.Errorf("the API server warns: %q", warned)
	}
	t.Cleanup(func() { lowerGuardRails(t, all) })
	process.Within(t, patience, "the guard rails to be followed", func() (bool, string) {
		followed := []error{
			dryRun(t, suite.client, annotated(nil, map[string]string{conventions.ReservationAnnotation: "{}"})), bindNobody(t, inQueue("1")),
		}
		for _, annotation := range []string{podGroup, queueAnnotation} { // a gang without a size, and a queue that no namespace lists
			bad := annotated(nil, map[string]string{annotation: "1"})
			followed = append(followed, dryRun(t, suite.client, bad))
			for _, w := range workloads(bad) {
				followed = append(followed, w.dryRun(t, metav1.NamespaceDefault))
			}
		}
		return !slices.ContainsFunc(followed, func(err error) bool { return !denied(err) }), fmt.Sprint(followed)
	})
}

// denied reports whether a policy refused the request.
func denied(err error) bool { return err != nil && strings.Contains(err.Error(), "denied request: ") }

// bindNobody binds a pod that does not exist, with these annotations.
func bindNobody(t *testing.T, annotations map[string]string) error {
	t.Helper()
	return suite.client.CoreV1().Pods(metav1.NamespaceDefault).Bind(t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: "nobody", Annotations: annotations}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
	}, metav1.CreateOptions{})
}

// deleteAll deletes the objects of a test that has ended.
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
	ctx := context.Background() // the test's context is done
	pods := suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	process.Within(t, patience, "the guard rails to be gone", func() (bool, string) {
		bad := annotated(nil, map[string]string{podCount: "1", conventions.ReservationAnnotation: "{}", queueAnnotation: "1"})
		_, err := pods.Create(ctx, bad, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil, fmt.Sprint(err)
	})
}

// TestGuardRailsHaveTheRightTypes type-checks the policies as kube-controller-manager does. kubectl describe shows its findings.
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

// TestGuardRails: the policy refuses a pod exactly if the scheduler would reject its annotations, with the same message.
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
		{map[string]string{"ray.io/cluster": "ray-1"}, map[string]string{podCount: "3"}}, // the label names the gang
		{map[string]string{"batch.kubernetes.io/job-name": "train"}, map[string]string{podCount: "3"}},
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
		"1\u03bcs", "1\u00b5s", "0000000030s", "00.5h", "0.0000000000s", "1.0000000000s", "100000000us", "86400000000000ns", "86400000000001ns",
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
		said := conventions.Pod{Labels: p.labels, Annotations: p.annotations}
		spec, want := conventions.Parse(said)
		if want == nil && spec != nil {
			want = conventions.Identify(spec, said)
		}
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

// TestGuardRailsLookIntoTemplates: a workload with bad annotations is rejected with a message that says what is wrong.
func TestGuardRailsLookIntoTemplates(t *testing.T) {
	raiseGuardRails(t)
	good, bad := map[string]string{podGroup: "a", podCount: "3"}, map[string]string{podGroup: "a", podCount: "all"}
	for _, annotations := range []map[string]string{good, bad} {
		_, want := conventions.Parse(conventions.Pod{Annotations: annotations})
		for _, w := range workloads(annotated(nil, annotations)) {
			got := w.dryRun(t, metav1.NamespaceDefault)
			if want == nil && got != nil || want != nil && (got == nil || !strings.HasSuffix(got.Error(), "denied request: "+want.Error())) {
				t.Errorf("%s: got %v, want %v", w.resource, got, want)
			}
		}
	}
}

// TestGuardRailsLookAtWhatIsHandedOver: if a template changes to our schedulerName, the policy checks it like a new one.
func TestGuardRailsLookAtWhatIsHandedOver(t *testing.T) {
	raiseGuardRails(t)
	tooMany := map[string]string{podGroup: "a", podCount: "all"}
	_, wrong := conventions.Parse(conventions.Pod{Annotations: tooMany})
	for _, test := range []struct {
		annotations map[string]string
		want        string
	}{
		{map[string]string{podGroup: "a", podCount: "3"}, ""},
		{tooMany, "denied request: " + wrong.Error()},
		{inQueue("gpu"), `may use the queues "research"; name one of them` + askFor},
		{inQueue("research"), ""},
	} {
		namespace := namespaceWith(t, new("research"))
		theirs := podIn(namespace, test.annotations)
		theirs.Spec.SchedulerName = corev1.DefaultSchedulerName
		for _, w := range workloads(theirs) {
			if w.resource == "jobs" {
				continue // their template is immutable
			}
			if err := errors.Join(w.create(t, namespace), w.patch(t, namespace, `{"metadata":{"labels":{"b":"c"}}}`)); err != nil {
				t.Fatalf("%s of another scheduler: %v", w.resource, err)
			}
			got := w.patch(t, namespace, `{"spec":{"schedulerName":"kubenexus-scheduler"}}`)
			if test.want == "" && got != nil || test.want != "" && (got == nil || !strings.HasSuffix(got.Error(), test.want)) {
				t.Errorf("%s of %q:\n got %v\nwant %s", w.resource, test.annotations, got, test.want)
			}
		}
	}
}

// TestGuardRailsLetOldPodsBe: a pod from before the policy can be changed as long as its gang's annotations stay, and these can be
// corrected one by one.
func TestGuardRailsLetOldPodsBe(t *testing.T) {
	pods := suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	create := func(annotations map[string]string) (patch func(metadata string) error) {
		old, err := pods.Create(t.Context(), annotated(nil, annotations), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return func(metadata string) error {
			_, err := pods.Patch(t.Context(), old.Name, types.MergePatchType, []byte(`{"metadata":`+metadata+`}`), metav1.PatchOptions{})
			return err
		}
	}
	annotate := func(name, value string) string { return fmt.Sprintf(`{"annotations":{%q:%q}}`, name, value) }
	nameless, twice := create(map[string]string{podCount: "x"}), create(map[string]string{
		podGroup: "a", podCount: "x", "kubenexus.io/placement": "nowhere",
	})
	raiseGuardRails(t)
	for _, patch := range []func(string) error{nameless, twice} {
		if err := patch(`{"labels":{"a":"b"}}`); err != nil {
			t.Errorf("a label: %v", err)
		}
		if err := patch(annotate("team", "x")); err != nil {
			t.Errorf("an annotation of somebody else: %v", err)
		}
		if err := patch(annotate(group, "b")); !denied(err) {
			t.Errorf("a second convention: %v", err)
		}
	}
	if err := nameless(`{"annotations":{"` + podCount + `":"2","` + podGroup + `":"a"}}`); err != nil {
		t.Errorf("good values: %v", err)
	}
	if err := nameless(`{"annotations":{"` + podGroup + `":null}}`); !denied(err) {
		t.Errorf("without its name: %v", err)
	}
	if err := twice(annotate("kubenexus.io/placement", "anywhere")); !denied(err) {
		t.Errorf("another bad value: %v", err)
	}
	for _, good := range []string{annotate("kubenexus.io/placement", "pack"), annotate(podCount, "2")} {
		if err := twice(good); err != nil {
			t.Errorf("one good value: %v", err)
		}
	}
	if err := twice(annotate(podCount, "y")); !denied(err) {
		t.Errorf("a bad value again: %v", err)
	}
}

// TestOnlyASchedulerReserves: no user can add the reservation to a pod or remove it, through any subresource. A scheduler with any name can
// bind with it.
func TestOnlyASchedulerReserves(t *testing.T) {
	raiseGuardRails(t)
	const write, remove = `{"metadata":{"annotations":{"kubenexus.io/reservation":"{}"}}}`, `{"metadata":{"annotations":null}}`
	note, pods := map[string]string{conventions.ReservationAnnotation: "{}"}, suite.client.CoreV1().Pods(metav1.NamespaceDefault)
	plain, err := pods.Create(t.Context(), annotated(nil, nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "is the scheduler's") {
			t.Errorf("%s: %v", what, err)
		}
	}
	patched := func(text string) {
		t.Helper()
		for _, sub := range [][]string{nil, {"status"}} {
			_, err := pods.Patch(t.Context(), plain.Name, types.MergePatchType, []byte(text), metav1.PatchOptions{}, sub...)
			refused(fmt.Sprint("patch ", sub, text), err)
		}
	}
	refused("create", dryRun(t, suite.client, annotated(nil, note)))
	patched(write)
	// These two subresources ignore all other fields.
	for _, sub := range []string{"ephemeralcontainers", "resize"} {
		now, err := pods.Patch(t.Context(), plain.Name, types.MergePatchType, []byte(write), metav1.PatchOptions{}, sub)
		if err != nil || len(now.Annotations) > 0 {
			t.Errorf("after %s the annotations are %q, error %v", sub, now.Annotations, err)
		}
	}

	config := suite.plane.Config()
	config.Impersonate.UserName = "system:serviceaccount:gangs:any-scheduler"
	config.Impersonate.Groups = []string{"system:masters"} // this tests the policy, not the permissions
	err = kubernetes.NewForConfigOrDie(config).CoreV1().Pods(metav1.NamespaceDefault).Bind(t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: plain.Name, Annotations: note}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Errorf("bind: %v", err)
	}
	patched(remove)
}

// TestGuardRailsAndAnyInstallation: with the policies in effect, a scheduler with another name in another namespace, installed by the
// chart, reserves capacity for a driver's executors.
func TestGuardRailsAndAnyInstallation(t *testing.T) {
	const name = "gangs-scheduler"
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "gangs"}})
	file := filepath.Join(t.TempDir(), "rendered.yaml")
	rendered := mustHelm(t, "template", "gangs", chart, "--namespace=gangs", "--set=fullnameOverride="+name)
	if err := os.WriteFile(file, []byte(rendered), 0o600); err != nil {
		t.Fatal(err)
	}
	all := readObjects(t, file)
	apply(t, all)
	t.Cleanup(func() {
		deleteAll(t, all)
		deleteNamespace(t, "gangs")
	})
	raiseGuardRails(t)
	addNodes(t, name, 1)
	p := process.Start(t, process.KubeNexus, deployedArgs(t, file, name)...)
	driver := sparkDriver("reserves")
	driver.Namespace = metav1.NamespaceDefault
	create(t, driver)
	process.Within(t, patience, "the driver to start with room for its executors", func() (bool, string) {
		now, err := suite.client.CoreV1().Pods(metav1.NamespaceDefault).Get(t.Context(), driver.Name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return now.Spec.NodeName != "" && now.Annotations[conventions.ReservationAnnotation] != "", whyPending(now)
	})
	p.End()
	if lines := p.Log.Lines("forbidden"); len(lines) > 0 {
		t.Errorf("the log says:\n%s", strings.Join(lines, ""))
	}
}
