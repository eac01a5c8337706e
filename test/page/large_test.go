package page_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/workqueue"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/serving"
)

var (
	manyGangs = flag.Int("gangs", 300, "TestLarge: how many gangs there are")
	manyNodes = flag.Int("nodes", 100, "TestLarge: how many nodes there are")
	churnTime = flag.Duration("churn", 20*time.Second, "TestLarge: how long gangs come and go while the page is open")
)

const (
	teams    = 8
	racks    = 10
	creators = 32
	// podsOfGang and gpusOfPod: a pod takes a whole node, so that gangs on half as many nodes run, and all others wait.
	podsOfGang = 2
	gpusOfPod  = "8"
	// Of so many churners, each lets a gang come and another go so often, and so many of its gangs are there at a time.
	churners   = 2
	churnEvery = 100 * time.Millisecond
	churnKeeps = 10
)

// TestLarge measures the page with many gangs and nodes: what it loads, when it shows something, and how smoothly it follows gangs that come
// and go. It fails if the first load is too large, or if memory grows; other figures are only printed, because they are those of the machine.
func TestLarge(t *testing.T) {
	browser := browserFor(t)
	client := newClient(t)
	w := world{Command: []string{serving.Kubectl(t), "--kubeconfig", plane.Kubeconfig()}}
	w.apply(t, serving.Rights(t, root), root+"examples/page/access.yaml")
	// With all of it on one machine, an answer of the API server may take longer than a lease holds usually.
	scheduler := process.Start(t, process.KubeNexus, "--kubeconfig="+plane.Kubeconfig(), "--leader-elect=true",
		"--leader-elect-lease-duration=3m", "--leader-elect-renew-deadline=2m")
	began := time.Now()
	t.Cleanup(func() { removeAll(t, client) })
	addRacks(t)
	createGangs(t, client)
	awaitBound(t, client, scheduler, podsOfGang*min(*manyGangs, *manyNodes/podsOfGang))
	t.Logf("%d gangs on %d nodes after %s", *manyGangs, *manyNodes, time.Since(began).Round(time.Second))

	token := w.run(t, "-n", "vision", "create", "token", "ann", "--duration=2h")
	measure(t, browser, client, "https://"+serving.Serve(t, plane.Kubeconfig()), token)
}

// measure runs the script in the browser, and lets gangs come and go while it says so.
func measure(t *testing.T, node string, client kubernetes.Interface, url, token string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), walkTime+2**churnTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "test/large.mjs", "--url", url, "--gangs", strconv.Itoa(*manyGangs), "--churn", churnTime.String())
	cmd.Dir, cmd.WaitDelay, cmd.Stderr = root+"web", 5*time.Second, os.Stderr
	cmd.Env = append(os.Environ(), "TOKEN="+token)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch lines.Text() {
		case "churn begins":
			stop = startChurn(t, client)
		case "churn ends":
			stop()
			stop = func() {}
		default:
			t.Log(lines.Text())
		}
	}
	stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the measurement: %v", err)
	}
}

