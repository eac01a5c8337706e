package ledger

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// queues is the tree of queues, with what uses it and what waits in it. Without a configuration, tree is nil and all else is empty: the
// scheduling queue has the order then.
type queues struct {
	resources *queue.Resources
	config    queue.Config
	tree      *queue.Tree
	// nodes is the allocatable capacity of each node that counts.
	nodes map[string]queue.Vector
	uses  map[user]use
	// binding are the pods that have reserved capacity and are not observed with a node yet. They are recorded without a configuration,
	// too, because a later one counts them.
	binding map[types.UID]*corev1.Pod
	// standings are the places of gangs in the tree, gangOf the gangs by their IDs there, alone the pods that go on their own.
	standings map[*gang.Gang]*standing
	gangOf    map[queue.ID]*gang.Gang
	alone     map[types.UID]*loner
	// failed are the pods that go on their own and did not fit, by queue, in the order in which they are tried again.
	failed map[string][]types.UID
	pools  pools
	// strict is true if any queue is strict, so that pools count.
	strict bool
	// scratch is for the requests of one pod: to make a list for each of thousands takes longer than to add them up.
	scratch corev1.ResourceList
	dues
}

func newQueues() queues {
	q := queues{resources: queue.NewResources(), binding: map[types.UID]*corev1.Pod{}, scratch: corev1.ResourceList{}}
	q.clear()
	return q
}

func (q *queues) clear() {
	q.tree, q.config, q.dues, q.strict = nil, queue.Config{}, dues{at: map[queue.ID]time.Time{}}, false
	q.nodes, q.uses, q.alone = map[string]queue.Vector{}, map[user]use{}, map[types.UID]*loner{}
	q.standings, q.gangOf = map[*gang.Gang]*standing{}, map[queue.ID]*gang.Gang{}
	q.pools, q.failed = newPools(), map[string][]types.UID{}
}

// Configure replaces the configuration of the queues; nil means none. pods and nodes are all that exist. Nothing that runs is changed.
func (l *Ledger) Configure(config *queue.Config, pods []*corev1.Pod, nodes []*corev1.Node) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, alone, before := l.readyNow(), slices.SortedFunc(maps.Values(l.alone), (*loner).compare), l.uses
	l.queues.clear()
	clear(l.overtaken)
	if config != nil {
		l.config = *config
		l.plant(nodes)
		l.recount(pods)
		l.keepUses(before)
	}
	l.due.Store(l.clock.Now().UnixNano()) // gangs may have to wait for less long
	decisions := l.observeAgain(pods)
	if l.tree == nil {
		return append(decisions, l.release(fresh, alone)...)
	}
	for _, g := range l.inOrder() {
		l.stand(g)
	}
	for _, g := range fresh {
		l.offer(g)
	}
	for _, a := range alone {
		if l.records[a.pod.UID] == nil || l.records[a.pod.UID].problem == nil {
			l.wait(a.pod, a.ready)
		}
	}
	l.idle = 0
	return append(append(decisions, l.look(l.clock.Now())...), gang.Proceed{})
}

// plant makes the tree.
func (l *Ledger) plant(nodes []*corev1.Node) {
	for _, name := range slices.Sorted(maps.Keys(namesIn(l.config.Queues, nodes))) {
		l.resources.Index(name)
	}
	l.tree = queue.New(l.config, l.resources)
	l.tree.SetPools(l.pools.meet)
	l.strict = slices.ContainsFunc(l.tree.AllLeaves(), func(leaf queue.Leaf) bool { return leaf.Order() == queue.Strict })
	for _, node := range nodes {
		l.addNode(node)
	}
	l.setTotal()
}

// recount counts what the pods and slots use.
func (l *Ledger) recount(pods []*corev1.Pod) {
	for _, pod := range pods {
		if pod.Spec.NodeName != "" {
			l.use(pod)
		}
		if r := l.records[pod.UID]; r != nil {
			l.noteAsks(r, pod)
		}
	}
	for _, pod := range l.binding {
		l.use(pod)
	}
	for _, g := range l.inOrder() {
		l.useHeld(g)
	}
	for key := range l.holds {
		l.useHold(key)
	}
}

