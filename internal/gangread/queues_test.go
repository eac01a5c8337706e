package gangread_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/gangread"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
	"github.com/kubenexus/kubenexus-scheduler/internal/queueconfig"
)

// asking makes a pod ask for so many cores, in a queue.
func asking(pod *corev1.Pod, cores int64, queueName, node string) *corev1.Pod {
	pod.Annotations["kubenexus.io/queue"] = queueName
	pod.Spec.NodeName = node
	pod.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(cores, resource.DecimalSI)},
	}}}
	return pod
}

func TestQueuesAreCountedAsTheSchedulerDoes(t *testing.T) {
	alone, elsewhere := member("x", 0, ""), member("y", 0, "")
	alone.Annotations, elsewhere.Spec.SchedulerName = map[string]string{}, "default-scheduler"
	ended := asking(member("z", 0, ""), 3, "research", "n")
	ended.Status.Phase = corev1.PodSucceeded
	pods := []*corev1.Pod{
		asking(member("runs", 0, ""), 2, "research", "n"), asking(member("runs", 1, ""), 2, "research", "n"),
		asking(member("second", 0, ""), 4, "research", ""), asking(member("second", 0, ""), 4, "research", ""),
		asking(member("first", 2, ""), 4, "research", ""), asking(member("first", 3, ""), 4, "research", ""),
		asking(alone, 1, "default", ""), asking(elsewhere, 5, "research", "n"), ended,
	}
	pods[3].Name, pods[3].UID = "second-1", "second-1"
	standings := gangread.Stand(gangread.Cluster{
		Pods: pods,
		Nodes: []*corev1.Node{{
			ObjectMeta: metav1.ObjectMeta{Name: "n"},
			Status:     corev1.NodeStatus{Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8")}},
		}},
		Queues:     queue.Config{Queues: []queue.Queue{queue.NewQueue("research"), queue.NewQueue(queue.Default)}},
		Schedulers: serving,
	}, now)
	all := standings.Queues()
	if len(all.Items) != 2 || all.Capacity["cpu"] != "8" {
		t.Fatalf("got %+v, want two queues that share 8 cpu", all)
	}
	research, byDefault := all.Items[0], all.Items[1]
	if research.Uses["cpu"] != "4" || research.Share != .5 || research.Waiting != 2 || !research.OldestAt.Equal(now.Add(-13*time.Minute)) {
		t.Errorf("research is %+v, want 4 cpu in use, and 2 gangs that wait, the first for 13 minutes", research)
	}
	if byDefault.Waiting != 1 || len(byDefault.Uses) != 0 {
		t.Errorf("default is %+v, want nothing in use, and 1 pod that waits", byDefault)
	}

	gangs := gangread.Among(pods, serving, now).Items
	standings.Place(gangs)
	positions := map[string]int{}
	for i := range gangs {
		if gangs[i].Queue != "research" {
			t.Errorf("gang %s is in queue %q", gangs[i].Key.Name, gangs[i].Queue)
		}
		if gangs[i].Position != nil {
			positions[gangs[i].Key.Name] = *gangs[i].Position
		}
	}
	if diff := cmp.Diff(map[string]int{"first": 0, "second": 1}, positions); diff != "" {
		t.Errorf("how many gangs go first (-want +got):\n%s", diff)
	}
}

func TestTheConfigurationOfQueues(t *testing.T) {
	name := types.NamespacedName{Namespace: "kube-system", Name: "kubenexus-queues"}
	with := func(data map[string]string) *fake.Clientset {
		return fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}, Data: data})
	}
	const header = "apiVersion: kubenexus.io/v1alpha1\nkind: QueueConfiguration\nqueues:\n"

	config, configured, err := gangread.Queues(t.Context(), fake.NewClientset(), name)
	if err != nil || configured || len(config.Queues) != 1 || config.Queues[0].Name != queue.Default {
		t.Errorf("without a ConfigMap: %+v, %v, %v; want the default queue alone", config, configured, err)
	}
	config, configured, err = gangread.Queues(t.Context(), with(map[string]string{"queues.yaml": header + "- name: research\n"}), name)
	if err != nil || !configured || len(config.Queues) != 2 {
		t.Errorf("with a ConfigMap: %+v, %v, %v; want two queues", config, configured, err)
	}
	_, _, err = gangread.Queues(t.Context(), with(map[string]string{"queues.yaml": header + "- name: research\n  weight: -1\n"}), name)
	if problems, bad := errors.AsType[queueconfig.Problems](err); !bad || !strings.Contains(problems.Error(), "queues[0].weight") {
		t.Errorf("with a bad one: %v, want the field", err)
	}
	_, _, err = gangread.Queues(t.Context(), with(nil), name)
	if problems, bad := errors.AsType[queueconfig.Problems](err); !bad || !strings.Contains(problems.Error(), "data[queues.yaml]") {
		t.Errorf("with one without the key: %v, want the key", err)
	}
}

// forbidding returns a client that may not list pods.
func forbidding() *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	})
	return client
}

func TestLivePods(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	client := fake.NewClientset(member("a", 0, ""))
	live, err := gangread.Follow(ctx, client, "team-a", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Sync(ctx); err != nil || len(live.Pods()) != 1 || len(live.Nodes()) != 0 {
		t.Fatalf("%d pods and %d nodes, %v", len(live.Pods()), len(live.Nodes()), err)
	}
	if _, err := client.CoreV1().Pods("team-a").Create(ctx, member("a", 1, ""), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for len(live.Pods()) != 2 {
		select {
		case <-live.Changed():
		case <-ctx.Done():
			t.Fatal("the pod that was created does not show")
		}
	}
}

func TestWhoMayNotListPodsIsTold(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	live, err := gangread.Follow(ctx, forbidding(), "team-a", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Sync(ctx); !apierrors.IsForbidden(err) {
		t.Errorf("got %v, want that it is forbidden", err)
	}
}
