package ledger

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/conventions"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/preempt"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// Taker is a gang, or a pod without one, that others may have to make room for.
type Taker struct {
	// Key is that of the gang, or of the pod (PodKey).
	Key       gang.Key
	Namespace string
	Priority  int32
	// queue is the queue that it names, and guaranteed is true if it may only start within guarantees.
	queue      string
	guaranteed bool
	// members are those that it needs to start.
	task gang.Task
	pod  *corev1.Pod
	// ask is what they request, if queues were configured when it was asked for.
	ask queue.Vector
	// supposed is true if it is only asked about.
	supposed bool
}

// TakerFor returns the taker for a task. pod is one of its pods, or the pod without a gang.
func (l *Ledger) TakerFor(task gang.Task, pod *corev1.Pod) Taker {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takerFor(task, pod)
}

func (l *Ledger) takerFor(task gang.Task, pod *corev1.Pod) Taker {
	t := Taker{Key: task.Gang, Namespace: task.Gang.Namespace, task: task, pod: pod}
	if l.tree != nil {
		t.ask = l.askOf(t)
	}
	if g := l.gangs[task.Gang]; g != nil {
		t.Priority, t.queue, t.guaranteed = g.Priority(), g.Queue(), g.NonPreemptible()
		return t
	}
	share := stated(pod)
	t.Priority, t.queue, t.guaranteed = corev1helpers.PodPriority(pod), share.Queue, share.Preemptible == gang.NeverPreempted
	return t
}

// Unit is what may be preempted together.
type Unit struct {
	Kind preempt.Kind
	// Gang is that of the pods, the zero Key if they have none. Core is the place of the unit that its surplus belongs to, else -1.
	Gang     gang.Key
	Core     int
	Priority int32
	Started  time.Time
	// Pods are places among the pods that were given.
	Pods []int
	// Reason is why the rules allow to take it.
	Reason gang.PreemptReason
	// protected is true if it says that it is never preempted.
	protected bool
	queued
}

// Units returns what the taker may preempt of the pods, which run or are being bound: what the rules allow one by one. Pods that are being
// deleted, and those of other schedulers, are never among them.
func (l *Ledger) Units(t Taker, pods []*corev1.Pod, now time.Time) []Unit {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lowest = math.MaxInt32
	return l.units(t, pods, now)
}

// UnitsAmong returns the same for some of the pods that run. Gangs that have others too are left out.
func (l *Ledger) UnitsAmong(t Taker, pods []*corev1.Pod, now time.Time) []Unit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.units(t, pods, now)
}

// OnlyPriorities reports whether priorities alone decide who may be preempted: whether no queues are configured.
func (l *Ledger) OnlyPriorities() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tree == nil
}

func (l *Ledger) units(t Taker, pods []*corev1.Pod, now time.Time) []Unit {
	l.noteTried(t)
	c := l.claim(t, now)
	var units []Unit
	gangs := map[*gang.Gang]map[types.UID]int{}
	var order []*gang.Gang
	places := make([]int, len(pods)) // that of each pod, for units of one pod
	u, may := new(Unit), false
	for i, pod := range pods {
		if l.profiles[pod.Spec.SchedulerName] == nil || pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" {
			continue
		}
		r := l.records[pod.UID]
		l.noteLowest(pod, r)
		if l.binding[pod.UID] != nil {
			continue
		}
		if goesAlone(r) {
			places[i] = i
			*u = single(pod, places[i:i+1:i+1])
			if u.Reason, may = l.mayTake(t, c, u, pods); may {
				if units == nil {
					units = make([]Unit, 0, len(pods)-i)
				}
				units = append(units, *u)
			}
			continue
		}
		if gangs[r.gang] == nil {
			gangs[r.gang] = map[types.UID]int{}
			order = append(order, r.gang)
		}
		gangs[r.gang][pod.UID] = i
	}
	for _, g := range order {
		if g.Key != t.Key {
			units = l.appendEligible(units, t, c, unitsOf(g, gangs[g], pods), pods)
		}
	}
	return units
}

// single returns the unit of a pod without a gang.
func single(pod *corev1.Pod, at []int) Unit {
	return Unit{
		Kind: preempt.Pod, Core: -1, Priority: corev1helpers.PodPriority(pod), Started: StartedAt(pod), Pods: at,
		protected: protected(pod),
	}
}

// goesAlone reports whether a pod goes without others.
func goesAlone(r *record) bool { return r == nil || r.gang == nil || r.gang.Phase() == gang.Unbound }

