package scenarios

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/controlplane"
	"github.com/kubenexus/kubenexus-scheduler/test/internal/process"
)

var (
	histories = flag.Int("histories", 1, "how many histories of random loads TestOrderOverRandomLoads records with each maxWait")
	firstSeed = flag.Uint64("first-seed", 1, "the seed of the first of these histories")
)

const (
	// historyTime is how long jobs are created in a history.
	historyTime = 20 * time.Second
	// historyJobs is how many are created at most.
	historyJobs = 200
)

// TestOrderOverRandomLoads puts random gangs and pods into a tree of queues, of which one is Strict, and lets some end. There are two pools of
// nodes, which are too few for all. A checker that knows nothing of the scheduler goes through the recorded history: nobody overtakes the
// head of the Strict queue, no queue is ever above its limit or that of the queue above it, no gang runs in part, and whatever fits and may
// start is started, except on what is set aside. Of that the checker takes from the log for whom it is; it is never more than the gang needs.
//
// -histories records more of them, each with another seed.
func TestOrderOverRandomLoads(t *testing.T) {
	skipIfShort(t)
	scheduler := startScheduler(t, "--kubeconfig="+suite.plane.Kubeconfig(), "--leader-elect=false", "-v=2")
	importantClass(t)
	beside := 0
	for i := range *histories {
		seed := *firstSeed + uint64(i) //nolint:gosec // it is small
		for _, maxWait := range []string{"0s", "1s"} {
			t.Run(fmt.Sprintf("maxwait-%s-seed-%d", maxWait, seed), func(t *testing.T) {
				beside += recordsHistory(t, scheduler, maxWait, seed)
			})
		}
	}
	if beside == 0 {
		t.Error("nobody ever waited beside capacity that was set aside, so that was not checked")
	}
}

// recordsHistory records one history and checks it. It returns how often a job waited beside capacity that was set aside.
func recordsHistory(t *testing.T, scheduler *process.Scheduler, maxWait string, seed uint64) (beside int) {
	t.Helper()
	s := newScenario(t, fmt.Sprintf("order-%s-%d", maxWait, seed))
	c := s.orderCluster(maxWait)
	h := record(t, s.namespace)
	random := rand.New(rand.NewPCG(13, seed)) //nolint:gosec // the same each time
	jobs, longest, ended := 0, time.Duration(0), map[string]bool{}
	for began := time.Now(); jobs < historyJobs && time.Since(began) < historyTime; {
		for range 1 + random.IntN(5) {
			jobs++
			s.createJob(h, randomJob(random, jobs))
		}
		created := time.Now()
		process.Within(t, patience, "whatever fits to start", func() (bool, string) { // single pods back off for up to 10 s
			if unseen := h.unseen(ended); unseen != "" {
				return false, unseen
			}
			wrong, waits := c.idleBeside(h.now(), nil)
			aside := map[string]bool{}
			if wrong != "" {
				aside = setAside(scheduler, s.namespace)
				wrong, waits = c.idleBeside(h.now(), aside)
			}
			if wrong == "" {
				beside += waits
			}
			return wrong == "", fmt.Sprintf("%s; capacity is set aside for %v", wrong, slices.Sorted(maps.Keys(aside)))
		})
		longest = max(longest, time.Since(created))
		s.endSome(h, random, ended)
	}
	wrong := c.check(h.plan(), h.occurrences())
	for _, text := range wrong[:min(len(wrong), 10)] {
		t.Error(text)
	}
	started, overall := h.counts()
	t.Logf("%d of %d jobs started; %d occurrences; all that fit had started after %s at most; %d times, one waited beside capacity that was set aside",
		started, jobs, overall, longest.Round(time.Millisecond), beside)
	if started < jobs/4 || started < 10 {
		t.Errorf("only %d of %d jobs started", started, jobs)
	}
	if sets := len(setAsideEver(scheduler, s.namespace)); (sets > 0) != (maxWait != "0s") {
		t.Errorf("capacity was set aside for %d jobs", sets)
	}
	return beside
}

