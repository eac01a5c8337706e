// Package ledger is the one record of gangs and their members in a scheduler process. It is fed by informers and by the
// scheduling queue, and answers the scheduler's plugins.
package ledger

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/utils/clock"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

// Ledger holds every gang of the cluster. Its methods may be called concurrently. None of them calls out while it holds the
// lock, so they are safe under the scheduling queue's own lock. The caller performs the decisions that they return, outside of that lock.
type Ledger struct {
	clock clock.PassiveClock

	mu       sync.Mutex
	profiles map[string]profile
	gangs    map[gang.Key]*gang.Gang
	// anyQueue says that pods may name any queue while none are configured.
	anyQueue bool
	podRecords
	wakeUps
	restless
	located
	slotMoves
	queues
	passedBy
	preemptions

	// order holds the frozen sort keys of pods in the scheduling queue: types.UID -> queue.SortKey. The ledger's lock does not guard it,
	// because the queue compares pods all the time.
	order sync.Map
	// turn is the pod that was put into the scheduling queue because it goes next, nil if there is none. The ledger's lock does not guard
	// it.
	turn atomic.Pointer[types.UID]
}

// profile maps the conventions that a schedulerName's profile reads to their defaults.
type profile map[string]Defaults

// Defaults are what a profile's plugin says where members are silent.
type Defaults struct {
	Timeout, ReservationTimeout time.Duration
	Placement                   gang.Placement
	// ScheduleUnknown says that pods which only other products' keys tie together are scheduled one by one.
	ScheduleUnknown bool
}

// New returns an empty ledger.
func New(c clock.PassiveClock) *Ledger {
	l := &Ledger{
		clock:       c,
		profiles:    map[string]profile{},
		gangs:       map[gang.Key]*gang.Gang{},
		podRecords:  newPodRecords(),
		wakeUps:     newWakeUps(),
		restless:    newRestless(),
		located:     located{},
		queues:      newQueues(),
		preemptions: newPreemptions(),
	}
	l.begin(c.Now())
	return l
}

// Serve says that pods with this schedulerName are scheduled by this process, and that their profile reads the
// convention with these defaults.
func (l *Ledger) Serve(schedulerName, convention string, defaults Defaults) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.profiles[schedulerName] == nil {
		l.profiles[schedulerName] = profile{}
	}
	l.profiles[schedulerName][convention] = defaults
}

// Observe records a pod as the API shows it. An older version than the one recorded is ignored.
func (l *Ledger) Observe(pod *corev1.Pod) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.observe(pod)
}

func (l *Ledger) observe(pod *corev1.Pod) []gang.Decision {
	decisions := l.succeed(pod)
	if pod.Spec.NodeName != "" {
		l.lowest = min(l.lowest, corev1helpers.PodPriority(pod))
		defer l.observeUse(pod)
	}
	r := l.records[pod.UID]
	if _, gone := l.gone[pod.UID]; gone || r != nil && !newer(pod.ResourceVersion, r.version) {
		return decisions
	}
	if pod.Spec.NodeName != "" {
		l.dropMisfit(pod)
	}
	spec, problem := l.parse(pod)
	switch {
	case problem != nil:
		return append(decisions, l.observeProblem(pod, problem)...)
	case spec == nil:
		return append(decisions, l.becomePlain(pod)...)
	default:
		return append(decisions, l.observeMember(pod, spec)...)
	}
}

// observeProblem records a pod whose annotations cannot be followed.
func (l *Ledger) observeProblem(pod *corev1.Pod, problem error) []gang.Decision {
	r := l.records[pod.UID]
	if r != nil && r.problem != nil && same(r.problem, problem) {
		r.version = pod.ResourceVersion
		return nil
	}
	decisions := l.forget(pod.UID)
	r = l.record(pod)
	r.problem = problem
	if pod.Spec.NodeName == "" && l.profiles[pod.Spec.SchedulerName] != nil {
		l.unnotified[pod.UID] = r
	}
	return decisions
}

// observeMember records a gang's member, which may have been another gang's, or none that could be followed, before.
func (l *Ledger) observeMember(pod *corev1.Pod, spec *gang.Spec) []gang.Decision {
	key, now := keyOf(pod, spec), l.clock.Now()
	r := l.records[pod.UID]
	var decisions []gang.Decision
	corrected := r != nil && (r.gang == nil || r.gang.Key != key)
	if corrected {
		decisions, r = l.forget(pod.UID), nil
	}
	if r == nil {
		r = l.record(pod)
		r.gang = l.gang(key)
		l.dropMisfit(pod)
		l.noteCreator(r, pod)
	}
	r.version = pod.ResourceVersion
	l.noteAsks(r, pod)
	decisions = append(decisions, r.gang.Observe(l.member(pod, spec), now)...)
	if corrected && pod.Spec.NodeName == "" {
		decisions = append(decisions, r.gang.Refused(string(pod.UID), now)...)
	}
	if len(l.created[pod.UID]) > 0 {
		decisions = append(decisions, l.gatherCreated(pod.UID, r.gang)...)
	}
	return l.after(r.gang, decisions)
}

