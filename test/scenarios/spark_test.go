package scenarios

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// Spark jobs in these tests have a driver and ten executors of one CPU each.
const sparkExecutors = 10

// room is nodes and how many such pods they hold.
type room struct{ nodes, slots int }

var (
	roomForOneAndAHalf = room{nodes: 4, slots: 16}
	roomForThree       = room{nodes: 9, slots: 36}
)

// TestSecondSparkJobWaitsForTheFirst submits two Spark jobs to a cluster that can hold one and a half. One runs with all its executors;
// the other does not even start its driver until the first has ended.
func TestSecondSparkJobWaitsForTheFirst(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	for name, declare := range map[string]declaration{"roles": roles, "palantir": palantir} {
		t.Run(name, func(t *testing.T) {
			s := newScenario(t, "spark-two-"+name)
			s.awaitNodes(ours)
			watch := s.sparkCluster(t, roomForOneAndAHalf)
			s.awaitNodes(ours) // or the second job fits when the scheduler knows enough of them, before the first is tried again
			first := &sparkJob{on: s, name: "first", executors: sparkExecutors, batch: 4, declare: declare}
			second := &sparkJob{on: s, name: "second", executors: sparkExecutors, batch: 4, declare: declare}
			s.submit(t, first, second)
			s.must(t, first.drive)
			s.waitsWith(t, second.driverName(), "of the 11 pods it needs")
			s.allBound(t, 1+sparkExecutors)

			s.must(t, first.finish)
			s.must(t, second.drive)
			watch.neverWithoutRoom(t)
			if most := watch.mostComplete(); most != 1 {
				t.Errorf("%d jobs ran at a time, want 1", most)
			}
		})
	}
}

// TestTenSparkJobsAndRoomForThree runs ten Spark jobs on a cluster that can hold three. No driver ever runs without capacity for all of its
// executors, and three jobs run at any time, until fewer are left.
func TestTenSparkJobsAndRoomForThree(t *testing.T) {
	const jobs, atATime = 10, 3
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "spark-ten")
	watch := s.sparkCluster(t, roomForThree)
	s.awaitNodes(ours)
	s.runAll(t, atATime, s.sparkJobs(jobs, sparkJob{declare: roles}))
	watch.neverWithoutRoom(t)
	if most := watch.mostComplete(); most != atATime {
		t.Errorf("%d jobs ran at a time, want %d", most, atATime)
	}
}

// TestStockSchedulerLetsSparkJobsStarve shows what happens to the same jobs with kube-scheduler as it is: it starts every driver,
// each gets some of its executors, none gets all, and nothing is left that could end.
func TestStockSchedulerLetsSparkJobsStarve(t *testing.T) {
	process.Start(t, "stock", asOld(t), "--config="+writeConfig(t, `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection:
  leaderElect: false
clientConnection:
  kubeconfig: KUBECONFIG
`))
	for _, tc := range []struct {
		name string
		jobs int
		room room
	}{
		{"two jobs and room for one and a half", 2, roomForOneAndAHalf},
		{"ten jobs and room for three", 10, roomForThree},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScenario(t, fmt.Sprintf("spark-stock-%d", tc.jobs))
			s.awaitNodes(corev1.DefaultSchedulerName)
			watch := s.sparkCluster(t, tc.room)
			s.awaitNodes(corev1.DefaultSchedulerName)
			jobs := s.sparkJobs(tc.jobs, sparkJob{declare: none, scheduler: corev1.DefaultSchedulerName})
			s.submit(t, jobs...)
			for _, job := range jobs {
				s.must(t, func(ctx context.Context) error { return job.untilRunning(ctx, "driver", 1) })
			}
			for range sparkExecutors / jobs[0].batch { // all drivers at the same pace
				for _, job := range jobs {
					s.must(t, job.createBatch)
				}
			}
			s.allBound(t, tc.room.slots)
			if most := watch.mostComplete(); most != 0 {
				t.Errorf("%d jobs got all their executors; nothing shows that they starve", most)
			}
			if len(watch.report()) == 0 {
				t.Error("the watch found no driver without room for its executors, so it would find none elsewhere")
			}
		})
	}
}

// TestRoomOfASparkJobIsKept starts a driver and creates plain pods before its executors. They get the capacity that
// is not reserved for the job, and the rest only when it has finished.
func TestRoomOfASparkJobIsKept(t *testing.T) {
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "spark-kept")
	s.addNodes(t, "spark-kept", 3) // 12 slots: one more than the job needs
	job := &sparkJob{on: s, name: "job", executors: sparkExecutors, batch: 4, declare: roles}
	s.submit(t, job)
	s.must(t, func(ctx context.Context) error { return job.untilRunning(ctx, "driver", 1) })
	for i := range 3 {
		plain := podSpec{namespace: s.namespace, name: fmt.Sprintf("plain-%d", i), cpu: "1", scheduler: ours}
		if err := create(s, plain.pod()); err != nil {
			t.Fatal(err)
		}
	}
	process.Within(t, patience, "one plain pod to run and two to lack room", func() (bool, string) {
		running, waiting := s.plainPods(t)
		return running == 1 && waiting == 2, fmt.Sprintf("%d run, %d lack room", running, waiting)
	})
	s.must(t, job.drive)
	s.must(t, job.finish)
	s.boundIs(t, "plain", 3)
}