// startChurn lets gangs come and go until it is stopped. The function that it returns waits until none of them is left.
func startChurn(t *testing.T, client kubernetes.Interface) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range churners {
		all.Go(func() {
			name := func(n int) gang {
				return gang{Namespace: team(n), Name: fmt.Sprintf("comes-and-goes-%d-%d", i, n)}
			}
			ticker := time.NewTicker(churnEvery)
			defer ticker.Stop()
			count := 0
			for ; ctx.Err() == nil; count++ {
				gpus := gpusOfPod
				if count%2 == 0 {
					gpus = "0" // it runs at once
				}
				if err := createGang(t.Context(), client, name(count), gpus); err != nil {
					t.Errorf("creating a gang: %v", err)
					break
				}
				deleteGang(t, client, name(count-churnKeeps))
				select {
				case <-ctx.Done():
				case <-ticker.C:
				}
			}
			for n := max(0, count-churnKeeps); n < count; n++ {
				deleteGang(t, client, name(n))
			}
			t.Logf("churner %d: %d gangs came and went", i, count)
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

func newClient(t *testing.T) kubernetes.Interface {
	t.Helper()
	config := plane.Config()
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func team(i int) string { return fmt.Sprintf("team-%d", (i+teams)%teams) }

// addRacks adds the nodes, in racks.
func addRacks(t *testing.T) {
	t.Helper()
	for rack := range racks {
		shape := controlplane.NodeShape{
			CPU: "64", Memory: "256Gi", Pods: 110, Extended: map[string]string{"nvidia.com/gpu": gpusOfPod},
			Labels: map[string]string{"example.com/rack": fmt.Sprintf("rack-%d", rack)},
		}
		count := (*manyNodes + rack) / racks // all together they are as many as were asked for
		if err := plane.AddNodes(t.Context(), fmt.Sprintf("large-%d", rack), count, shape); err != nil {
			t.Fatal(err)
		}
	}
}

func createGangs(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	for i := range teams {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team(i)}}
		_, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	errs := make([]error, *manyGangs)
	workqueue.ParallelizeUntil(t.Context(), creators, *manyGangs, func(i int) {
		errs[i] = createGang(t.Context(), client, gang{Namespace: team(i), Name: fmt.Sprintf("training-%05d", i)}, gpusOfPod)
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("creating gangs: %.500v", err)
	}
}

// createGang creates the pods of a gang. A new namespace has its service account after a moment, so it tries again.
func createGang(ctx context.Context, client kubernetes.Interface, of gang, gpus string) error {
	for member := range podsOfGang {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: of.Namespace, Name: fmt.Sprintf("%s-%d", of.Name, member),
				Annotations: map[string]string{
					"pod-group.scheduling.sigs.k8s.io/name":          of.Name,
					"pod-group.scheduling.sigs.k8s.io/min-available": strconv.Itoa(podsOfGang),
				},
			},
			Spec: corev1.PodSpec{
				SchedulerName: "kubenexus-scheduler",
				Containers: []corev1.Container{{
					Name: "main", Image: "registry.k8s.io/pause:3.9",
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{"cpu": resource.MustParse("1"), "memory": resource.MustParse("1Gi")},
						Limits:   corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(gpus)},
					},
				}},
			},
		}
		var last error
		err := wait.PollUntilContextTimeout(ctx, churnEvery, patience, true, func(ctx context.Context) (bool, error) {
			_, last = client.CoreV1().Pods(of.Namespace).Create(ctx, pod, metav1.CreateOptions{})
			return !apierrors.IsForbidden(last), nil
		})
		if last != nil || err != nil {
			return errors.Join(last, err)
		}
	}
	return nil
}

// deleteGang deletes the pods of a gang, if they exist.
func deleteGang(t *testing.T, client kubernetes.Interface, of gang) {
	for member := range podsOfGang {
		name := fmt.Sprintf("%s-%d", of.Name, member)
		err := client.CoreV1().Pods(of.Namespace).Delete(t.Context(), name, *metav1.NewDeleteOptions(0))
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("deleting a gang: %v", err)
		}
	}
}

// awaitBound waits until so many pods have a node.
func awaitBound(t *testing.T, client kubernetes.Interface, by *process.Scheduler, count int) {
	t.Helper()
	bound := 0
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, 20*time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case <-by.Done():
			return false, fmt.Errorf("the scheduler ended: %w", by.Err())
		default:
		}
		pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!=", ResourceVersion: "0"})
		if err != nil {
			return false, err
		}
		bound = len(pods.Items)
		return bound >= count, nil
	})
	if err != nil {
		t.Fatalf("%d of %d pods have a node: %v", bound, count, err)
	}
}

// removePods deletes the pods of a namespace, some at a time: the API server gives up a request that takes a minute.
func removePods(ctx context.Context, pods typedcorev1.PodInterface) error {
	for {
		left, err := pods.List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil || len(left.Items) == 0 {
			return err
		}
		if err := pods.DeleteCollection(ctx, *metav1.NewDeleteOptions(0), metav1.ListOptions{Limit: 500}); err != nil {
			return err
		}
	}
}

// removeAll leaves the cluster as it was for the next test.
func removeAll(t *testing.T, client kubernetes.Interface) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*patience)
	defer cancel()
	for i := range teams {
		if err := removePods(ctx, client.CoreV1().Pods(team(i))); err != nil {
			t.Errorf("deleting the pods of %s: %v", team(i), err)
		}
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Errorf("listing nodes: %v", err)
		return
	}
	workqueue.ParallelizeUntil(ctx, creators, len(nodes.Items), func(i int) {
		if name := nodes.Items[i].Name; strings.HasPrefix(name, "large-") {
			if err := client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				t.Errorf("deleting node %s: %v", name, err)
			}
		}
	})
}
