package coscheduling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
	q.MaxWait = 0 // the pods of these tests were created long ago
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

// occupy fills the nodes, which are named a, b and so on, until free is called, so that what waits is complete when the order decides. The
// pods are another scheduler's, so that nothing preempts them.
func (r *running) occupy(cpus ...string) (free func()) {
	r.t.Helper()
	for i, cpu := range cpus {
		name := fmt.Sprintf("filler%d-0", i)
		pod := st.MakePod().Namespace(testNamespace).Name(name).UID(name).SchedulerName("another").Node(string(rune('a' + i))).
			Req(map[corev1.ResourceName]string{"cpu": cpu}).Obj()
		if _, err := r.client.CoreV1().Pods(testNamespace).Create(r.ctx, pod, metav1.CreateOptions{}); err != nil {
			r.t.Fatal(err)
		}
		eventually(r.t, "the scheduler to know of the pod", func() bool {
			known, err := r.sched.Cache.GetPod(pod)
			return err == nil && known != nil
		})
	}
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

// runs waits until exactly these jobs run: it sees each start and, for a second, no other.
func (r *running) runs(names ...string) {
	r.t.Helper()
	started := func() map[string]bool {
		jobs := map[string]bool{}
		for pod := range r.nodes() {
			jobs[pod[:strings.LastIndex(pod, "-")]] = true
		}
		return jobs
	}
	want := map[string]bool{}
	for _, name := range names {
		want[name] = true
	}
	eventually(r.t, fmt.Sprintf("%v to run", names), func() bool {
		got := started()
		for name := range want {
			if !got[name] {
				return false
			}
		}
		return true
	})
	if got := started(); !maps.Equal(got, want) {
		r.t.Errorf("%v run, and only %v may", slices.Sorted(maps.Keys(got)), names)
	}
}

// TestALimitIsNeverExceeded: a gang beyond the limit of its queue waits, smaller ones behind it start, and other queues are not held up.
func TestALimitIsNeverExceeded(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "10", "b": "10"})
	r.configure(queued("limited", func(q *queue.Queue) { q.Limit = queue.Amounts{"cpu": 5000} }), queued("free", nil))
	free := r.occupy("10", "10")
	r.submit(
		job{queue: "limited", name: "first", members: 2, cpu: "2", created: 1},
		job{queue: "limited", name: "beyond", members: 2, cpu: "2", created: 2},
		job{queue: "limited", name: "small", members: 1, cpu: "1", created: 3},
		job{queue: "free", name: "other", members: 2, cpu: "2", created: 4},
	)
	eventually(t, "all to wait", func() bool { return r.waiting() == 7 })
	free()
	r.runs("first", "small", "other")
	r.delete("first-0", "first-1")
	r.runs("small", "other", "beyond")
}

func (r *running) delete(pods ...string) {
	r.t.Helper()
	for _, name := range pods {
		if err := r.client.CoreV1().Pods(testNamespace).Delete(r.ctx, name, metav1.DeleteOptions{}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestStrictNeverOvertakes: what is behind a head that does not fit waits, in its queue only.
func TestStrictNeverOvertakes(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "4", "b": "4"})
	strict := func(q *queue.Queue) { q.Order = queue.Strict }
	r.configure(queued("strict", strict), queued("other", nil))
	free := r.occupy("4", "2")
	r.submit(
		job{queue: "strict", name: "head", members: 2, cpu: "4", created: 1},
		job{queue: "strict", name: "behind", members: 1, cpu: "1", created: 2},
		job{queue: "other", name: "other", members: 1, cpu: "1", created: 3},
	)
	r.runs("filler0", "filler1", "other")
	free()
	r.delete("other-0")
	r.runs("head")
	r.delete("head-0", "head-1")
	r.runs("behind")
}

// TestGuaranteesComeFirst, whatever the shares are.
func TestGuaranteesComeFirst(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "10"})
	r.configure(
		queued("heavy", func(q *queue.Queue) { q.Weight = 100; q.Priority = 10 }),
		queued("owed", func(q *queue.Queue) { q.Weight = 0; q.Guarantee = queue.Amounts{"cpu": 4000} }),
	)
	free := r.occupy("10")
	r.submit(
		job{queue: "heavy", name: "h1", members: 2, cpu: "3", created: 1},
		job{queue: "heavy", name: "h2", members: 2, cpu: "3", created: 2},
		job{queue: "owed", name: "o1", members: 2, cpu: "2", created: 3},
		job{queue: "owed", name: "o2", members: 2, cpu: "2", created: 4},
	)
	eventually(t, "all to wait", func() bool { return r.waiting() == 8 })
	free()
	r.runs("o1", "h1")
}

// TestTheConfigurationChangesWhileAllRuns: nothing that runs is touched, and pending gangs are sorted again.
func TestTheConfigurationChangesWhileAllRuns(t *testing.T) {
	r := run(t, &obstacle{}, true, map[string]string{"a": "10"})
	r.submit(job{queue: queue.Default, name: "before", members: 2, cpu: "1", created: 1})
	r.runs("before")
	r.configure(queued("x", func(q *queue.Queue) { q.Limit = queue.Amounts{"cpu": 1000} }))
	r.submit(job{queue: "x", name: "gang", members: 2, cpu: "1", created: 2}, job{queue: "x", name: "pod", members: 1, cpu: "1", created: 3})
	r.runs("before", "pod")
	if err := r.plugins.dispatcher.Configure(nil); err != nil {
		t.Fatal(err)
	}
	r.submit(job{queue: queue.Default, name: "after", members: 2, cpu: "1", created: 4})
	r.runs("before", "pod", "after") // there is no queue x any more
	r.configure(queued("x", nil))
	r.runs("before", "pod", "after", "gang")
}