// sparkCluster adds nodes and watches the jobs that will run on them.
func (s *scenario) sparkCluster(t *testing.T, r room) *sparkWatch {
	t.Helper()
	s.addNodes(t, s.namespace, r.nodes)
	return watchSpark(t, s.namespace, r.slots)
}

// sparkJobs are so many jobs like one.
func (s *scenario) sparkJobs(n int, like sparkJob) (jobs []*sparkJob) {
	for i := range n {
		job := like
		job.on, job.name, job.executors, job.batch = s, fmt.Sprintf("job-%d", i), sparkExecutors, 5
		jobs = append(jobs, &job)
	}
	return jobs
}

func (s *scenario) submit(t *testing.T, jobs ...*sparkJob) {
	t.Helper()
	for _, job := range jobs {
		if err := job.submit(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// must does something that may take as long as a scenario is patient.
func (s *scenario) must(t *testing.T, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatal(err)
	}
}

// runAll submits jobs and runs them to their end. One ends only when so many have all their executors, or all that are left.
func (s *scenario) runAll(t *testing.T, atATime int, jobs []*sparkJob) {
	t.Helper()
	s.submit(t, jobs...)
	complete := s.driveAll(t, jobs)
	var running []*sparkJob
	for left := len(jobs); left > 0; left-- {
		for len(running) < min(atATime, left) {
			select {
			case job := <-complete:
				running = append(running, job)
			case <-time.After(patience):
				t.Fatalf("%d jobs run and %d are left", len(running), left)
			}
		}
		s.must(t, running[0].finish)
		running = running[1:]
	}
}

// driveAll runs the jobs' drivers, and returns each job when it has all its executors.
func (s *scenario) driveAll(t *testing.T, jobs []*sparkJob) <-chan *sparkJob {
	ctx, cancel := context.WithCancel(s.ctx)
	complete := make(chan *sparkJob, len(jobs))
	var drivers sync.WaitGroup
	for _, job := range jobs {
		drivers.Go(func() {
			if err := job.drive(ctx); err == nil {
				complete <- job
			} else if ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); drivers.Wait() })
	return complete
}

// plainPods counts the pods that are not Spark's: those that run, and those with a condition that says that they do not fit.
func (s *scenario) plainPods(t *testing.T) (running, waiting int) {
	t.Helper()
	pods, err := suite.client.CoreV1().Pods(s.namespace).List(s.ctx, metav1.ListOptions{LabelSelector: groupLabel + "=plain"})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		switch {
		case pod.Spec.NodeName != "":
			running++
		case scheduledCondition(&pod).Reason == corev1.PodReasonUnschedulable:
			waiting++
		}
	}
	return running, waiting
}

// sparkWatch looks, at every change of a pod, whether the missing executors of running drivers fit. All pods request one CPU,
// so free capacity is a number.
type sparkWatch struct {
	slots int

	mu   sync.Mutex
	pods map[string]*corev1.Pod // those that hold capacity
	// done are the jobs that had all their executors; what they give up later is theirs.
	done  map[string]bool
	found []string
	most  int
}

// watchSpark watches from now on. It uses a plain watch: an informer may show changes of two pods in another order.
func watchSpark(t *testing.T, namespace string, slots int) *sparkWatch {
	t.Helper()
	w := &sparkWatch{slots: slots, pods: map[string]*corev1.Pod{}, done: map[string]bool{}}
	watcher, err := suite.client.CoreV1().Pods(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var seen sync.WaitGroup
	seen.Go(func() {
		for event := range watcher.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				w.see(event.Type, pod)
			}
		}
	})
	t.Cleanup(func() { watcher.Stop(); seen.Wait() })
	return w
}

func (w *sparkWatch) see(change watch.EventType, pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pods, pod.Name)
	if change != watch.Deleted && pod.Spec.NodeName != "" && pod.Status.Phase != corev1.PodSucceeded {
		w.pods[pod.Name] = pod
	}
	drivers, executors := map[string]bool{}, map[string]int{}
	for _, pod := range w.pods {
		if app := pod.Labels[sparkAppLabel]; pod.Labels[sparkRoleLabel] == "driver" {
			drivers[app] = true
		} else {
			executors[app]++
		}
	}
	lacking, complete := 0, 0
	for app := range drivers {
		if executors[app] == sparkExecutors {
			w.done[app] = true
			complete++
		} else if !w.done[app] {
			lacking += sparkExecutors - executors[app]
		}
	}
	w.most = max(w.most, complete)
	if free := w.slots - len(w.pods); lacking > free {
		w.found = append(w.found, fmt.Sprintf("%s %s: running drivers still need %d executors, but only %d fit",
			pod.Name, change, lacking, free))
	}
}

// report is what was found wrong so far.
func (w *sparkWatch) report() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.found)
}

// mostComplete is how many jobs had all their executors at a time.
func (w *sparkWatch) mostComplete() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

// neverWithoutRoom fails the test if a driver ever ran without capacity for its executors.
func (w *sparkWatch) neverWithoutRoom(t *testing.T) {
	t.Helper()
	if found := w.report(); len(found) > 0 {
		t.Errorf("%d times; first %s", len(found), found[0])
	}
}