// keepUses counts the pods that were counted before and that do not run yet by the list of which the new tree was made: they were bound
// since it was made.
func (l *Ledger) keepUses(before map[user]use) {
	for who, what := range before {
		if _, counted := l.uses[who]; !counted && who.pod != "" {
			what.leaf = l.leafOf(what.ref.Namespace, what.leaf.Name())
			l.count(who, what)
		}
	}
}

// observeAgain observes the pending pods for which the configuration changes whether they may use their queue.
func (l *Ledger) observeAgain(pods []*corev1.Pod) []gang.Decision {
	var decisions []gang.Decision
	for _, pod := range pods {
		r := l.records[pod.UID]
		if _, gone := l.gone[pod.UID]; gone || pod.Spec.NodeName != "" || l.profiles[pod.Spec.SchedulerName] == nil {
			continue
		}
		before := r != nil && isQueueProblem(r.problem)
		if _, err := l.parse(pod); before || isQueueProblem(err) {
			if r != nil {
				r.version = ""
			}
			decisions = append(decisions, l.observe(pod)...)
		}
	}
	return decisions
}

// release puts what waited for its turn into the scheduling queue.
func (l *Ledger) release(ready []*gang.Gang, alone []*loner) []gang.Decision {
	now := l.clock.Now()
	var decisions []gang.Decision
	for _, g := range ready {
		decisions = append(decisions, l.after(g, g.Resume(now))...)
	}
	for _, a := range alone {
		if a.ready {
			decisions = append(decisions, gang.Activate{Members: []gang.Ref{refOf(a.pod)}})
		}
	}
	return decisions
}

// readyNow returns the gangs whose representatives wait for their turn.
func (l *Ledger) readyNow() []*gang.Gang {
	var ready []*gang.Gang
	for _, g := range l.inOrder() {
		if g.Overtaken() {
			ready = append(ready, g)
		}
	}
	return ready
}

// inOrder returns all gangs by their sort keys.
func (l *Ledger) inOrder() []*gang.Gang { return slices.SortedFunc(maps.Values(l.gangs), compare) }

// namesIn returns the names of the resources that the configuration or a node names. What only pods ask for is not counted: a pod must
// not make the vectors longer.
func namesIn(all []queue.Queue, nodes []*corev1.Node) map[string]struct{} {
	names := map[string]struct{}{}
	var add func([]queue.Queue)
	add = func(all []queue.Queue) {
		for i := range all {
			for _, amounts := range []queue.Amounts{all[i].Guarantee, all[i].Limit} {
				for name := range amounts {
					names[name] = struct{}{}
				}
			}
			add(all[i].Queues)
		}
	}
	add(all)
	for _, node := range nodes {
		for name := range node.Status.Allocatable {
			if name != corev1.ResourcePods { // the number of pods is no resource that queues share, unless one is limited
				names[string(name)] = struct{}{}
			}
		}
	}
	return names
}

// AllowAnyQueue lets pods name any queue as long as no queues are configured. It is for who does not know the configuration: the queues may
// exist.
func (l *Ledger) AllowAnyQueue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anyQueue = true
}

// checkQueue returns the problem of a pending pod with its queue, or nil. Without a configuration, there is only the default queue.
func (l *Ledger) checkQueue(pod *corev1.Pod, said conventions.Pod, stated string) error {
	if l.tree == nil {
		if stated == "" || stated == queue.Default || l.anyQueue {
			return nil
		}
		return conventions.QueueNotFound(said, stated, []string{queue.Default})
	}
	_, refusal := l.tree.For(pod.Namespace, stated)
	switch refusal {
	case queue.Allowed:
		return nil
	case queue.NotAllowed:
		return conventions.QueueNotAllowed(said, stated, pod.Namespace)
	case queue.NotALeaf:
		return conventions.QueueNotALeaf(said, stated, l.tree.LeavesBelow(stated))
	default:
		return conventions.QueueNotFound(said, stated, l.tree.Leaves())
	}
}

// leafOf returns the queue of a gang or pod. What a changed configuration has no queue for counts for the default queue.
func (l *Ledger) leafOf(namespace, stated string) queue.Leaf {
	leaf, refusal := l.tree.For(namespace, stated)
	if refusal != queue.Allowed {
		leaf = l.tree.Default()
	}
	return leaf
}
