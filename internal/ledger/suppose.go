package ledger

import (
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Supposed is a gang, or a pod without one, that is asked about, as the ledger would treat it.
type Supposed struct {
	// Key is that of the gang, or of the pod.
	Key       gang.Key
	Scheduler string
	// Queue is the queue in which it would wait, empty if no queues are configured; Before is the number of gangs of it that go first.
	Queue  string
	Before int
	// Pods is the number of pods that wait, or would; MinAvailable is how many have to start together, 0 for a pod without a gang.
	Pods, MinAvailable int
	// Runtime is how long it runs at most, for what is set aside for others; 0 if that is unknown.
	Runtime time.Duration
	// Why is why it would not be planned. Its kind is empty if it would be. Refused says that this is because of what the pods say.
	Why     gang.Explanation
	Refused bool
	// Beyond is true if it would be planned only to make room within a limit of its queues.
	Beyond bool
	// Task is what to plan, Planner the UID of the member that stands for the gang, and Taker for whom others would be preempted.
	Task    gang.Task
	Planner string
	Taker   Taker
	// outranks has those of the gangs that hold capacity that it goes before.
	outranks map[gang.Key]bool
	// gang is the gang, nil for a pod without one. Ledger guards it if the gang exists, and is nil otherwise.
	gang   *gang.Gang
	ledger *Ledger
}

// ErrExists is the error for a gang that exists already.
var ErrExists = errors.New("the gang exists already")

// Suppose returns what the ledger would make of these pods, which do not exist and have UIDs and names of their own. They must be one gang,
// or one pod without a gang. holding are gangs for which capacity is held or set aside.
//
// It records the pods as if they were observed, with the rules for real ones, and removes them before it unlocks the ledger.
func (l *Ledger) Suppose(pods []*corev1.Pod, holding []gang.Key) (*Supposed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(pods) == 0 {
		return nil, errors.New("there are no pods")
	}
	for _, pod := range pods {
		if name := pod.Spec.SchedulerName; l.profiles[name] == nil {
			return nil, fmt.Errorf("this scheduler has no profile with the schedulerName %q", name)
		}
	}
	g, why, err := l.supposeGang(pods)
	if g != nil {
		defer l.unsuppose(g, pods)
	}
	switch {
	case err != nil:
		return nil, err
	case why.Kind != "":
		s := &Supposed{Key: PodKey(pods[0]), Scheduler: pods[0].Spec.SchedulerName, Pods: len(pods), Why: why, Refused: true}
		if g != nil {
			s.Key, s.gang = g.Key, g
		}
		return s, nil
	case g == nil && len(pods) > 1:
		return nil, errors.New("the pods belong to no gang: the scheduler starts each on its own, so ask about one")
	case g == nil:
		return l.supposePod(pods[0], holding), nil
	}
	return l.supposeMembers(g, pods, holding)
}

// supposeGang records the pods as members of a new gang. It returns nil if they belong to none, and a problem with what they say.
func (l *Ledger) supposeGang(pods []*corev1.Pod) (g *gang.Gang, why gang.Explanation, err error) {
	now := l.clock.Now()
	for i, pod := range pods {
		spec, problem := l.parse(pod)
		switch {
		case problem != nil:
			r := record{problem: problem}
			return g, r.why(), nil //nolint:nilerr // it is the answer
		case (spec == nil) != (g == nil) && i > 0:
			return g, why, errors.New("some of the pods belong to a gang, and others do not")
		case spec == nil:
			continue
		}
		key := keyOf(pod, spec)
		switch {
		case g == nil && l.gangs[key] != nil && !l.gangs[key].Empty():
			return nil, why, fmt.Errorf("%w: %s", ErrExists, key)
		case g == nil:
			g = gang.New(key)
			l.gangs[key] = g
		case g.Key != key:
			return g, why, fmt.Errorf("the pods belong to several gangs, such as %s and %s: ask about one", g.Key, key)
		}
		r := l.record(pod)
		r.gang = g
		l.noteAsks(r, pod)
		g.Observe(l.member(pod, spec), now)
	}
	return g, why, nil
}

// unsuppose removes what supposeGang and supposeMembers have recorded.
func (l *Ledger) unsuppose(g *gang.Gang, pods []*corev1.Pod) {
	if s := l.standings[g]; s != nil {
		l.tree.Remove(s.id)
		delete(l.standings, g)
		delete(l.gangOf, s.id)
	}
	delete(l.gangs, g.Key)
	for _, pod := range pods {
		if r := l.records[pod.UID]; r != nil && r.gang == g {
			delete(l.records, pod.UID)
			delete(l.names, r.name())
		}
	}
}

// supposeMembers returns what would happen to a gang whose members are recorded.
func (l *Ledger) supposeMembers(g *gang.Gang, pods []*corev1.Pod, holding []gang.Key) (*Supposed, error) {
	now := l.clock.Now()
	s := &Supposed{
		Key: g.Key, Scheduler: g.Scheduler(), Pods: len(pods), MinAvailable: g.Need(), Runtime: g.BackfillRuntime(), gang: g,
	}
	switch g.Phase() {
	case gang.Unbound:
		return nil, fmt.Errorf("no pod of gang %s says how many have to start together", g.Key)
	case gang.Ready:
	default:
		s.Why = g.Explain()
		s.Refused = g.Phase() == gang.Disagreeing
		return s, nil
	}
	if l.tree != nil {
		l.stand(g)
		s.Queue = l.leafOf(g.Key.Namespace, g.Queue()).Name()
		s.inQueue(l, l.standings[g].id)
	}
	s.Planner = string(pods[min(len(pods), g.Need())-1].UID) // the pod that completes the gang stands for it
	g.Begin(s.Planner, true, now)
	if s.Task = g.Task(now); l.tree != nil {
		s.Task, _, _ = l.within(g, s.Task)
	}
	s.Taker = l.takerFor(s.Task, pods[0])
	l.noteOutranked(s, holding)
	return s, nil
}

// supposePod returns what would happen to a pod without a gang.
func (l *Ledger) supposePod(pod *corev1.Pod, holding []gang.Key) *Supposed {
	s := &Supposed{
		Key: PodKey(pod), Scheduler: pod.Spec.SchedulerName, Pods: 1, Runtime: l.runtimeOf(pod, statedRuntimes{}),
		Task: gang.Task{Gang: PodKey(pod), Members: []gang.Ref{refOf(pod)}, Need: 1, Topology: TopologyOf(pod)},
	}
	if l.tree != nil {
		e := l.entryOfPod(pod, true)
		l.tree.Wait(e)
		defer l.tree.Remove(e.ID)
		s.Queue = e.Leaf.Name()
		s.inQueue(l, e.ID)
		s.Beyond = false // a pod without a gang waits until its queue uses less
	}
	s.Taker = l.takerFor(s.Task, pod)
	l.noteOutranked(s, holding)
	return s
}

// inQueue notes what the queues decide about the entry.
func (s *Supposed) inQueue(l *Ledger, id queue.ID) {
	why := l.tree.Why(id)
	s.Before = why.Before
	switch kind := kindOf(why); {
	case kind == gang.KindQueued && why.Kind == queue.NotItsTurn, kind == "":
		return // others are about to be planned; what they take is not known yet
	default:
		s.Why = gang.Explanation{Kind: kind, Gang: s.Key, Pod: s.gang == nil, Queue: l.queueWhy(why)}
		s.Beyond = kind != gang.KindQueued && !why.Never
	}
	if s.gang != nil {
		queued := s.Why.Queue
		s.Why = s.gang.Explain()
		s.Why.Kind, s.Why.Queue = kindOf(why), queued
	}
}

// noteOutranked notes before which of the gangs it goes.
func (l *Ledger) noteOutranked(s *Supposed, holding []gang.Key) {
	s.Taker.supposed = true
	s.outranks = make(map[gang.Key]bool, len(holding))
	for _, key := range holding {
		s.outranks[key] = l.outranks(s.Key, s.Taker.Priority, key)
	}
}

// Outranks reports whether it may use what is held or set aside for this gang, because it goes before.
func (s *Supposed) Outranks(key gang.Key) bool { return s.outranks[key] }

// TopologyKeys are the keys of node labels that the gang asks for in its topology, sorted.
func (s *Supposed) TopologyKeys(now time.Time) []string {
	if s.gang == nil {
		return nil
	}
	unlock := s.lock()
	defer unlock()
	return s.gang.Status(now).TopologyKeys
}

// Unfit returns why it would wait after a plan with this finding, and what the plan lacked.
func (s *Supposed) Unfit(f gang.Finding) (gang.Explanation, gang.ShortageStatus) {
	if s.gang == nil {
		return gang.Explanation{
			Kind: gang.KindUnplaced, Gang: gang.Key{Namespace: s.Key.Namespace, Name: s.Key.Name}, Pod: true, Have: 1, Need: 1,
			Short: f.Short, Detail: f.Detail, Topology: f.Topology,
		}, gang.ShortageStatus{}
	}
	unlock := s.lock()
	defer unlock()
	return s.gang.IfUnfit(f)
}

// lock locks the gang, if it exists, until the caller calls what lock returns.
func (s *Supposed) lock() (unlock func()) {
	if s.ledger == nil {
		return func() {}
	}
	s.ledger.mu.Lock()
	return s.ledger.mu.Unlock
}
