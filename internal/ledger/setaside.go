package ledger

import (
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"

	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
	"github.com/kubenexus/kubenexus-scheduler/internal/queue"
)

// startTime is how long a process that just started does not trust its own observation of when a gang became complete, or of when a pod
// was first found not to fit.
const startTime = 30 * time.Second

// passedBy tracks which gangs have been passed by for too long. A pod without a gang is a gang of one.
type passedBy struct {
	// started is when this ledger was made.
	started time.Time
	// maxWait overrides the maxWait of the queues, if it is set; 0 means that no capacity is set aside.
	maxWait func(gang.Key) time.Duration
	// pods are the pods without a gang that do not fit.
	pods map[gang.Key]*misfit
	// due is when to look again for gangs that have been passed by for too long, in nanoseconds since 1970.
	due atomic.Int64
	// freed counts the changes that may free capacity.
	freed atomic.Uint64
}

// misfit is a pod without a gang that does not fit.
type misfit struct {
	ref       gang.Ref
	scheduler string
	// share is what the pod says of its queue, and of where it has to be.
	share    gang.Share
	priority int32
	// created is when it was created, and since the time from when on it counts as passed by.
	created, since time.Time
	// aside is true while capacity that is set aside for the pod is free.
	aside bool
	// told says that an event said that capacity is set aside for the pod.
	told bool
}

func (p *passedBy) begin(now time.Time) {
	p.started, p.pods = now, map[gang.Key]*misfit{}
	p.due.Store(math.MaxInt64)
}

// PodKey is the key of a pod without a gang, among the keys of gangs.
func PodKey(pod *corev1.Pod) gang.Key {
	return gang.Key{Namespace: pod.Namespace, Name: pod.Name, Instance: string(pod.UID)}
}

// SetMaxWait sets how long a gang waits before capacity is set aside for it; 0 means never. The function is called with the
// ledger locked.
func (l *Ledger) SetMaxWait(maxWait func(gang.Key) time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.maxWait = maxWait
	l.due.Store(l.clock.Now().UnixNano())
}

// mostWait returns how long a gang, or a pod without one, may be passed by: what its queue says.
func (l *Ledger) mostWait(key gang.Key) time.Duration {
	switch g, m := l.gangs[key], l.passedBy.pods[key]; {
	case l.maxWait != nil:
		return l.maxWait(key)
	case l.tree == nil:
		return queue.DefaultMaxWait
	case m != nil:
		return l.leafOf(key.Namespace, m.share.Queue).MaxWait()
	case g != nil:
		return l.leafOf(key.Namespace, g.Queue()).MaxWait()
	}
	return 0
}

// idIn returns the entry of a gang, or of a pod without one, in the tree of queues.
func (l *Ledger) idIn(key gang.Key) queue.ID {
	if g := l.gangs[key]; g != nil && l.standings[g] != nil {
		return l.standings[g].id
	}
	return idOf(types.UID(key.Instance))
}

// Outranks reports whether the asker may use what is set aside for another gang, or pod, because it goes before, however long both have
// waited.
func (l *Ledger) Outranks(asker Asker, other gang.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outranks(asker.Key, asker.Priority, other)
}

func (l *Ledger) outranks(key gang.Key, priority int32, other gang.Key) bool {
	if l.tree != nil {
		return l.tree.Outranks(l.idIn(key), l.idIn(other))
	}
	if g := l.gangs[other]; g != nil {
		return priority > g.Priority()
	}
	m := l.passedBy.pods[other]
	return m != nil && priority > m.priority
}

// trusted is since when this process has observed the cluster.
func (p *passedBy) trusted() time.Time { return p.started.Add(startTime) }

// Missed records that a pod without a gang fits on no node.
func (l *Ledger) Missed(pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := PodKey(pod)
	if _, gone := l.gone[pod.UID]; gone || l.passedBy.pods[key] != nil {
		return
	}
	m := &misfit{
		ref:       gang.Ref{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)},
		scheduler: pod.Spec.SchedulerName, share: stated(pod), priority: corev1helpers.PodPriority(pod), since: l.clock.Now(),
		created: pod.CreationTimestamp.Time,
	}
	if m.since.Before(l.trusted()) && !m.created.IsZero() && m.created.Before(m.since) {
		m.since = m.created
	}
	l.passedBy.pods[key] = m
	l.noteDue(key, m.since)
}

