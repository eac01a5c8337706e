// Package controlplane_test tests the control plane that demonstrations and
// scenario tests run on. There is no scheduler: tests bind pods themselves.
package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
)

// timeout is long for slow machines; a namespace alone takes five or ten seconds to go.
const timeout = time.Minute

var (
	cp     *controlplane.ControlPlane
	client kubernetes.Interface
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	parent, err := os.MkdirTemp("", "")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(parent) }()

	// The first of two in this process: the tests below run on the second.
	if err := startAndCancel(parent); err != nil {
		return fail(err)
	}

	start := time.Now()
	cp, err = controlplane.Start(ctx, controlplane.Options{Dir: parent})
	if err != nil {
		return fail(err)
	}
	fmt.Printf("control plane started in %v\n", time.Since(start).Round(time.Millisecond))
	client = kubernetes.NewForConfigOrDie(cp.Config())
	if err := cp.AddNodes(ctx, "worker", 2, controlplane.NodeShape{CPU: "8", Memory: "16Gi", Pods: 110}); err != nil {
		return fail(err)
	}

	code = m.Run()

	start = time.Now()
	if err := errors.Join(cp.Stop(), cp.Err(), leftovers(parent)); err != nil {
		return fail(err)
	}
	fmt.Printf("control plane stopped in %v\n", time.Since(start).Round(time.Millisecond))
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// startAndCancel starts a control plane with a feature that is off by default
// and stops it by its context.
func startAndCancel(parent string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	cp, err := controlplane.Start(ctx, controlplane.Options{Dir: parent, APIServerArgs: []string{
		"--feature-gates=GenericWorkload=true",
		"--runtime-config=scheduling.k8s.io/v1alpha2=true",
	}})
	if err != nil {
		return err
	}
	if err := listWorkloads(ctx, kubernetes.NewForConfigOrDie(cp.Config())); err != nil {
		return fmt.Errorf("list workloads with the feature on: %w", err)
	}
	cause := errors.New("enough")
	cancel(cause)
	<-cp.Done()
	if !errors.Is(cp.Err(), cause) {
		return fmt.Errorf("Err() = %w after the context was cancelled because of %w", cp.Err(), cause)
	}
	return errors.Join(cp.Stop(), leftovers(parent))
}

func listWorkloads(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.SchedulingV1alpha2().Workloads(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
	return err
}

func leftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("Stop left %v behind", entries)
	}
	return err
}

func eventually(t *testing.T, what string, check func(context.Context) (bool, error)) {
	t.Helper()
	start := time.Now()
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, timeout, true, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%s after %v", what, time.Since(start).Round(time.Millisecond))
}

func newNamespace(t *testing.T) string {
	t.Helper()
	ns, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "main", Image: "example.com/main"}},
	}
}

func bind(t *testing.T, namespace, name, node string) {
	t.Helper()
	err := client.CoreV1().Pods(namespace).Bind(t.Context(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// createPod creates a pod and binds it.
func createPod(t *testing.T, namespace string, annotations map[string]string) string {
	t.Helper()
	pod, err := client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-", Annotations: annotations},
		Spec:       podSpec(),
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bind(t, namespace, pod.Name, "worker-0")
	return pod.Name
}

func eventuallyInPhase(t *testing.T, namespace, name string, phase corev1.PodPhase) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	eventually(t, "pod is "+string(phase), func(ctx context.Context) (done bool, err error) {
		pod, err = client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == phase, err
	})
	return pod
}

func TestBoundPodRunsUntilDeleted(t *testing.T) {
	namespace := newNamespace(t)
	name := createPod(t, namespace, nil)

	pod := eventuallyInPhase(t, namespace, name, corev1.PodRunning)
	conditions := map[corev1.PodConditionType]corev1.ConditionStatus{}
	for _, c := range pod.Status.Conditions {
		conditions[c.Type] = c.Status
	}
	for _, c := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReady} {
		if conditions[c] != corev1.ConditionTrue {
			t.Errorf("conditions of the running pod: %v, want %s to be true", conditions, c)
		}
	}

	if err := client.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pod is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}

func TestPodRunsForTheTimeInItsAnnotation(t *testing.T) {
	namespace := newNamespace(t)
	long := createPod(t, namespace, map[string]string{controlplane.RunForAnnotation: time.Hour.String()})
	eventuallyInPhase(t, namespace, long, corev1.PodRunning)
	short := createPod(t, namespace, map[string]string{controlplane.RunForAnnotation: time.Second.String()})
	eventuallyInPhase(t, namespace, short, corev1.PodSucceeded)
	eventuallyInPhase(t, namespace, long, corev1.PodRunning) // still
}

func TestJobCompletes(t *testing.T) {
	namespace := newNamespace(t)
	const size = int32(4)
	n := new(size)
	job, err := client.BatchV1().Jobs(namespace).Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "gang"},
		Spec: batchv1.JobSpec{
			Parallelism: n,
			Completions: n,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{controlplane.RunForAnnotation: "100ms"}},
				Spec:       podSpec(),
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	var pods *corev1.PodList
	eventually(t, "job has its pods", func(ctx context.Context) (done bool, err error) {
		pods, err = client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		return err == nil && len(pods.Items) == int(size), err
	})
	for _, pod := range pods.Items {
		bind(t, namespace, pod.Name, "worker-1")
	}
	eventually(t, "job is complete", func(ctx context.Context) (bool, error) {
		job, err = client.BatchV1().Jobs(namespace).Get(ctx, job.Name, metav1.GetOptions{})
		return err == nil && job.Status.CompletionTime != nil && job.Status.Succeeded == size, err
	})

	background := metav1.DeletePropagationBackground
	err = client.BatchV1().Jobs(namespace).Delete(t.Context(), job.Name, metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "deleted job's pods are collected", func(ctx context.Context) (bool, error) {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		return err == nil && len(pods.Items) == 0, err
	})
}