// protected reports whether a pod without a gang says that it is never preempted.
func protected(pod *corev1.Pod) bool {
	return pod.Annotations[conventions.PreemptibleAnnotation] == string(gang.NeverPreempted)
}

// noteLowest lowers the lowest priority to that of a pod that runs, unless the pod is protected.
func (l *Ledger) noteLowest(pod *corev1.Pod, r *record) {
	priority := corev1helpers.PodPriority(pod)
	if priority >= l.lowest {
		return
	}
	if alone := goesAlone(r); alone && protected(pod) || !alone && r.gang.NonPreemptible() {
		return
	}
	l.lowest = priority
}

// Serves reports whether pods with this schedulerName are scheduled by this process: others are never preempted.
func (l *Ledger) Serves(schedulerName string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.profiles[schedulerName] != nil
}

// Protects reports whether a pod that says that it is never preempted is not: its gang may say something else.
func (l *Ledger) Protects(uid types.UID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[uid]
	return goesAlone(r) || r.gang.NonPreemptible()
}

// LowestIs records the lowest priority of all pods that run and are not protected.
func (l *Ledger) LowestIs(priority int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lowest = priority
}

// unitsOf returns the units of a gang: first the members that it needs, then each of its surplus.
func unitsOf(g *gang.Gang, members map[types.UID]int, pods []*corev1.Pod) []Unit {
	needed, surplus, ok := g.Split()
	if !ok {
		return nil
	}
	core := Unit{Kind: preempt.Gang, Gang: g.Key, Core: -1, Priority: g.Priority(), protected: g.NonPreemptible()}
	units := []Unit{core}
	for _, ref := range needed {
		i, known := members[types.UID(ref.UID)]
		if !known {
			return nil // it is bound to a node that the snapshot does not have
		}
		units[0].add(i, pods)
	}
	for _, ref := range surplus {
		if i, known := members[types.UID(ref.UID)]; known {
			extra := core
			extra.Kind, extra.Core = preempt.Surplus, 0
			extra.add(i, pods)
			if last := &units[len(units)-1]; last.Kind == preempt.Surplus && !extra.Started.Before(last.Started) {
				extra.Started = last.Started.Add(-1) // the last member goes first, also if an older one was bound later
			}
			units = append(units, extra)
		}
	}
	return units
}

// add adds a pod to a unit.
func (u *Unit) add(pod int, pods []*corev1.Pod) {
	u.Pods = append(u.Pods, pod)
	if started := StartedAt(pods[pod]); started.After(u.Started) {
		u.Started = started
	}
}

// appendEligible appends those of the units of a gang that the taker may preempt.
func (l *Ledger) appendEligible(to []Unit, t Taker, c *queue.Claim, units []Unit, pods []*corev1.Pod) []Unit {
	core := -1 // the place of the members that the gang needs, if they may go
	for i := range units {
		u := &units[i]
		reason, may := l.mayTake(t, c, u, pods)
		if !may {
			continue
		}
		u.Reason = reason
		if u.Kind == preempt.Surplus {
			u.Core = core
		} else {
			core = len(to)
		}
		to = append(to, *u)
	}
	return to
}

// Preempted records that these gangs are preempted as a whole, and their preemptors.
func (l *Ledger) Preempted(gangs map[gang.Key]gang.ByWhy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, by := range gangs {
		if g := l.gangs[key]; g != nil {
			g.Preempted(by, l.clock.Now())
			l.after(g, nil)
		}
	}
}

// PreemptionEnded records that no more members of these gangs are asked to end for the gang that preempted them.
func (l *Ledger) PreemptionEnded(gangs map[gang.Key]gang.ByWhy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range gangs {
		if g := l.gangs[key]; g != nil {
			g.PreemptionEnded(l.clock.Now())
			l.touch(g)
		}
	}
}

// Whole reports whether the unit is a whole gang.
func (u *Unit) Whole() bool { return u.Kind == preempt.Gang }

// surplus reports whether the unit is a member of a gang above its min-available.
func (u *Unit) surplus() bool { return u.Kind == preempt.Surplus }

// String names the taker.
func (t Taker) String() string {
	if t.Key.Convention == "" {
		return "pod " + t.Key.Namespace + "/" + t.Key.Name
	}
	return "gang " + t.Key.String()
}

// StillPreempts reports whether a gang for which pods were preempted still waits for them, and whether it has started otherwise.
func (l *Ledger) StillPreempts(key gang.Key) (waits, started bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil {
		return false, false
	}
	phase := g.Phase()
	return phase == gang.Ready || phase == gang.Placing, phase == gang.Running
}