// Placed records that a pod without a gang has a node.
func (l *Ledger) Placed(pod *corev1.Pod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropMisfit(pod)
}

// dropMisfit forgets that a pod did not fit: it has a node, is gone, or is a gang's member now.
func (l *Ledger) dropMisfit(pod *corev1.Pod) {
	if len(l.passedBy.pods)+len(l.tried) > 0 {
		delete(l.passedBy.pods, PodKey(pod))
		delete(l.tried, PodKey(pod))
	}
}

// goneMisfits returns those of the pods without a gang that did not fit and do not exist any more.
func (l *Ledger) goneMisfits(exists func(gang.Ref) bool) []gang.Key {
	known := map[gang.Key]gang.Ref{}
	l.mu.Lock()
	for key, m := range l.passedBy.pods {
		known[key] = m.ref
	}
	for key, t := range l.tried {
		if key.Convention == "" {
			known[key] = t.pod
		}
	}
	l.mu.Unlock()
	maps.DeleteFunc(known, func(_ gang.Key, ref gang.Ref) bool { return exists(ref) })
	return slices.Collect(maps.Keys(known))
}

// SetAside records what capacity is set aside for a gang or a pod; nil means none.
func (l *Ledger) SetAside(key gang.Key, why *gang.SetAsideWhy) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if g := l.gangs[key]; g != nil {
		g.SetAside(why, now)
		l.touch(g)
		return nil
	}
	m := l.passedBy.pods[key]
	if m == nil {
		return nil
	}
	if m.aside = why != nil && why.Held > 0; why == nil || m.told {
		return nil
	}
	m.told = true
	return []gang.Decision{gang.Notify{Members: []gang.Ref{m.ref}, Explanation: gang.Explanation{
		Kind: gang.KindSetAside, Gang: key, Waited: now.Sub(m.since), SetAside: why,
	}}}
}

// Try puts a gang or pod that waits for capacity into the scheduling queue.
func (l *Ledger) Try(key gang.Key) []gang.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.passedBy.pods[key]; m != nil {
		return []gang.Decision{gang.Activate{Members: []gang.Ref{m.ref}}}
	}
	g := l.gangs[key]
	if g == nil || g.Phase() != gang.Ready {
		return nil
	}
	return l.after(g, g.Retry(l.clock.Now()))
}

// Asker is a pod that was popped from the scheduling queue.
type Asker struct {
	// Key is that of its gang, or of itself.
	Key gang.Key
	// Priority is that of the gang or pod.
	Priority int32
	// Runtime is how long the pod runs at most, or its whole gang if it stands for that; 0 if it is unknown.
	Runtime time.Duration
	// TakesSlot says that capacity was held for the pod, and only that may be used for it.
	TakesSlot bool
}

// Asks returns who a popped pod asks for.
func (l *Ledger) Asks(pod *corev1.Pod) Asker {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.records[pod.UID]
	if r == nil || r.gang == nil || r.gang.Alone(string(pod.UID)) {
		return Asker{Key: PodKey(pod), Priority: corev1helpers.PodPriority(pod), Runtime: l.runtimeOf(pod, statedRuntimes{})}
	}
	g := r.gang
	a := Asker{Key: g.Key, Priority: g.Priority(), TakesSlot: g.SlotNode(string(pod.UID)) != ""}
	if g.Phase() == gang.Ready {
		a.Runtime = g.BackfillRuntime()
	} else {
		a.Runtime = l.runtimeOf(pod, statedRuntimes{})
	}
	return a
}

// AsksFor returns who a parked gang asks for, and false if it does not wait.
func (l *Ledger) AsksFor(key gang.Key) (Asker, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gangs[key]
	if g == nil || g.Phase() != gang.Ready {
		return Asker{}, false
	}
	return Asker{Key: key, Priority: g.Priority(), Runtime: g.BackfillRuntime()}, true
}
