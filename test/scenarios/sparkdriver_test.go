package scenarios

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/yaml"
)

// What Spark puts on its pods.
const (
	sparkAppLabel      = "spark-app-selector"
	sparkAppNameLabel  = "spark-app-name"
	sparkRoleLabel     = "spark-role"
	sparkExecutorLabel = "spark-exec-id"
	rolesAnnotation    = "kubenexus.io/roles"
)

// batchDelay is how long a driver waits between two batches of executors: a tenth of spark.kubernetes.allocation.batch.delay.
const batchDelay = 100 * time.Millisecond

// sparkJob does what Spark does on Kubernetes: spark-submit creates a driver pod; the driver, once it runs, creates its executors
// in batches, and deletes them before it ends. Its pods are those of a folder of examples, with names of their own.
type sparkJob struct {
	on        *scenario
	folder    string // without, "spark"
	name      string
	executors int
	// batch is spark.kubernetes.allocation.batch.size.
	batch int
	// cpu and scheduler are for all pods; without, they stay as in the examples.
	cpu, scheduler string
	// declare is how the driver says what its executors will need; without, as in the example.
	declare declaration

	created int // executors so far
}

// declaration returns the annotations that declare a driver's executors.
type declaration func(executors int, driver, executor corev1.ResourceList) map[string]string

// roles declares as KubeNexus documents it.
func roles(executors int, _, executor corev1.ResourceList) map[string]string {
	type role struct {
		Name     string            `json:"name"`
		Min      int               `json:"min"`
		Creates  bool              `json:"creates,omitempty"`
		Requests map[string]string `json:"requests,omitempty"`
	}
	text, err := json.Marshal([]role{
		{Name: "driver", Min: 1, Creates: true},
		{Name: "executor", Min: executors, Requests: map[string]string{
			"cpu": executor.Cpu().String(), "memory": executor.Memory().String(),
		}},
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	return map[string]string{rolesAnnotation: string(text)}
}

// palantir declares as users of Palantir's k8s-spark-scheduler do.
func palantir(executors int, driver, executor corev1.ResourceList) map[string]string {
	return map[string]string{
		"spark-driver-cpu":     driver.Cpu().String(),
		"spark-driver-mem":     driver.Memory().String(),
		"spark-executor-cpu":   executor.Cpu().String(),
		"spark-executor-mem":   executor.Memory().String(),
		"spark-executor-count": fmt.Sprint(executors),
	}
}

// none declares nothing.
func none(int, corev1.ResourceList, corev1.ResourceList) map[string]string { return nil }

func (j *sparkJob) id() string         { return "spark-" + j.name }
func (j *sparkJob) driverName() string { return j.name + "-driver" }

func (j *sparkJob) pods() corev1client.PodInterface {
	return suite.client.CoreV1().Pods(j.on.namespace)
}

// selector finds the job's pods of a role.
func (j *sparkJob) selector(role string) string {
	return fmt.Sprintf("%s=%s,%s=%s", sparkAppLabel, j.id(), sparkRoleLabel, role)
}

// shape is a pod of the examples, made one of this job.
func (j *sparkJob) shape(file string) (*corev1.Pod, error) {
	folder := j.folder
	if folder == "" {
		folder = "spark"
	}
	text, err := os.ReadFile(filepath.Join("../../examples", folder, file))
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(text, pod); err != nil {
		return nil, fmt.Errorf("%s/%s: %w", folder, file, err)
	}
	pod.Labels[sparkAppLabel], pod.Labels[sparkAppNameLabel] = j.id(), j.name
	if j.scheduler != "" {
		pod.Spec.SchedulerName = j.scheduler
	}
	if j.cpu != "" {
		pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse(j.cpu)
	}
	return pod, nil
}

// submit creates the driver pod, as spark-submit does.
func (j *sparkJob) submit(ctx context.Context) error {
	driver, err := j.shape("driver.yaml")
	if err != nil {
		return err
	}
	executor, err := j.shape("executor.yaml")
	if err != nil {
		return err
	}
	driver.Name = j.driverName()
	if j.declare != nil {
		delete(driver.Annotations, rolesAnnotation)
		requests := func(pod *corev1.Pod) corev1.ResourceList { return pod.Spec.Containers[0].Resources.Requests }
		maps.Copy(driver.Annotations, j.declare(j.executors, requests(driver), requests(executor)))
	}
	if err := j.on.identify(ctx, driver.OwnerReferences); err != nil {
		return err
	}
	_, err = j.pods().Create(ctx, driver, metav1.CreateOptions{})
	return err
}

// drive is the driver's program until all its executors run.
func (j *sparkJob) drive(ctx context.Context) error {
	if err := j.untilRunning(ctx, "driver", 1); err != nil {
		return err
	}
	round := time.NewTicker(batchDelay)
	defer round.Stop()
	for {
		if err := j.createBatch(ctx); err != nil {
			return err
		}
		if j.created == j.executors {
			return j.untilRunning(ctx, "executor", j.executors)
		}
		select {
		case <-round.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// createBatch creates the next executors, as Spark's ExecutorPodsAllocator does. The driver has to run.
func (j *sparkJob) createBatch(ctx context.Context) error {
	for last := min(j.created+j.batch, j.executors); j.created < last; j.created++ {
		if err := j.createExecutor(ctx, j.created+1); err != nil {
			return err
		}
	}
	return nil
}

func (j *sparkJob) createExecutor(ctx context.Context, id int) error {
	pod, err := j.shape("executor.yaml")
	if err != nil {
		return err
	}
	pod.Name = fmt.Sprintf("%s-exec-%d", j.name, id)
	pod.Labels[sparkExecutorLabel] = fmt.Sprint(id)
	for i := range pod.OwnerReferences {
		if owner := &pod.OwnerReferences[i]; owner.Kind == "Pod" {
			owner.Name = j.driverName()
		}
	}
	if err := j.on.identify(ctx, pod.OwnerReferences); err != nil {
		return err
	}
	_, err = j.pods().Create(ctx, pod, metav1.CreateOptions{})
	return err
}

// finish is how a driver ends: it deletes its executors, and then its container exits with code 0.
func (j *sparkJob) finish(ctx context.Context) error {
	err := j.pods().DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)},
		metav1.ListOptions{LabelSelector: j.selector("executor")})
	if err != nil {
		return err
	}
	_, err = j.pods().Patch(ctx, j.driverName(), types.StrategicMergePatchType, []byte(`{"status": {"phase": "Succeeded"}}`),
		metav1.PatchOptions{}, "status")
	return err
}

// untilRunning waits until so many of the job's pods of a role run.
func (j *sparkJob) untilRunning(ctx context.Context, role string, want int) error {
	watcher, err := j.pods().Watch(ctx, metav1.ListOptions{LabelSelector: j.selector(role)})
	if err != nil {
		return err
	}
	running := map[string]bool{}
	_, err = watchtools.UntilWithoutRetry(ctx, watcher, func(event watch.Event) (bool, error) {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok {
			return false, apierrors.FromObject(event.Object)
		}
		delete(running, pod.Name)
		if event.Type != watch.Deleted && pod.Status.Phase == corev1.PodRunning {
			running[pod.Name] = true
		}
		return len(running) == want, nil
	})
	if err != nil {
		return fmt.Errorf("job %s has %d of %d pods of role %s running: %w", j.name, len(running), want, role, err)
	}
	return nil
}
