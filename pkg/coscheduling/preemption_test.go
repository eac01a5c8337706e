package coscheduling

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

var preemptedGangs = flag.Int("preempted-gangs", 400, "how many gangs TestRandomPreemptions runs")

// world is a cluster in which jobs preempt each other. What a job loses as a whole its controller creates again at once.
type world struct {
	*running
	random *rand.Rand
	// jobs are those that wait or run, by name.
	jobs map[string]*randomJob
	// events are what the API says of pods.
	events chan podEvent
	// made and ended count jobs, preempted counts jobs that were preempted as a whole, and surplus single pods.
	made, ended, preempted, surplus int
}

// randomJob is a gang, or a pod without one.
type randomJob struct {
	name      string
	members   int
	min       int
	cpu       int
	priority  int32
	queue     string
	attempt   int
	bound     map[string]bool // those that exist
	pending   map[string]bool
	started   bool
	endsAfter int
	ending    bool
}

type podEvent struct {
	pod  *corev1.Pod
	gone bool
}

func (w *world) watch() {
	w.events = make(chan podEvent, 100_000)
	_, err := w.informers.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, obj any) { w.events <- podEvent{pod: obj.(*corev1.Pod)} },
		DeleteFunc: func(obj any) {
			if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = unknown.Obj
			}
			w.events <- podEvent{pod: obj.(*corev1.Pod), gone: true}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// make creates a random job.
func (w *world) make(queues []string) {
	w.made++
	j := &randomJob{
		name: fmt.Sprintf("j%d", w.made), members: 1 + w.random.IntN(5), cpu: 1 + w.random.IntN(3),
		priority: w.random.Int32N(4), queue: queues[w.random.IntN(len(queues))],
	}
	j.min = 1 + w.random.IntN(j.members)
	w.jobs[j.name] = j
	w.create(j)
}

func (w *world) create(j *randomJob) {
	j.attempt++
	j.bound, j.pending, j.started = map[string]bool{}, map[string]bool{}, false
	j.endsAfter = w.ended + 5 + w.random.IntN(40)
	for i := range j.members {
		name := fmt.Sprintf("%s-%d-%d", j.name, j.attempt, i)
		j.pending[name] = true
		w.pod(name, fmt.Sprint(j.cpu), func(p *st.PodWrapper) {
			annotations := map[string]string{conventions.QueueAnnotation: j.queue}
			if j.members > 1 {
				annotations[conventions.Coscheduling().GroupAnnotation] = fmt.Sprintf("%s-%d", j.name, j.attempt)
				annotations[conventions.Coscheduling().MinAvailableAnnotation] = fmt.Sprint(j.min)
			}
			p.Annotations(annotations).Priority(j.priority).CreationTimestamp(metav1.Now())
		})
	}
}

// take takes an event into account. A job that has lost everything, and that the test did not end, is created again.
func (w *world) take(e podEvent) {
	job, _, _ := strings.Cut(e.pod.Name, "-")
	j := w.jobs[job]
	if j == nil || !strings.HasPrefix(e.pod.Name, fmt.Sprintf("%s-%d-", j.name, j.attempt)) {
		return
	}
	name := e.pod.Name
	switch {
	case !e.gone && e.pod.Spec.NodeName != "" && j.pending[name]:
		delete(j.pending, name)
		j.bound[name] = true
		j.started = j.started || len(j.bound) >= j.min
	case e.gone:
		wasBound := j.bound[name]
		delete(j.bound, name)
		delete(j.pending, name)
		switch {
		case j.ending && len(j.bound)+len(j.pending) == 0:
			delete(w.jobs, j.name)
			w.ended++
		case j.ending || !wasBound:
		case len(j.bound) >= j.min:
			w.surplus++
		case len(j.bound) == 0:
			w.preempted++
			for rest := range j.pending { // its controller starts the job again as a whole
				w.deleteIfThere(rest)
			}
			w.create(j)
		}
	}
}

// settle takes events into account until there are none for a while. Then no gang is cut: each has as many members as it needs, or none.
func (w *world) settle(quiet time.Duration) {
	for {
		select {
		case e := <-w.events:
			w.take(e)
		case <-time.After(quiet):
			return
		}
	}
}