// gang returns the gang of this name, which may be new.
func (l *Ledger) gang(key gang.Key) *gang.Gang {
	if l.gangs[key] == nil {
		l.gangs[key] = gang.New(key)
	}
	return l.gangs[key]
}

// becomePlain frees a pod whose annotations were removed, if it was refused because of them. Its record stays without gang
// and problem while it is pending: the queue may still show its older version.
func (l *Ledger) becomePlain(pod *corev1.Pod) []gang.Decision {
	r := l.records[pod.UID]
	if r == nil {
		return nil
	}
	wasPlain := r.plain()
	decisions := l.forget(pod.UID)
	if pod.Spec.NodeName != "" {
		return decisions
	}
	r = l.record(pod)
	if wasPlain {
		return decisions
	}
	return append(decisions, gang.Activate{Members: []gang.Ref{r.ref}})
}

// Forget removes a pod that is gone.
func (l *Ledger) Forget(uid types.UID) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delete(uid)
}

func (l *Ledger) delete(uid types.UID) []gang.Decision {
	l.order.Delete(uid)
	if l.records[uid] != nil || l.tree != nil {
		l.gone[uid] = l.clock.Now()
		l.dropGone()
	}
	return l.leaveQueue(uid, l.forget(uid))
}

func (l *Ledger) forget(uid types.UID) []gang.Decision {
	r := l.records[uid]
	if r == nil {
		return nil
	}
	delete(l.records, uid)
	if l.names[r.name()] == r {
		delete(l.names, r.name())
	}
	delete(l.unnotified, uid)
	l.forgetCreator(uid, r)
	if r.gang == nil {
		return nil
	}
	return l.after(r.gang, r.gang.Remove(string(uid), l.clock.Now()))
}

// Retain forgets every pod that does not exist any more: a pod that the scheduling queue shows late, after the informer
// told of its deletion, would stay for ever.
func (l *Ledger) Retain(exists func(gang.Ref) bool) []gang.Decision {
	recorded := l.recorded()
	maps.DeleteFunc(recorded, func(_ types.UID, r *record) bool { return exists(r.ref) })
	left := slices.DeleteFunc(l.inQueues(), exists) // a new configuration may have counted a pod just when it was deleted
	gone := l.goneMisfits(exists)
	l.mu.Lock()
	defer l.mu.Unlock()
	var decisions []gang.Decision
	for _, r := range inOrder(recorded) {
		if uid := types.UID(r.ref.UID); l.records[uid] == r {
			l.order.Delete(uid)
			decisions = append(decisions, l.leaveQueue(uid, l.forget(uid))...)
		}
	}
	l.dropGone()
	for _, ref := range left {
		decisions = l.leaveQueue(types.UID(ref.UID), decisions)
	}
	for _, key := range gone {
		delete(l.passedBy.pods, key)
		delete(l.tried, key)
	}
	return decisions
}

// Tick lets time pass for every gang: times to warn after, retries, and what is written on members.
func (l *Ledger) Tick() []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	var decisions []gang.Decision
	looked, effects := l.tick(now)
	for _, t := range effects {
		decisions = append(decisions, l.after(t.gang, t.decisions)...)
	}
	l.lookAtAll(looked, now)
	if l.later {
		l.later = false
		decisions = append(decisions, l.lookAndTry(now)...)
	} else {
		decisions = append(decisions, l.look(now)...)
	}
	decisions = append(decisions, l.resume()...) // the gang that goes first may have been kept from coming
	decisions = append(decisions, l.explainTurns(now)...)
	for _, r := range inOrder(l.unnotified) {
		decisions = append(decisions, gang.Notify{
			Members:     []gang.Ref{r.ref},
			Explanation: r.why(),
		})
	}
	clear(l.unnotified)
	return decisions
}

// Knows says whether the ledger has a record of the pod.
func (l *Ledger) Knows(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[uid] != nil
}

// Size returns how many gangs and pods the ledger holds.
func (l *Ledger) Size() (gangs, pods int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.gangs), len(l.records)
}
