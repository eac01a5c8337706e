package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// jobPlan is a gang, or a pod without one, of a random load. All its members request the same.
type jobPlan struct {
	name, queue   string
	members, cpus int
	priority      int32
	// alone is true for a pod without a gang.
	alone bool
}

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
	// used are the CPUs that are used of each node.
	used map[string]int
}

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
		m.used[o.node] += j.cpus
	case isDeleted:
		j.ending++
	case wasDeleted:
		j.deleted++
		if node, ran := j.nodes[o.pod]; ran {
			m.used[node] -= j.cpus
		}
		if j.deleted == j.members {
			delete(m.jobs, o.job)
		}
	}
}

// uses returns the CPUs that a queue uses.
func (m *moment) uses(queue string) int {
	used := 0
	for _, j := range m.jobs {
		if j.queue == queue {
			used += (j.bound - j.deleted) * j.cpus
		}
	}
	return used
}

// now returns the moment at the end of what is recorded.
func (h *history) now() *moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := &moment{jobs: map[string]*jobState{}, used: map[string]int{}}
	for _, o := range h.all {
		m.follow(h.jobs, o)
	}
	return m
}

// cluster is what a history is checked against.
type cluster struct {
	nodes, cpus int
	// strict are the queues that are Strict, limits the CPUs to which others are limited.
	strict map[string]bool
	limits map[string]int
}

// fits reports whether the idle nodes have room for all members of a job, within the limit of its queue.
func (c cluster) fits(m *moment, j *jobState) bool {
	if limit, limited := c.limits[j.queue]; limited && m.uses(j.queue)+j.members*j.cpus > limit {
		return false
	}
	room := (c.nodes - len(m.used)) * (c.cpus / j.cpus)
	for _, used := range m.used {
		room += (c.cpus - used) / j.cpus
	}
	return room >= j.members
}

// idleBeside returns what waits though it fits and may start, and what runs in part: nothing, once the scheduler has noticed what happened.
func (c cluster) idleBeside(m *moment) string {
	var wrong []string
	for _, j := range m.jobs {
		switch {
		case j.deleted == 0 && j.bound > 0 && j.bound < j.members:
			wrong = append(wrong, fmt.Sprintf("%s runs with %d of %d", j.name, j.bound, j.members))
		case j.waits() && c.fits(m, j) && (!c.strict[j.queue] || m.head(j.queue) == j):
			wrong = append(wrong, j.name+" of queue "+j.queue+" fits and waits")
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, ", ")
}

// head returns the first job of a queue that waits.
func (m *moment) head(queue string) *jobState {
	var head *jobState
	for _, j := range m.jobs {
		if j.queue == queue && j.waits() && (head == nil || j.before(head)) {
			head = j
		}
	}
	return head
}

const (
	// notices is how long the scheduler may take to notice that a gang is complete.
	notices = time.Second
	// interleaves is within which time gangs that start one after another may have their pods bound in another order.
	interleaves = 300 * time.Millisecond
)

// check returns what is wrong in a history: a job of a Strict queue that started before one that waited before it, and a queue above its
// limit.
func (c cluster) check(h *history) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	starts := map[string]time.Time{}
	for _, o := range h.all {
		if _, began := starts[o.job]; o.what == wasBound && !began {
			starts[o.job] = o.at
		}
	}
	var wrong []string
	m := &moment{jobs: map[string]*jobState{}, used: map[string]int{}}
	for i, o := range h.all {
		m.follow(h.jobs, o)
		if o.what != wasBound {
			continue
		}
		j := m.jobs[o.job]
		if limit, limited := c.limits[j.queue]; limited && m.uses(j.queue) > limit {
			wrong = append(wrong, fmt.Sprintf("%d: with %s, queue %s uses %d of %d", i, o.pod, j.queue, m.uses(j.queue), limit))
		}
		if used := m.used[o.node]; used > c.cpus {
			wrong = append(wrong, fmt.Sprintf("%d: with %s, node %s uses %d of %d", i, o.pod, o.node, used, c.cpus))
		}
		head := m.head(j.queue)
		if !c.strict[j.queue] || head == nil || !head.before(j) || o.at.Sub(head.complete) < notices {
			continue
		}
		if began, starts := starts[head.name]; !starts || began.Sub(o.at) > interleaves {
			wrong = append(wrong, fmt.Sprintf("%d: %s overtakes %s, which waits since %s", i, o.pod, head.name, o.at.Sub(head.complete)))
		}
	}
	return wrong
}
