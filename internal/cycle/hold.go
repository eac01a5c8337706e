package cycle

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/kubenexus/kubenexus-scheduler/internal/dispatch"
	"github.com/kubenexus/kubenexus-scheduler/internal/gang"
)

const (
	// askAgain is how long after the request a victim must be terminating. Otherwise it is asked again.
	askAgain = 5 * time.Second
	// victimHangs is how long after its grace period a victim is no longer waited for.
	victimHangs = 2 * time.Minute
	// ledgerLag is about how much later than the scheduler's cache the ledger knows that a pod is gone.
	ledgerLag = 5 * time.Millisecond
	// unusedMost is how long capacity is held for a gang whose victims are gone, and that does not start. While others are still before it,
	// it is queuedMost: with a long queue, its turn may come late.
	unusedMost, queuedMost = 10 * time.Second, 2 * time.Minute
)

// hold is the capacity that is held for a gang while its victims end.
type hold struct {
	// members have a node each.
	members []gang.Ref
	pins    []gang.Pin
	victims []dispatch.Victim
	going   []*corev1.Pod // the same pods
	// gangs are those of the victims that are preempted as a whole.
	gangs map[gang.Key]gang.ByWhy
	// pod is the pod without a gang, nil for a gang.
	pod *corev1.Pod
	// left are the victims that have not ended, and others that were being deleted before and that the gang waits for too.
	left map[types.UID]*corev1.Pod
	// lent are the gangs and pods that go first, and so were scheduled while the held capacity was free for them.
	lent map[gang.Key]struct{}
	// decided is when the victims were chosen, zero if an earlier process did that, and asked when they were last asked to end.
	decided, asked time.Time
	// ended is true once the gang was put into the scheduling queue, because all victims are gone. over is when. broken is true if they are
	// not, but one hangs, or a node is gone.
	ended, broken bool
	over          time.Time
	// again is true once the gang is tried a second time because it did not fit although all victims are gone.
	again bool
}

func newHold(now time.Time) *hold {
	return &hold{left: map[types.UID]*corev1.Pod{}, gangs: map[gang.Key]gang.ByWhy{}, decided: now, asked: now}
}

// await notes that the gang waits for a pod to end.
func (h *hold) await(pod *corev1.Pod) { h.left[pod.UID] = pod }

// awaits returns what the gang waits for.
func (h *hold) awaits() *gang.AwaitsWhy {
	nodes := map[string]struct{}{}
	for _, pod := range h.left {
		nodes[pod.Spec.NodeName] = struct{}{}
	}
	return &gang.AwaitsWhy{Pods: len(h.left), Nodes: len(nodes)}
}

// goneVictims are the pods that have ended since they were last looked at.
type goneVictims struct {
	mu   sync.Mutex
	uids []types.UID
	more chan struct{}
}

func newGoneVictims() goneVictims { return goneVictims{more: make(chan struct{}, 1)} }

// add notes that a pod has ended. The scheduler's cache no longer has it.
func (g *goneVictims) add(uid types.UID) {
	g.mu.Lock()
	g.uids = append(g.uids, uid)
	g.mu.Unlock()
	g.signal()
}

// signal has holds looked at.
func (g *goneVictims) signal() {
	select {
	case g.more <- struct{}{}:
	default:
	}
}

func (g *goneVictims) take() []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	uids := g.uids
	g.uids = nil
	return uids
}

// Run keeps holds up to date until the context ends.
func (p *Preemption) Run(ctx context.Context) {
	ticker := time.NewTicker(tickPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.gone.more:
			p.noteGone(p.gone.take())
		case <-ticker.C:
			p.tick(ctx, time.Now())
		}
	}
}

// noteGone retries the gangs whose last victim is gone.
func (p *Preemption) noteGone(uids []types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, h := range p.holds {
		if h.ended {
			continue
		}
		for _, uid := range uids {
			delete(h.left, uid)
		}
		if len(h.left) == 0 {
			p.retry(key, h)
		}
	}
}

// retry puts the gang of a hold into the scheduling queue, unless the ledger does not know yet that its victims are gone: what they used
// would count for the limits of the queue. Then it is tried again in a moment, and so it is while the gang is in its cycle.
func (p *Preemption) retry(key gang.Key, h *hold) {
	var decisions []gang.Decision
	tried := false
	if h.broken || !p.Ledger.CountAny(h.going) {
		decisions, tried = p.Ledger.TryPreemptor(key, h.members[0])
	}
	if !tried {
		time.AfterFunc(ledgerLag, p.gone.signal)
		return
	}
	h.ended, h.over = true, time.Now()
	p.Dispatcher.Perform(decisions)
}

