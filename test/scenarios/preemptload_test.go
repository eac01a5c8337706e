package scenarios

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

const (
	churnNodes, churnCPUs = 3, 8
	churnTime             = 25 * time.Second
)

// TestPreemptionOverRandomLoads creates random gangs and pods of three priorities on nodes that are too few for all, and lets some end. What
// is preempted is created again at once, and ends slowly now and then. A checker that knows nothing of the scheduler follows all that happens:
// no gang loses members that it needs unless all of it goes, and nothing joins it meanwhile. Whatever could start by preempting others does.
// In the end nothing is held, and nobody went in vain.
func TestPreemptionOverRandomLoads(t *testing.T) {
	skipIfShort(t)
	r := &rooms{scenario: newScenario(t, "preempt-load")}
	r.startAnother()
	r.classes(map[roomClass]int32{high: 1000, highest: 2000})
	shape := controlplane.NodeShape{CPU: fmt.Sprint(churnCPUs), Memory: "64Gi", Pods: 110}
	if err := suite.plane.AddNodes(r.ctx, "node", churnNodes, shape); err != nil {
		t.Fatal(err)
	}
	r.awaitNodes(ours)
	c := newChurn(r.scenario)
	random := rand.New(rand.NewPCG(14, 1)) //nolint:gosec // the same each time
	for began := time.Now(); time.Since(began) < churnTime; {
		for range 1 + random.IntN(4) {
			c.create(randomRanked(random, len(c.jobs)))
		}
		process.Within(t, patience, "what could preempt others to start", func() (bool, string) {
			wrong := c.waitsInVain()
			return wrong == "", wrong
		})
		c.endSome(random)
	}
	jobs, evicted := c.endAll()
	t.Logf("%d jobs, %d pods were preempted", jobs, evicted)
	if evicted < 20 {
		t.Errorf("only %d pods were preempted", evicted)
	}
	r.ranked("all", churnNodes*churnCPUs, noClass)
	r.boundIs(t, "all", churnNodes*churnCPUs)
	r.quiet()
	process.Within(t, patience, "all that was held to be let go", func() (bool, string) {
		held, gone := len(r.scheduler.Log.Lines("preempting pods")), len(r.scheduler.Log.Lines("no longer holding what"))
		return held == gone, fmt.Sprintf("%d times held, %d times let go", held, gone)
	})
	for _, text := range c.wrong[:min(len(c.wrong), 10)] {
		t.Error(text)
	}
}

// rankedJob is a gang, or a pod without one, that is created again when it is preempted.
type rankedJob struct {
	name               string
	members, min, cpus int
	class              roomClass
	// alone is true for a pod without a gang. slow jobs end slowly.
	alone, slow bool
	// ended is true once the test deleted the job. falls is true while all of it goes.
	ended, falls bool
}

func randomRanked(random *rand.Rand, i int) *rankedJob {
	j := &rankedJob{
		name: fmt.Sprintf("j%03d", i), members: 1 + random.IntN(5), cpus: 1 + random.IntN(3),
		class: []roomClass{noClass, noClass, high, highest}[random.IntN(4)], alone: random.IntN(4) == 0, slow: random.IntN(3) == 0,
	}
	if j.alone {
		j.members = 1
	}
	j.min = j.members - random.IntN(min(j.members, 3))
	return j
}

// churn is the jobs, and what the API server said of their pods.
type churn struct {
	s *scenario

	mu   sync.Mutex
	jobs map[string]*rankedJob
	pods map[types.UID]*churnPod
	// evicted counts the pods that were preempted.
	evicted int
	wrong   []string
	// busy are calls to the API server.
	busy sync.WaitGroup
}

type churnPod struct {
	name, job, node string
	ends            bool
	evicted         bool
	// priority is that of its class.
	priority int32
}