// orderCluster makes two pools of nodes, and a tree of queues.
func (s *scenario) orderCluster(maxWait string) cluster {
	s.t.Helper()
	c := cluster{nodes: map[string]poolNode{}, queues: map[string]queueRules{
		"team":   {limit: &demand{cpus: 30, memory: 90}},
		"line":   {above: "team", strict: true},
		"effort": {above: "team", limit: &demand{cpus: 20, memory: 60}},
		"guest":  {limit: &demand{cpus: 24, memory: 80}},
		"small":  {above: "guest", limit: &demand{cpus: 6, memory: 20}},
		"free":   {above: "guest"},
	}}
	for pool, has := range map[string]demand{"a": {cpus: 8, memory: 16}, "b": {cpus: 8, memory: 32}} {
		const each = 3
		shape := controlplane.NodeShape{
			CPU: fmt.Sprint(has.cpus), Memory: fmt.Sprintf("%dGi", has.memory), Pods: 110, Labels: map[string]string{"pool": pool},
		}
		prefix := s.namespace + "-" + pool
		if err := suite.plane.AddNodes(s.ctx, prefix, each, shape); err != nil {
			s.t.Fatal(err)
		}
		for i := range each {
			c.nodes[fmt.Sprintf("%s-%d", prefix, i)] = poolNode{pool: pool, has: has}
		}
	}
	s.awaitNodes(ours)
	limit := func(queue string) string {
		return fmt.Sprintf("limit: {cpu: %d, memory: %dGi}", c.queues[queue].limit.cpus, c.queues[queue].limit.memory)
	}
	// What is evicted counts until it has ended, so nothing is.
	rules := fmt.Sprintf("maxWait: %s, preemption: {withinQueue: Never, reclaim: Never}", maxWait)
	s.configureQueues(fmt.Sprintf(`- {name: team, guarantee: {cpu: 12}, %s, %s, queues: [
    {name: line, order: Strict, guarantee: {cpu: 6}}, {name: effort, priority: 1, %s}]}
- {name: guest, weight: 2, %s, %s, queues: [
    {name: small, guarantee: {memory: 8Gi}, %s}, {name: free, weight: 0}]}`,
		limit("team"), rules, limit("effort"), limit("guest"), rules, limit("small")))
	return c
}

// randomJob returns a gang or a pod that could start if nothing else ran. Only gangs have a priority: single pods would preempt others.
func randomJob(random *rand.Rand, i int) jobPlan {
	j := jobPlan{
		name: fmt.Sprintf("j%03d", i), queue: []string{"line", "effort", "small", "free"}[random.IntN(4)],
		pool: []string{"", "a", "b"}[random.IntN(3)], members: 1 + random.IntN(5),
		asks: demand{cpus: 1 + random.IntN(3), memory: 1 + random.IntN(6)}, alone: random.IntN(5) == 0,
	}
	switch {
	case j.alone:
		j.members = 1
	case random.IntN(4) == 0:
		j.priority = importantPriority
	}
	if random.IntN(3) == 0 {
		j.runtime = []string{"2s", "1m"}[random.IntN(2)]
	}
	if j.queue == "small" {
		j.members, j.asks.cpus = min(j.members, 3), min(j.asks.cpus, 2)
	}
	return j
}

// asideLine is a line of the log about for whom capacity is set aside.
var asideLine = regexp.MustCompile(`"(Setting capacity aside|No longer setting capacity aside)" gang="([a-z0-9.-]+)/(j[0-9]+)(?:-[0-9]+)?"`)

// setAside returns the jobs for which capacity is set aside, as the log has it.
func setAside(scheduler *process.Scheduler, namespace string) map[string]bool {
	return asideBy(scheduler, namespace, func(text string) bool { return strings.HasPrefix(text, "Setting") })
}

// setAsideEver returns all jobs for which capacity was set aside.
func setAsideEver(scheduler *process.Scheduler, namespace string) map[string]bool {
	return asideBy(scheduler, namespace, func(string) bool { return true })
}

// asideBy returns the jobs of which the last line about them is the right one.
func asideBy(scheduler *process.Scheduler, namespace string, is func(text string) bool) map[string]bool {
	aside := map[string]bool{}
	for _, line := range asideLine.FindAllStringSubmatch(scheduler.Log.String(), -1) {
		if line[2] == namespace {
			aside[line[3]] = is(line[1])
		}
	}
	maps.DeleteFunc(aside, func(_ string, is bool) bool { return !is })
	return aside
}

const (
	importantName     = "order-important"
	importantPriority = 100
)

func importantClass(t *testing.T) {
	t.Helper()
	classes := suite.client.SchedulingV1().PriorityClasses()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: importantName}, Value: importantPriority}
	if _, err := classes.Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deletePriorityClass(t, importantName) })
}

func (s *scenario) createJob(h *history, j jobPlan) {
	s.t.Helper()
	h.plans(j)
	spec := podSpec{
		namespace: s.namespace, scheduler: ours, pool: j.pool, cpu: fmt.Sprint(j.asks.cpus), memory: fmt.Sprintf("%dGi", j.asks.memory),
		annotations: map[string]string{},
	}
	if !j.alone {
		spec.annotations = gangAnnotations(j.name, j.members)
	}
	if j.priority > 0 {
		spec.priorityClass = importantName
	}
	if j.runtime != "" {
		spec.annotations["kubenexus.io/expected-runtime"] = j.runtime
	}
	spec.annotations[queueKey] = j.queue
	for i := range j.members {
		spec.name = fmt.Sprintf("%s-%d", j.name, i)
		if err := create(s, spec.pod()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// endSome deletes some of the jobs that run, and now and then one that waits, and adds them to those that ended.
func (s *scenario) endSome(h *history, random *rand.Rand, ended map[string]bool) {
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
			ended[run[i]] = true
			run = slices.Delete(run, i, i+1)
		}
	}
	if len(wait) > 12 || len(wait) > 0 && random.IntN(10) == 0 {
		name := wait[random.IntN(len(wait))]
		s.remove(name)
		ended[name] = true
	}
}
