package scenarios

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
)

// jobKind describes jobs that are alike: gangs, or single pods if they have one member.
type jobKind struct {
	user    string // for whom usageWatch counts them
	queue   string
	pool    string // of nodes, empty for those of no pool
	members int
	alone   bool   // the one member says nothing of a gang
	cpu     string // of each member
	memory  string
	// shortest and longest are how long a job runs once all members are bound.
	shortest, longest time.Duration
	// states says of each further job whether it states with kubenexus.io/expected-runtime how long it runs.
	states func(job int) bool
}

// load keeps up a backlog of a number of jobs of each kind: when one starts, a new one of its kind is created. A job that has run for
// its time is deleted.
type load struct {
	s      *scenario
	usage  *usageWatch
	random *rand.Rand // guarded by mu

	mu   sync.Mutex
	jobs map[string]*job
	made int
	// started counts jobs.
	started map[*jobKind]int
	// ended has the users whose jobs are not replaced any more.
	ended  map[string]bool
	closed bool
	timers []*time.Timer
	// busy are calls to the API server.
	busy sync.WaitGroup
}

type job struct {
	kind   *jobKind
	name   string
	runs   time.Duration
	states bool
	bound  int // members
}

// newLoad returns a load without jobs. The same seed makes the same jobs in the same order.
func newLoad(s *scenario, seed uint64) *load {
	l := &load{
		s: s, jobs: map[string]*job{}, started: map[*jobKind]int{}, ended: map[string]bool{},
		random: rand.New(rand.NewPCG(seed, seed)), //nolint:gosec // the same each time
	}
	l.usage = watchUsage(s.t, s.namespace, l.onBound)
	s.t.Cleanup(l.close)
	return l
}

// start creates so many jobs of each kind, in turn.
func (l *load) start(each int, kinds ...*jobKind) {
	l.s.t.Helper()
	var jobs []*job
	for range each {
		for _, kind := range kinds {
			jobs = append(jobs, l.newJob(kind))
		}
	}
	workqueue.ParallelizeUntil(l.s.ctx, 8, len(jobs), func(i int) { l.create(jobs[i]) })
}

// once creates one job of a kind that is its user's only one.
func (l *load) once(kind *jobKind) {
	l.mu.Lock()
	l.ended[kind.user] = true
	l.mu.Unlock()
	l.create(l.newJob(kind))
}

func (l *load) newJob(kind *jobKind) *job {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &job{kind: kind, name: fmt.Sprintf("%s%d", kind.user, l.made), states: kind.states != nil && kind.states(l.made)}
	j.runs = kind.shortest + time.Duration(l.random.Int64N(int64(kind.longest-kind.shortest)+1))
	l.made++
	l.jobs[j.name] = j
	return j
}

func (l *load) create(j *job) {
	spec := podSpec{
		namespace: l.s.namespace, scheduler: ours, cpu: j.kind.cpu, pool: j.kind.pool,
		labels: map[string]string{userLabel: j.kind.user}, annotations: map[string]string{},
	}
	if !j.kind.alone {
		spec.annotations = gangAnnotations(j.name, j.kind.members)
	}
	spec.annotations["kubenexus.io/queue"] = j.kind.queue
	if j.states {
		spec.annotations["kubenexus.io/expected-runtime"] = j.runs.Round(time.Millisecond).String()
	}
	for i := range j.kind.members {
		spec.name = fmt.Sprintf("%s-%d", j.name, i)
		pod := spec.pod()
		if j.kind.memory != "" {
			pod.Spec.Containers[0].Resources.Requests[corev1.ResourceMemory] = resource.MustParse(j.kind.memory)
		}
		l.check(create(l.s, pod))
	}
}

// check fails the test unless the call failed because the test is over, or because the pod was deleted by the test itself.
func (l *load) check(err error) {
	if err != nil && l.s.ctx.Err() == nil && !apierrors.IsNotFound(err) {
		l.s.t.Error(err)
	}
}

// onBound starts the time of a job when its last member is bound, and creates the next one of its kind.
func (l *load) onBound(pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[pod.Labels[groupLabel]]
	if j == nil || l.closed {
		return
	}
	if j.bound++; j.bound < j.kind.members {
		return
	}
	l.started[j.kind]++
	l.timers = append(l.timers, time.AfterFunc(j.runs, func() { l.call(func() { l.remove(j) }) }))
	if !l.ended[j.kind.user] {
		go l.call(func() { l.create(l.newJob(j.kind)) })
	}
}

// call makes calls to the API server unless the load is closed.
func (l *load) call(calls func()) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.busy.Add(1)
	l.mu.Unlock()
	defer l.busy.Done()
	calls()
}

func (l *load) remove(j *job) {
	for i := range j.kind.members {
		err := suite.client.CoreV1().Pods(l.s.namespace).Delete(l.s.ctx, fmt.Sprintf("%s-%d", j.name, i),
			metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		l.check(err)
	}
}

// end deletes the backlog of a user. What runs ends when its time is over, and is not replaced.
func (l *load) end(user string) {
	l.mu.Lock()
	l.ended[user] = true
	var waiting []*job
	for name, j := range l.jobs {
		if j.kind.user == user && j.bound == 0 {
			waiting = append(waiting, j)
			delete(l.jobs, name)
		}
	}
	l.mu.Unlock()
	workqueue.ParallelizeUntil(l.s.ctx, 8, len(waiting), func(i int) { l.remove(waiting[i]) })
}

// startedOf returns how many jobs of a kind have started.
func (l *load) startedOf(kind *jobKind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started[kind]
}

// close ends no more jobs, and waits for what is under way.
func (l *load) close() {
	l.mu.Lock()
	l.closed = true
	for _, timer := range l.timers {
		timer.Stop()
	}
	l.mu.Unlock()
	l.busy.Wait()
}

// goesOn waits until the time is over, which the test's end cuts short.
func goesOn(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
