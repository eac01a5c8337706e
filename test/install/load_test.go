package install

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// monitored is the namespace of the load for the monitored scheduler, on four nodes of 4 CPU.
const monitored = "monitored"

// load is what the scheduler schedules while it is monitored.
type load struct {
	t    *testing.T
	made map[string]bool
}

// newLoad returns a load. Its pods are deleted when the test ends, while a kubelet still confirms deletions.
func newLoad(t *testing.T) *load {
	t.Cleanup(func() {
		ctx, pods := context.Background(), suite.client.CoreV1().Pods(monitored)
		if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
		process.Within(t, patience, "the load to be gone", func() (bool, string) {
			left, err := pods.List(ctx, metav1.ListOptions{})
			return err == nil && len(left.Items) == 0, fmt.Sprintf("%v left, error %v", left, err)
		})
	})
	return &load{t: t, made: map[string]bool{}}
}

// gangs returns the number of gangs.
func (l *load) gangs() int { return len(l.made) }

// pod creates a pod in the namespace.
func (l *load) pod(pod *corev1.Pod) {
	l.t.Helper()
	pod.Namespace = monitored
	create(l.t, pod)
}

// gang creates members of a gang.
func (l *load) gang(name string, members, minAvailable int, cpu string) {
	l.t.Helper()
	l.gangIn("default", name, members, minAvailable, cpu)
}

// gangIn creates members of a gang in a queue.
func (l *load) gangIn(queue, name string, members, minAvailable int, cpu string) {
	l.t.Helper()
	for i := range members {
		l.pod(ofQueue(queue, member(fmt.Sprintf("%s-%d", name, i), name, minAvailable, cpu)))
	}
	l.made[name] = true
}

// ofQueue puts a pod into a queue.
func ofQueue(queue string, pod *corev1.Pod) *corev1.Pod {
	pod.Annotations["kubenexus.io/queue"] = queue
	return pod
}

// queues returns the ConfigMap of the queues of the load, with these fields added to the queue research. They take nothing back from each
// other, so that only the load ends its gangs.
func queues(t *testing.T, more string) []*unstructured.Unstructured {
	t.Helper()
	return objects(t, []byte(`apiVersion: v1
kind: ConfigMap
metadata: {name: kubenexus-queues, namespace: kube-system}
data:
  queues.yaml: |
    apiVersion: kubenexus.io/v1alpha1
    kind: QueueConfiguration
    queues:
    - {name: research, weight: 2, guarantee: {cpu: "6"}, limit: {cpu: "12"}, preemption: {reclaim: Never}`+more+`}
    - {name: teaching, guarantee: {cpu: "2"}, limit: {cpu: "8"}, preemption: {reclaim: Never}}
`))
}

// starts waits until the pod has a node.
func (l *load) starts(pod string) {
	l.t.Helper()
	process.Within(l.t, patience, pod+" to be bound", func() (bool, string) {
		found, err := suite.client.CoreV1().Pods(monitored).Get(l.t.Context(), pod, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return found.Spec.NodeName != "", whyPending(found)
	})
}

// ends deletes the pods of a gang.
func (l *load) ends(gang string, members int) {
	l.t.Helper()
	for i := range members {
		l.delete(fmt.Sprintf("%s-%d", gang, i))
	}
	delete(l.made, gang)
}

func (l *load) delete(pod string) {
	l.t.Helper()
	err := suite.client.CoreV1().Pods(monitored).Delete(l.t.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	if err != nil {
		l.t.Fatal(err)
	}
}

// preempts lets the gang "urgent" start, for which another one has to end.
func (l *load) preempts() {
	l.t.Helper()
	classes, class := suite.client.SchedulingV1().PriorityClasses(), "monitored-urgent"
	_, err := classes.Create(l.t.Context(), &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: class}, Value: 1000,
	}, metav1.CreateOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := classes.Delete(context.Background(), class, metav1.DeleteOptions{}); err != nil {
			l.t.Error(err)
		}
	})
	l.gang("cheap", 4, 4, "3")
	l.starts("cheap-3")
	for i := range 2 {
		urgent := member(fmt.Sprintf("urgent-%d", i), "urgent", 2, "3")
		urgent.Spec.PriorityClassName = class
		l.pod(ofQueue("default", urgent))
	}
	l.starts("urgent-1")
	delete(l.made, "cheap")
}

// all creates one of each kind, in two queues: a gang for which another one is preempted; a pod without a gang; gangs that start, lack
// capacity, and lack members; a gang with slots for declared members; and a gang that lost a member.
func (l *load) all() {
	l.t.Helper()
	l.preempts()
	l.pod(podNamed("plain", "100m"))
	l.starts("plain")
	l.gangIn("research", "training", 3, 3, "1")
	l.starts("training-2")
	l.gang("too-big", 8, 8, "2")
	l.gang("incomplete", 1, 2, "100m")

	driver := podNamed("driver", "100m")
	driver.Labels = map[string]string{"spark-role": "driver", "spark-app-selector": "spark-1"}
	driver.Annotations = map[string]string{
		"spark-executor-count": "2", "spark-executor-cpu": "500m", "spark-executor-mem": "100Mi", "kubenexus.io/topology-preferred": "example.com/rack",
	}
	l.pod(driver)
	l.starts("driver")
	l.made["spark-1"] = true

	l.gangIn("research", "unlucky", 2, 2, "100m")
	l.starts("unlucky-1")
	l.loses("unlucky-0")
	l.pod(ofQueue("research", member("unlucky-2", "unlucky", 2, "5"))) // replaces the lost member, and fits on no node
	l.ends("urgent", 2)
}

// loses makes the pod fail as if the kubelet had rejected it for lack of capacity.
func (l *load) loses(name string) {
	l.t.Helper()
	pods := suite.client.CoreV1().Pods(monitored)
	process.Within(l.t, patience, name+" to run", func() (bool, string) { // otherwise the simulated kubelet would overwrite the status
		pod, err := pods.Get(l.t.Context(), name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning, fmt.Sprint(err)
	})
	rejected := []byte(`{"status":{"phase":"Failed","reason":"OutOfcpu","containerStatuses":null}}`)
	if _, err := pods.Patch(l.t.Context(), name, types.MergePatchType, rejected, metav1.PatchOptions{}, "status"); err != nil {
		l.t.Fatal(err)
	}
}

// forAWhile creates and deletes gangs, so that the dashboard has data. After half a minute it deletes the gang that is too large. After a
// minute it creates the missing member of the incomplete gang, and then deletes the pod that replaces the lost member.
func (l *load) forAWhile() {
	l.t.Helper()
	const (
		gangs   = 60
		running = 5
	)
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	name := func(i int) (string, int) { return fmt.Sprintf("job-%d", i), 2 + i%4 }
	for i := range gangs {
		gang, members := name(i)
		l.gangIn([]string{"research", "teaching", "research"}[i%3], gang, members, members, "800m")
		switch i {
		case 20:
			l.ends("too-big", 8)
		case 40:
			l.pod(member("incomplete-1", "incomplete", 2, "100m"))
		case 45:
			l.delete("unlucky-2")
		}
		if i >= running {
			oldest, members := name(i - running)
			l.ends(oldest, members)
		}
		<-tick.C
	}
}
