package scenarios

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

// TestOrderOverRandomLoads puts random gangs and pods into a Strict queue, a BestEffort queue and a limited one, and lets some end, on a
// cluster that is too small for all. A checker that knows nothing of the scheduler goes through the recorded history: nobody overtakes the
// head of the Strict queue, no queue is ever above its limit, no gang runs in part, and whatever fits and may start is started.
func TestOrderOverRandomLoads(t *testing.T) {
	skipIfShort(t)
	startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	s := newScenario(t, "order")
	c := cluster{nodes: 3, cpus: 8, strict: map[string]bool{"line": true}, limits: map[string]int{"limited": 6}}
	shape := controlplane.NodeShape{CPU: fmt.Sprint(c.cpus), Memory: "64Gi", Pods: 110}
	if err := suite.plane.AddNodes(s.ctx, s.namespace, c.nodes, shape); err != nil {
		t.Fatal(err)
	}
	s.importantClass(t)
	const never = "preemption: {withinQueue: Never, reclaim: Never}" // what is evicted counts until it has ended
	s.configureQueues(fmt.Sprintf("- {name: line, order: Strict, %s}\n- {name: effort, %s}\n- {name: limited, limit: {cpu: %d}, %s}",
		never, never, c.limits["limited"], never))
	h := record(t, s.namespace)
	random := rand.New(rand.NewPCG(13, 1)) //nolint:gosec // the same each time
	jobs := 0
	for began := time.Now(); jobs < 200 && time.Since(began) < 30*time.Second; {
		for range 1 + random.IntN(5) {
			jobs++
			s.createJob(h, randomJob(random, jobs))
		}
		process.Within(t, 20*time.Second, "whatever fits to start", func() (bool, string) { // single pods back off for up to 10 s
			wrong := c.idleBeside(h.now())
			return wrong == "", wrong
		})
		s.endSome(h, random)
	}
	wrong := c.check(h)
	for _, text := range wrong[:min(len(wrong), 10)] {
		t.Error(text)
	}
	started, overall := h.counts()
	t.Logf("%d of %d jobs started; %d occurrences", started, jobs, overall)
	if started < jobs/4 || started < 10 {
		t.Errorf("only %d of %d jobs started", started, jobs)
	}
}

// randomJob returns a gang or a pod. Only gangs have a priority: single pods would preempt others.
func randomJob(random *rand.Rand, i int) jobPlan {
	j := jobPlan{
		name: fmt.Sprintf("j%03d", i), queue: []string{"line", "effort", "limited"}[random.IntN(3)],
		members: 1 + random.IntN(5), cpus: 1 + random.IntN(3), alone: random.IntN(5) == 0,
	}
	switch {
	case j.alone:
		j.members = 1
	case random.IntN(4) == 0:
		j.priority = importantPriority
	}
	if j.queue == "limited" {
		j.members, j.cpus = min(j.members, 3), min(j.cpus, 2) // within the limit as a whole
	}
	return j
}

const (
	importantName     = "order-important"
	importantPriority = 100
)

func (s *scenario) importantClass(t *testing.T) {
	t.Helper()
	classes := suite.client.SchedulingV1().PriorityClasses()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: importantName}, Value: importantPriority}
	if _, err := classes.Create(s.ctx, class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.t.Cleanup(func() { deletePriorityClass(s.t, importantName) })
}

func (s *scenario) createJob(h *history, j jobPlan) {
	s.t.Helper()
	h.plans(j)
	spec := podSpec{namespace: s.namespace, scheduler: ours, cpu: fmt.Sprint(j.cpus), annotations: map[string]string{}}
	if !j.alone {
		spec.annotations = gangAnnotations(j.name, j.members)
	}
	if j.priority > 0 {
		spec.priorityClass = importantName
	}
	spec.annotations[queueKey] = j.queue
	for i := range j.members {
		spec.name = fmt.Sprintf("%s-%d", j.name, i)
		if err := create(s, spec.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// endSome deletes some of the jobs that run, and now and then one that waits.
func (s *scenario) endSome(h *history, random *rand.Rand) {
	s.t.Helper()
	var run, wait []string
	for _, j := range h.now().jobs {
		switch {
		case j.deleted > 0:
		case j.bound == j.members:
			run = append(run, j.name)
		case j.waits():
			wait = append(wait, j.name)
		}
	}
	slices.Sort(run)
	slices.Sort(wait)
	for range 1 + random.IntN(3) {
		if len(run) > 0 {
			i := random.IntN(len(run))
			s.remove(run[i])
			run = slices.Delete(run, i, i+1)
		}
	}
	if len(wait) > 12 || len(wait) > 0 && random.IntN(10) == 0 {
		s.remove(wait[random.IntN(len(wait))])
	}
}

// counts returns how many jobs started, and how much happened.
func (h *history) counts() (started, all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	began := map[string]bool{}
	for _, o := range h.all {
		if o.what == wasBound {
			began[o.job] = true
		}
	}
	return len(began), len(h.all)
}