func newChurn(s *scenario) *churn {
	s.t.Helper()
	c := &churn{s: s, jobs: map[string]*rankedJob{}, pods: map[types.UID]*churnPod{}}
	ctx, cancel := context.WithCancel(s.ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0, informers.WithNamespace(s.namespace))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { c.saw(pod.(*corev1.Pod)) },
		UpdateFunc: func(_, pod any) { c.saw(pod.(*corev1.Pod)) },
		DeleteFunc: func(pod any) {
			if p, ok := pod.(*corev1.Pod); ok {
				c.gone(p)
			}
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	s.t.Cleanup(func() { cancel(); factory.Shutdown(); c.busy.Wait() })
	return c
}

// saw follows a pod that was created or changed.
func (c *churn) saw(pod *corev1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.jobs[pod.Labels[groupLabel]]
	if j == nil {
		return
	}
	p := c.pods[pod.UID]
	if p == nil {
		p = &churnPod{name: pod.Name, job: j.name, priority: *pod.Spec.Priority}
		c.pods[pod.UID] = p
	}
	if !p.evicted && disruption(pod) == corev1.PodReasonPreemptionByScheduler {
		p.evicted = true
		c.evicted++
	}
	if p.node == "" && pod.Spec.NodeName != "" {
		if running := c.running(j); j.falls && running > 0 && !j.ended {
			c.wrong = append(c.wrong, fmt.Sprintf("%s joins %s, of which %d of %d run and have to go", pod.Name, j.name, running, j.min))
		}
		p.node = pod.Spec.NodeName
		c.noteFull(p.node, pod.Name)
	}
	if pod.DeletionTimestamp != nil && !p.ends {
		c.end(j, p)
		if j.slow {
			c.later(func() { c.check(c.s.letEnd(func(of *corev1.Pod) bool { return of.UID == pod.UID })) })
		}
	}
}

// end notes that a pod ends.
func (c *churn) end(j *rankedJob, p *churnPod) {
	before := c.running(j)
	p.ends = true
	switch running := c.running(j); {
	case running == 0:
		j.falls = false
	case running < j.min && before >= j.min:
		j.falls = true
	}
}

// gone follows a pod that is gone: one that was preempted is created again.
func (c *churn) gone(pod *corev1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, j := c.pods[pod.UID], c.jobs[pod.Labels[groupLabel]]
	if p == nil {
		return
	}
	if !p.ends {
		c.end(j, p)
	}
	delete(c.pods, pod.UID)
	if !j.ended {
		c.busy.Go(func() { c.check(c.createPod(j, pod.Name)) })
	}
}

// later calls f after a while.
func (c *churn) later(f func()) {
	wait := 100*time.Millisecond + rand.N(700*time.Millisecond) //nolint:gosec // any time will do
	c.busy.Go(func() {
		select {
		case <-time.After(wait):
			f()
		case <-c.s.ctx.Done():
		}
	})
}

func (c *churn) check(err error) {
	if err != nil && c.s.ctx.Err() == nil && !apierrors.IsNotFound(err) {
		c.s.t.Error(err)
	}
}

// running counts the pods of a job that run.
func (c *churn) running(j *rankedJob) int {
	running := 0
	for _, p := range c.pods {
		if p.job == j.name && p.node != "" && !p.ends {
			running++
		}
	}
	return running
}

// noteFull notes if a node has more than fits.
func (c *churn) noteFull(node, with string) {
	if used := c.used(node, func(*churnPod) bool { return true }); used > churnCPUs {
		c.wrong = append(c.wrong, fmt.Sprintf("with %s, node %s uses %d of %d", with, node, used, churnCPUs))
	}
}

// used is what these pods use of a node.
func (c *churn) used(node string, by func(*churnPod) bool) int {
	used := 0
	for _, p := range c.pods {
		if p.node == node && by(p) {
			used += c.jobs[p.job].cpus
		}
	}
	return used
}

// create creates a job.
func (c *churn) create(j *rankedJob) {
	c.s.t.Helper()
	c.mu.Lock()
	c.jobs[j.name] = j
	c.mu.Unlock()
	for i := range j.members {
		if err := c.createPod(j, fmt.Sprintf("%s-%d", j.name, i)); err != nil {
			c.s.t.Fatal(err)
		}
	}
}

func (c *churn) createPod(j *rankedJob, name string) error {
	spec := podSpec{
		namespace: c.s.namespace, name: name, scheduler: ours, cpu: fmt.Sprint(j.cpus), priorityClass: string(j.class), slow: j.slow,
	}
	if !j.alone {
		spec.annotations = gangAnnotations(j.name, j.min)
	}
	return create(c.s, spec.pod())
}

// waitsInVain returns the jobs that run in part, or wait although they would fit without all that has a lower priority. Nothing does, once
// the scheduler has noticed what happened.
func (c *churn) waitsInVain() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var wrong []string
	for _, j := range c.jobs {
		there, priority := 0, int32(0)
		for _, p := range c.pods {
			if p.job == j.name {
				there++
				priority = p.priority
			}
		}
		switch running := c.running(j); {
		case j.ended && there == 0:
		case there != j.members:
			wrong = append(wrong, fmt.Sprintf("%s has %d of %d pods", j.name, there, j.members))
		case running >= j.min:
		case running > 0:
			wrong = append(wrong, fmt.Sprintf("%s runs with %d of %d", j.name, running, j.min))
		case c.room(j, priority) >= j.min:
			wrong = append(wrong, j.name+" would fit")
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		wrong = append(wrong, c.describe())
	}
	return strings.Join(wrong, ", ")
}

// describe says what runs where.
func (c *churn) describe() string {
	var lines []string
	for _, p := range c.pods {
		j := c.jobs[p.job]
		lines = append(lines, fmt.Sprintf("%s on %q: %s of %d cpus and priority %d, needs %d of %d, ends: %v, alone: %v", p.name, p.node, j.name,
			j.cpus, p.priority, j.min, j.members, p.ends, j.alone))
	}
	slices.Sort(lines)
	return "\n" + strings.Join(lines, "\n")
}

// room is for how many members of a job there is room without all pods of a lower priority.
func (c *churn) room(j *rankedJob, priority int32) int {
	room := 0
	for i := range churnNodes {
		used := c.used(fmt.Sprintf("node-%d", i), func(p *churnPod) bool { return p.priority >= priority })
		room += (churnCPUs - used) / j.cpus
	}
	return room
}

// endSome deletes some of the jobs.
func (c *churn) endSome(random *rand.Rand) {
	c.s.t.Helper()
	c.mu.Lock()
	var names []string
	for name, j := range c.jobs {
		if !j.ended {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	random.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	names = names[:max(len(names)-12, min(len(names), random.IntN(3)))]
	for _, name := range names {
		c.jobs[name].ended = true
	}
	c.mu.Unlock()
	for _, name := range names {
		c.s.remove(name)
	}
}

// endAll deletes all jobs, and returns how many there were, and how many pods were preempted.
func (c *churn) endAll() (jobs, evicted int) {
	c.s.t.Helper()
	c.mu.Lock()
	names := make([]string, 0, len(c.jobs))
	for name, j := range c.jobs {
		j.ended = true
		names = append(names, name)
	}
	c.mu.Unlock()
	for _, name := range names {
		c.s.remove(name)
	}
	process.Within(c.s.t, patience, "all jobs to be gone", func() (bool, string) {
		for _, name := range names {
			if c.s.left(name) > 0 {
				c.s.remove(name) // one may just have been created again
				return false, name
			}
		}
		return true, ""
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(names), c.evicted
}