func TestDeletedNamespaceIsEmptied(t *testing.T) {
	namespace := newNamespace(t)
	name := createPod(t, namespace, nil)
	eventuallyInPhase(t, namespace, name, corev1.PodRunning)

	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 0 {
		t.Errorf("%d pods are left in the deleted namespace", len(pods.Items))
	}
}

func TestNobodyWithoutRightsGetsIn(t *testing.T) {
	namespace := newNamespace(t)

	config := cp.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + namespace + ":default"}
	_, err := kubernetes.NewForConfigOrDie(config).CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("service account lists pods: %v, want Forbidden", err)
	}

	anonymous := kubernetes.NewForConfigOrDie(rest.AnonymousClientConfig(cp.Config()))
	_, err = anonymous.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("anonymous user lists pods: %v, want Unauthorized", err)
	}
}

func TestAPIServerArgsEndWithTheirControlPlane(t *testing.T) {
	if err := listWorkloads(t.Context(), client); !apierrors.IsNotFound(err) {
		t.Errorf("list workloads: %v, want NotFound: the feature was on in an earlier control plane only", err)
	}
}

func TestKubeconfig(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", cp.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	version, err := kubernetes.NewForConfigOrDie(config).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.36.3" || version.Major != "1" || version.Minor != "36" {
		t.Errorf("server version %s (%s, %s), want v1.36.3 (1, 36)", version.GitVersion, version.Major, version.Minor)
	}
}

func TestAddManyNodes(t *testing.T) {
	const count = 1000
	taint := corev1.Taint{Key: "pool", Value: "many", Effect: corev1.TaintEffectNoSchedule}
	err := cp.AddNodes(t.Context(), "many", count, controlplane.NodeShape{
		CPU: "64", Memory: "512Gi", Pods: 110,
		Labels:   map[string]string{"pool": "many"},
		Taints:   []corev1.Taint{taint},
		Extended: map[string]string{"nvidia.com/gpu": "8"},
	})
	if err != nil {
		t.Fatal(err)
	}

	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "pool=many"})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != count {
		t.Errorf("%d nodes, want %d", len(nodes.Items), count)
	}
	for _, node := range nodes.Items {
		gpus := node.Status.Allocatable["nvidia.com/gpu"]
		if !isReady(node) || len(node.Spec.Taints) != 1 || node.Spec.Taints[0] != taint || gpus.Value() != 8 {
			t.Fatalf("node %s: ready %t, taints %v, %s GPUs", node.Name, isReady(node), node.Spec.Taints, &gpus)
		}
	}

	err = cp.AddNodes(t.Context(), "many", 1, controlplane.NodeShape{CPU: "1", Memory: "1Gi"})
	if !apierrors.IsAlreadyExists(err) {
		t.Errorf("adding a node again: %v, want AlreadyExists", err)
	}
	err = cp.AddNodes(t.Context(), "bad", 1, controlplane.NodeShape{CPU: "1 core", Memory: "1Gi"})
	if err == nil || !strings.Contains(err.Error(), "cpu") {
		t.Errorf("adding a node with a bad quantity: %v, want an error about cpu", err)
	}
}

func isReady(node corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// A node that a user creates needs no status: the simulator adds it.
func TestNodeFromManifestBecomesReady(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "node is ready", func(ctx context.Context) (bool, error) {
		node, err := client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
		return err == nil && isReady(*node), err
	})
}

func TestStartReportsWhatFailed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	if _, err := controlplane.Start(t.Context(), controlplane.Options{Dir: dir}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Start in a missing directory: %v, want ErrNotExist", err)
	}
}
