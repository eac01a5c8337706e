package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// jobPlan is a gang, or a pod without one, of a random load. All its members request the same.
type jobPlan struct {
	name, queue string
	// pool is the pool of nodes that the members need, empty if they run on all nodes.
	pool     string
	members  int
	asks     demand
	priority int32
	// runtime is what the members say of how long they run, if it is not empty.
	runtime string
	// alone is true for a pod without a gang.
	alone bool
}

// demand is what a member requests, or a node has, or queues use: CPUs and GiB of memory.
type demand struct{ cpus, memory int }

// plus returns a sum, with o counted so many times.
func (a demand) plus(o demand, times int) demand {
	return demand{a.cpus + times*o.cpus, a.memory + times*o.memory}
}

// within reports whether there is room for it.
func (a demand) within(room demand) bool { return a.cpus <= room.cpus && a.memory <= room.memory }

func (a demand) String() string { return fmt.Sprintf("%d CPUs and %d GiB", a.cpus, a.memory) }

// meets reports whether there are nodes that two jobs could both use if they were empty.
func (j *jobPlan) meets(o *jobPlan) bool { return j.pool == "" || o.pool == "" || j.pool == o.pool }

// occurrence is one thing that happened to a pod, as the API server ordered it.
type occurrence struct {
	at   time.Time
	what what
	pod  string
	// job is the gang's name, or the pod's.
	job     string
	node    string
	created time.Time
}

type what string

const (
	wasCreated what = "created"
	wasBound   what = "bound"
	// isDeleted is the begin of a deletion: a gang with such a member is not complete any more, but what runs still uses its node.
	isDeleted  what = "being deleted"
	wasDeleted what = "deleted"
)

// history is all that happened to the pods of a namespace, in its order.
type history struct {
	mu   sync.Mutex
	jobs map[string]jobPlan
	all  []occurrence
}

// record begins a history, which ends with the test.
func record(t *testing.T, namespace string) *history {
	t.Helper()
	h := &history{jobs: map[string]jobPlan{}}
	ctx, cancel := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactoryWithOptions(suite.client, 0, informers.WithNamespace(namespace))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(pod any) { h.saw(nil, pod.(*corev1.Pod)) },
		UpdateFunc: func(before, pod any) {
			h.saw(before.(*corev1.Pod), pod.(*corev1.Pod))
		},
		DeleteFunc: func(pod any) {
			if p, ok := pod.(*corev1.Pod); ok {
				h.add(wasDeleted, p)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	return h
}

func (h *history) saw(before, pod *corev1.Pod) {
	if before == nil {
		h.add(wasCreated, pod)
	}
	if pod.Spec.NodeName != "" && (before == nil || before.Spec.NodeName == "") {
		h.add(wasBound, pod)
	}
	if pod.DeletionTimestamp != nil && (before == nil || before.DeletionTimestamp == nil) {
		h.add(isDeleted, pod)
	}
}

func (h *history) add(what what, pod *corev1.Pod) {
	h.mu.Lock()
	defer h.mu.Unlock()
	job := pod.Labels[groupLabel]
	if _, ours := h.jobs[job]; ours {
		h.all = append(h.all, occurrence{
			at: time.Now(), what: what, pod: pod.Name, job: job, node: pod.Spec.NodeName, created: pod.CreationTimestamp.Time,
		})
	}
}

func (h *history) plans(j jobPlan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[j.name] = j
}

// moment is what is known of the pods at a moment of a history.
type moment struct {
	jobs map[string]*jobState
	// used is what is used of each node.
	used map[string]demand
}

func newMoment() *moment { return &moment{jobs: map[string]*jobState{}, used: map[string]demand{}} }

// jobState is a job at a moment.
type jobState struct {
	jobPlan
	created, bound, ending, deleted int
	// age is when its first pod was created, complete when its last one was.
	age, complete time.Time
	nodes         map[string]string
}

// waits is true of a job that is complete and does not run.
func (j *jobState) waits() bool {
	return j.created == j.members && j.bound == 0 && j.ending == 0 && j.deleted == 0
}

// before reports whether the job is before another in the order of their queue: by priority, then by age, then by name.
func (j *jobState) before(o *jobState) bool {
	return cmp.Or(cmp.Compare(o.priority, j.priority), j.age.Compare(o.age), cmp.Compare(j.name, o.name)) < 0
}

// follow advances the moment by one occurrence.
func (m *moment) follow(plans map[string]jobPlan, o occurrence) {
	j := m.jobs[o.job]
	if j == nil {
		j = &jobState{jobPlan: plans[o.job], age: o.created, nodes: map[string]string{}}
		m.jobs[o.job] = j
	}
	switch o.what {
	case wasCreated:
		j.created++
		j.complete = o.at
	case wasBound:
		j.bound++
		j.nodes[o.pod] = o.node
		m.used[o.node] = m.used[o.node].plus(j.asks, 1)
	case isDeleted:
		j.ending++
	case wasDeleted:
		j.deleted++
		if node, ran := j.nodes[o.pod]; ran {
			m.used[node] = m.used[node].plus(j.asks, -1)
		}
		if j.deleted == j.members {
			delete(m.jobs, o.job)
		}
	}
}

// uses returns what a queue uses, with those below it; in says which job is in one of them.
func (m *moment) uses(in func(*jobState) bool) demand {
	var used demand
	for _, j := range m.jobs {
		if in(j) {
			used = used.plus(j.asks, j.bound-j.deleted)
		}
	}
	return used
}

// now returns the moment at the end of what is recorded.
func (h *history) now() *moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := newMoment()
	for _, o := range h.all {
		m.follow(h.jobs, o)
	}
	return m
}

// unseen returns a job that was created as a whole, or ended, and of which the history does not have that yet, or an empty text.
func (h *history) unseen(ended map[string]bool) string {
	m := h.now()
	for name, plan := range h.plan() {
		switch j := m.jobs[name]; {
		case ended[name] && j != nil:
			return name + " ended, and is still seen"
		case !ended[name] && (j == nil || j.created < plan.members):
			return name + " is not seen yet"
		}
	}
	return ""
}

// plan returns the jobs, and occurrences what happened to them.
func (h *history) plan() map[string]jobPlan {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.jobs)
}

func (h *history) occurrences() []occurrence {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
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