// tick ends the holds of gangs that do not wait any more, retries gangs for which a victim hangs, and asks victims again that stay. It also
// has a gang tried again that could preempt what has started since.
func (p *Preemption) tick(ctx context.Context, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune(ctx)
	queued := p.queued(now)
	for key, h := range p.holds {
		switch {
		case h.overdue(now, queued):
			p.countUnused(klog.FromContext(ctx), key, h)
			p.drop(ctx, key, h, false)
		case h.pod != nil && h.unusedSince(now, tickPause):
			// The scheduling queue lets a pod back off that is activated while it is in flight, if a pod was deleted before in that time.
			p.Dispatcher.Perform([]gang.Decision{gang.Activate{Members: h.members}})
		case !h.ended && len(h.left) == 0:
			p.retry(key, h)
		case !h.ended && !p.Dispatcher.NodesExist(h.pins):
			h.broken = true
			p.retry(key, h)
		case !h.ended && now.Sub(h.asked) >= askAgain:
			h.asked = now
			if p.check(h, now) {
				p.retry(key, h)
			} else {
				p.ask(ctx, key, h)
			}
		}
	}
	if !p.leads.Load() || !p.sweeps.due(now) {
		return
	}
	key, decisions := p.Ledger.PreemptAgain(now)
	p.sweeps.began(key, now)
	p.Dispatcher.Perform(decisions)
}

// unusedSince reports whether the victims of the hold are gone for longer than this.
func (h *hold) unusedSince(now time.Time, long time.Duration) bool {
	return h.ended && now.Sub(h.over) > long
}

// overdue reports whether the gang had its chance to use what is held for it.
func (h *hold) overdue(now time.Time, queued func([]gang.Ref) bool) bool {
	return h.unusedSince(now, unusedMost) && (!queued(h.members) || h.unusedSince(now, queuedMost))
}

// queued returns a function that reports whether any of these pods waits to be popped. The function is never called if no hold is overdue.
func (p *Preemption) queued(now time.Time) func(members []gang.Ref) bool {
	active := map[types.UID]struct{}{}
	for _, h := range p.holds {
		if h.unusedSince(now, unusedMost) {
			for _, pod := range p.sched.SchedulingQueue.PodsInActiveQ() {
				active[pod.UID] = struct{}{}
			}
			break
		}
	}
	return func(members []gang.Ref) bool {
		return slices.ContainsFunc(members, func(m gang.Ref) bool {
			_, waits := active[types.UID(m.UID)]
			return waits || p.Ledger.AwaitsTurn(types.UID(m.UID))
		})
	}
}

// onceMore has a gang that did not fit although all victims are gone tried once more in a moment, unless others may have used the capacity.
// The scheduling queue learns of nominated nodes while filters run, so for a moment a pod may count twice on the node: as nominated, and by
// what is held for it.
func (h *hold) onceMore() bool {
	if h.again || h.broken || len(h.lent) > 0 {
		return false
	}
	h.again, h.ended = true, false
	return true
}

// check compares the victims of a hold with the pods that exist. It reports whether the gang need not wait: all are gone, or one hangs.
func (p *Preemption) check(h *hold, now time.Time) bool {
	for uid, victim := range h.left {
		pod, err := p.Dispatcher.Pod(refOf(victim))
		_, cached := p.sched.Cache.GetPod(victim)
		switch {
		case err == nil && pod != nil && pod.DeletionTimestamp != nil && now.Sub(pod.DeletionTimestamp.Time) > victimHangs:
			h.broken = true
			return true
		case (err != nil || pod == nil) && cached != nil:
			delete(h.left, uid) // it is gone
		case err == nil && pod != nil && pod.DeletionTimestamp == nil && !p.chosen.Has(pod):
			delete(h.left, uid) // it was the victim of another gang, which no longer needs it
		}
	}
	return len(h.left) == 0
}

// Prune ends the holds of gangs that do not wait any more.
func (p *Preemption) Prune(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune(ctx)
}

func (p *Preemption) prune(ctx context.Context) {
	for key, h := range p.holds {
		if waits, started := p.waits(key, h); !waits {
			p.drop(ctx, key, h, started)
		}
	}
}

// waits reports whether the gang, or the pod without one, of a hold still waits, and whether it has started otherwise.
func (p *Preemption) waits(key gang.Key, h *hold) (waits, started bool) {
	if key.Convention != "" {
		return p.Ledger.StillPreempts(key)
	}
	pod, err := p.Dispatcher.Pod(h.members[0])
	if err != nil || pod == nil || pod.DeletionTimestamp != nil {
		return false, false
	}
	started = pod.Spec.NodeName != "" || p.Ledger.Binding(pod.UID)
	return !started, started
}
