package coscheduling

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queued is a queue with the defaults, changed.
func queued(name string, change func(*queue.Queue)) queue.Queue {
	q := queue.NewQueue(name)
	if change != nil {
		change(&q)
	}
	return q
}

// configure makes the queues.
func (r *running) configure(queues ...queue.Queue) {
	r.t.Helper()
	if err := r.plugins.dispatcher.Configure(&queue.Config{Queues: queues}); err != nil {
		r.t.Fatal(err)
	}
}

// job is a gang, or with a single member a pod without a gang, in a queue.
type job struct {
	queue, name string
	members     int
	cpu         string
	priority    int32
	// created is when it was created, in seconds.
	created int64
}

func (r *running) submit(jobs ...job) {
	r.t.Helper()
	for _, j := range jobs {
		for i := range j.members {
			name := fmt.Sprintf("%s-%d", j.name, i)
			annotations := map[string]string{conventions.QueueAnnotation: j.queue}
			if j.members > 1 {
				annotations[conventions.Coscheduling().GroupAnnotation] = j.name
				annotations[conventions.Coscheduling().MinAvailableAnnotation] = fmt.Sprint(j.members)
			}
			pod := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName(testProfileName).Priority(j.priority).
				Req(map[corev1.ResourceName]string{"cpu": j.cpu}).Annotations(annotations).Obj()
			pod.CreationTimestamp = metav1.NewTime(time.Unix(1_000_000+j.created, 0))
			if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, pod, metav1.CreateOptions{}); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// running returns how many members run, by queue.
func (r *running) inQueues() map[string]int {
	pods, err := r.client.CoreV1().Pods(testNamespace).List(r.ctx, metav1.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	count := map[string]int{}
	for i := range pods.Items {
		if pods.Items[i].Spec.NodeName != "" {
			count[pods.Items[i].Annotations[conventions.QueueAnnotation]]++
		}
	}
	return count
}

// occupy fills the nodes until free is called, so that what waits is complete when the order decides.
func (r *running) occupy(cpus ...string) (free func()) {
	r.t.Helper()
	for i, cpu := range cpus {
		r.submit(job{queue: queue.Default, name: fmt.Sprint("filler", i), members: 1, cpu: cpu, priority: 1000})
	}
	eventually(r.t, "the cluster to be full", func() bool { return r.inQueues()[queue.Default] == len(cpus) })
	return func() {
		for i := range cpus {
			err := r.client.CoreV1().Pods(testNamespace).Delete(r.ctx, fmt.Sprintf("filler%d-0", i), metav1.DeleteOptions{})
			if err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// TestWeights: three queues with a backlog of gangs and pods share the cluster by their weights.
func TestWeights(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "30", "b": "30"})
	r.configure(
		queued("one", nil),
		queued("two", func(q *queue.Queue) { q.Weight = 2 }),
		queued("three", func(q *queue.Queue) { q.Weight = 3 }),
	)
	free := r.occupy("30", "30")
	for i := range 60 { // all of queue one is older
		r.submit(job{queue: "one", name: fmt.Sprint("a", i), members: 1, cpu: "1", created: int64(i)})
	}
	for i := range 30 {
		r.submit(job{queue: "two", name: fmt.Sprint("b", i), members: 2, cpu: "1", created: 1000})
		r.submit(job{queue: "three", name: fmt.Sprint("c", i), members: 2, cpu: "1", created: 1000})
	}
	eventually(t, "all to wait", func() bool { return r.waiting() == 180 })
	free()
	eventually(t, "the cluster to be full", func() bool {
		n := r.inQueues()
		return n["one"]+n["two"]+n["three"] == 60
	})
	if n := r.inQueues(); n["one"] != 10 || n["two"] != 20 || n["three"] != 30 {
		t.Errorf("the queues of weights 1, 2 and 3 have %v of 60 CPUs", n)
	}
}

// waiting returns how many pods the scheduler knows that wait.
func (r *running) waiting() int {
	pods, _ := r.sched.SchedulingQueue.PendingPods()
	return len(pods)
}