// cut returns a gang of which only a part runs.
func (w *world) cut() string {
	for _, name := range slices.Sorted(maps.Keys(w.jobs)) {
		if j := w.jobs[name]; !j.ending && len(j.bound) > 0 && len(j.bound) < j.min {
			return fmt.Sprintf("%s: %d of %d that it needs run", j.name, len(j.bound), j.min)
		}
	}
	return ""
}

// endSome ends the jobs that ran long enough, or the oldest one that runs if none did.
func (w *world) endSome() {
	var oldest *randomJob
	some := false
	for _, name := range slices.Sorted(maps.Keys(w.jobs)) {
		j := w.jobs[name]
		if !j.started || j.ending || len(j.bound) < j.min {
			continue
		}
		if oldest == nil || j.endsAfter < oldest.endsAfter {
			oldest = j
		}
		if j.endsAfter <= w.ended {
			some = true
			w.finish(j)
		}
	}
	if !some && oldest != nil {
		w.finish(oldest)
	}
}

func (w *world) finish(j *randomJob) {
	j.ending = true
	for name := range maps.Clone(j.bound) {
		w.deleteIfThere(name)
	}
	for name := range maps.Clone(j.pending) {
		w.deleteIfThere(name)
	}
}

func (w *world) deleteIfThere(name string) {
	_ = w.client.CoreV1().Pods(testNamespace).Delete(w.ctx, name, metav1.DeleteOptions{}) // it may have been preempted a moment ago
}

// TestRandomPreemptions runs random gangs and pods of four priorities, which preempt each other inside queues and between them. Whenever
// nothing moves no gang is cut, and in the end nothing is held and, without queues, nothing was preempted in vain.
func TestRandomPreemptions(t *testing.T) {
	for name, queues := range map[string][]queue.Queue{
		"without queues": nil,
		"with queues": {
			queued("a", func(q *queue.Queue) { q.Guarantee = queue.Amounts{"cpu": 12_000} }),
			queued("b", func(q *queue.Queue) { q.Weight = 2; q.Limit = queue.Amounts{"cpu": 40_000} }),
			queued("c", func(q *queue.Queue) { q.Priority = 5 }),
		},
	} {
		t.Run(name, func(t *testing.T) { runRandomPreemptions(t, queues) })
	}
}

func runRandomPreemptions(t *testing.T, queues []queue.Queue) {
	nodes := map[string]string{}
	for i := range 8 {
		nodes[fmt.Sprintf("n%d", i)] = "8"
	}
	registry := metrics.NewKubeRegistry()
	w := &world{jobs: map[string]*randomJob{}, random: rand.New(rand.NewPCG(1, 2))}
	w.running = runWith(t, &obstacle{}, true, nodes, func(p *Plugins) { p.RegisterMetrics(registry) })
	names := []string{queue.Default}
	if len(queues) > 0 {
		w.configure(queues...)
		names = nil
		for i := range queues {
			names = append(names, queues[i].Name)
		}
	}
	w.watch()
	total := *preemptedGangs / 2
	if testing.Short() {
		total /= 4 // the race detector is slow
	}
	for w.ended < total {
		for len(w.jobs) < 60 && w.made < total {
			w.make(names)
		}
		w.settle(3 * time.Millisecond)
		eventually(t, "no gang to be cut: "+w.cut(), func() bool {
			w.settle(time.Millisecond)
			return w.cut() == ""
		})
		w.endSome()
	}
	w.settle(10 * time.Millisecond)
	eventually(t, "nothing to be held", func() bool { return w.placeholders() == 0 && len(w.sched.Cache.Dump().AssumedPods) == 0 })
	t.Logf("%d jobs: %d were preempted as a whole, %d pods of others; %v", w.ended, w.preempted, w.surplus, counters(t, registry))
	if w.preempted == 0 {
		t.Error("nothing was preempted")
	}
	most := 0.0
	if len(queues) > 0 { // what goes first between queues may change while victims end
		most = counters(t, registry)["kubenexus_preemption_victims_total"] / 200
	}
	if in := counters(t, registry)["kubenexus_preemption_victims_in_vain_total"]; in > most {
		t.Errorf("%v pods were preempted in vain", in)
	}
}

// counters returns the counters of preemption.
func counters(t *testing.T, registry metrics.KubeRegistry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "kubenexus_preemption") {
			continue
		}
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetCounter().GetValue()
		}
	}
	return sums
}
